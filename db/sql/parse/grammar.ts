/**
 * PostgreSQL's own grammar: libpg-query's WebAssembly without the JavaScript that comes with it, which would load a file, wait for
 * promises, write to the console and set the process's exit code. What the module imports is little: calls that a longjmp
 * may end, and a C library that is only asked for more memory (it gets none: the heap is 128 MiB and stays so) or to exit.
 *
 * An instance is good until it traps. Its memory is then in an unknown state, so the next parse starts a new one, from code that
 * is compiled once in a thread.
 */
import { TruthError } from '../../errors.ts';
import { grammarBytes } from './grammar-bytes.ts';
import type { TreeFields } from './tree.ts';

/** A parse tree, or what the grammar says about the text. `character` counts from 1; 0 when it does not say where. */
export type GrammarAnswer =
  | { readonly tree: TreeFields }
  | { readonly problem: string; readonly character: number };

export interface Grammar {
  /**
   * Statements of a text; the caller has bounded its size and nesting. Errors: TOO_LARGE (54001) when it needs more stack than
   * there is, INTERNAL (XX000) when the parser itself fails; it works again afterwards.
   */
  parse(text: string): GrammarAnswer;
}

/** One for all in a thread: it keeps nothing between two texts. */
export async function loadGrammar(): Promise<Grammar> {
  loading ??= api.compile(grammarBytes()).then((module) => new PostgresGrammar(module));
  return loading;
}

let loading: Promise<Grammar> | null = null;

interface WebAssemblyApi {
  compile(bytes: Uint8Array): Promise<object>;
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
}

const api = (globalThis as unknown as { readonly WebAssembly: WebAssemblyApi }).WebAssembly;

/** Exports of libpg-query 18.1.5 by the one-letter names its linker gave them (wasm/libpg-query.js, assignWasmExports). */
interface Exports {
  readonly z: { readonly buffer: ArrayBuffer };
  readonly D: { get(index: number): (...values: unknown[]) => unknown };
  /** Constructors of C; malloc and free; parse, free its result. */
  A(): void;
  C(bytes: number): number;
  E(pointer: number): void;
  F(text: number): number;
  G(result: number): void;
  /** setThrew; stack pointer: restore, read. */
  P(threw: number, value: number): void;
  Q(pointer: number): void;
  R(): number;
}

class PostgresGrammar implements Grammar {
  readonly #module: object;
  #instance: Instance | null = null;

  constructor(module: object) {
    this.#module = module;
  }

  parse(text: string): GrammarAnswer {
    try {
      this.#instance ??= new Instance(this.#module);
      return this.#instance.parse(text);
    } catch (error) {
      this.#instance = null;
      throw trap(error);
    }
  }
}

function trap(error: unknown): TruthError {
  if (error instanceof RangeError) {
    return new TruthError(
      'TOO_LARGE',
      'the statement needs more stack than the parser has; split it into smaller ones',
      { sqlstate: '54001' },
      { cause: error },
    );
  }
  return new TruthError(
    'INTERNAL',
    'the SQL parser failed on this statement and was started anew; write the statement another way and report it',
    { sqlstate: 'XX000' },
    { cause: error },
  );
}

class Instance {
  readonly #exports: Exports;
  readonly #bytes: Buffer;
  readonly #words: DataView;

  constructor(module: object) {
    this.#exports = new api.Instance(module, { a: imports(() => this.#exports) }).exports as Exports;
    // The memory never grows, so these stay valid for good.
    this.#bytes = Buffer.from(this.#exports.z.buffer);
    this.#words = new DataView(this.#exports.z.buffer);
    this.#exports.A();
  }

  parse(text: string): GrammarAnswer {
    const { C: malloc, E: free, F: parse, G: freeResult } = this.#exports;
    const room = Buffer.byteLength(text) + 1;
    const given = this.#taken(malloc(room));
    const length = this.#bytes.write(text, given, 'utf8');
    this.#bytes[given + length] = 0;
    const result = this.#taken(parse(given));
    const answer = this.#answer(result);
    freeResult(result);
    free(given);
    return answer;
  }

  /** A result of libpg-query: tree, messages, error; an error: message, function, file, line, position. */
  #answer(result: number): GrammarAnswer {
    const error = this.#word(result + 8);
    if (error === 0) return { tree: JSON.parse(this.#text(this.#word(result))) as TreeFields };
    return { problem: this.#text(this.#word(error)), character: this.#word(error + 16) };
  }

  #word(at: number): number {
    return this.#words.getInt32(at, true);
  }

  #text(at: number): string {
    const end = this.#bytes.indexOf(0, at);
    if (at <= 0 || end < 0) throw new Error(`there is no text at ${at}`);
    return this.#bytes.toString('utf8', at, end);
  }

  #taken(pointer: number): number {
    if (pointer === 0) throw new Error('the parser has no memory left');
    return pointer;
  }
}

/** EBADF, for everything that wants a file: messages to standard error have nowhere to go. */
const noFile = (): number => 8;

/** Thrown from C by longjmp, caught by the nearest call that a setjmp protects. */
const LONG_JUMP = { name: 'longjmp' };

function imports(exports: () => Exports): Record<string, unknown> {
  const protect =
    (nothing: unknown) =>
    (index: number, ...values: unknown[]): unknown => {
      const { D: table, P: setThrew, Q: restoreStack, R: currentStack } = exports();
      const stack = currentStack();
      try {
        return table.get(index)(...values);
      } catch (error) {
        restoreStack(stack);
        if (error !== LONG_JUMP) throw error;
        setThrew(1, 0);
        return nothing;
      }
    };
  const fail = (what: string) => (): never => {
    throw new Error(`the parser called ${what}`);
  };
  const call = protect(0);
  return {
    // invoke_*: i, ii, iii, iiii, iiiii, v, vi, vii, viii, viiii, viiiii, viiiiiiiiiiiii, and ji, which answers 64 bits.
    ...{ g: call, b: call, a: call, d: call, k: call, e: call, f: call, h: call, j: call, i: call },
    ...{ y: call, n: call, l: protect(0n) },
    p: () => {
      throw LONG_JUMP;
    },
    // emscripten_resize_heap and a timer nobody needs.
    ...{ q: () => 0, o: () => 0, w: () => undefined },
    ...{ c: fail('assert'), x: fail('abort'), m: fail('exit'), v: fail('exit') },
    ...{ u: noFile, r: noFile, s: noFile, t: noFile },
  };
}
