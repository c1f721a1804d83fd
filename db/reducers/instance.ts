/**
 * A reducer's program, ready to be called. Nothing of one call is left for the next: memory and globals are put back as they
 * were once `initialize` had run, and where a call has made the memory grow, which cannot be undone, the program is instantiated anew.
 */
import { invariant } from '../kernel/index.ts';
import type { HostState } from './call-state.ts';
import { FUEL_PER_CALL, HOST_FUEL, STACK_SLOTS } from './limits.ts';
import { type StopKind, Stopped } from './stopped.ts';
import { FUEL_EXPORT, globalExport, MEMORY_EXPORT, refused, STACK_EXPORT } from './wasm/index.ts';
import {
  type WasmGlobal,
  type WasmInstance,
  type WasmMemory,
  type WasmModule,
  webAssembly,
} from './web-assembly.ts';

export type CallOutcome =
  | { readonly outcome: 'done'; readonly fuel: number }
  | { readonly outcome: 'stopped'; readonly kind: StopKind; readonly reason: string; readonly fuel: number };

type Exported = (...args: number[]) => number | bigint | undefined;

const BYTES_PER_FUEL = 8;
const ABORT_TEXT_MAX = 200;
const DESCRIPTION_BYTES_MAX = 65_536;

export class ReducerInstance {
  readonly #module: WasmModule;
  #instance: WasmInstance | null = null;
  #memory: Uint8Array = new Uint8Array(0);
  #image: Uint8Array = new Uint8Array(0);
  #globals: readonly { readonly global: WasmGlobal; readonly value: number | bigint }[] = [];
  #dirty = false;
  #state: HostState | null = null;

  /** Bytes as `instrument` leaves them. */
  constructor(instrumented: Uint8Array<ArrayBuffer>) {
    this.#module = new webAssembly.Module(instrumented);
  }

  /** Hands over one input. Throws only what is none of the reducer's doing. */
  apply(input: Uint8Array, state: HostState): CallOutcome {
    return this.#guarded(state, () => {
      const at = Number(this.#function('alloc')(input.length)) >>> 0;
      this.#writeAt(at, input);
      this.#function('apply')(at, input.length);
    });
  }

  /** What its export `describe` says. Errors: INVALID_ARGUMENT (42P13). */
  describe(): string {
    let text = '';
    const outcome = this.#guarded(null, () => {
      const packed = BigInt.asUintN(64, BigInt(this.#function('describe')() ?? 0));
      const [at, length] = [Number(packed >> 32n), Number(packed & 0xffff_ffffn)];
      if (length > DESCRIPTION_BYTES_MAX) throw new Stopped('host', 'the description is too long');
      text = Buffer.from(this.#read(at, length)).toString('utf8');
    });
    if (outcome.outcome === 'done') return text;
    throw refused(`"describe" stopped (${outcome.kind}: ${outcome.reason})`);
  }

  #guarded(state: HostState | null, call: () => void): CallOutcome {
    try {
      this.#prepare();
      this.#state = state;
      call();
      return { outcome: 'done', fuel: FUEL_PER_CALL - this.#counter(FUEL_EXPORT) };
    } catch (error) {
      return this.#stopped(error);
    } finally {
      this.#state = null;
    }
  }

  /** What ended a call, in words that are the same everywhere. */
  #stopped(error: unknown): CallOutcome {
    const left = this.#instance === null ? 0 : this.#counter(FUEL_EXPORT);
    const fuel = FUEL_PER_CALL - Math.max(0, left);
    const stopped = (kind: StopKind, reason: string): CallOutcome => ({
      outcome: 'stopped',
      kind,
      reason,
      fuel,
    });
    if (left < 0) return stopped('fuel', `one call may spend ${FUEL_PER_CALL}`);
    if (error instanceof Stopped) return stopped(error.kind, error.message);
    if (this.#instance !== null && this.#counter(STACK_EXPORT) < 0)
      return stopped('stack', `one call may take ${STACK_SLOTS} slots`);
    if (error instanceof webAssembly.RuntimeError)
      return stopped('trap', 'it did what WebAssembly does not allow');
    // Not the reducer's doing: what is stored must not depend on it.
    throw error;
  }

  #prepare(): void {
    if (this.#instance === null) this.#instantiate();
    else if (this.#dirty) this.#reset();
    this.#setCounters();
    this.#dirty = true;
  }

  #setCounters(): void {
    this.#global(FUEL_EXPORT).value = FUEL_PER_CALL;
    this.#global(STACK_EXPORT).value = STACK_SLOTS;
  }

  #reset(): void {
    if (this.#memory.buffer !== this.#buffer()) {
      this.#instantiate();
      return;
    }
    this.#memory.set(this.#image);
    for (const { global, value } of this.#globals) global.value = value;
  }

  #instantiate(): void {
    this.#instance = null;
    this.#instance = new webAssembly.Instance(this.#module, this.#imports());
    this.#setCounters();
    const initialize = this.#instance.exports['initialize'];
    if (initialize !== undefined) (initialize as Exported)();
    this.#memory = new Uint8Array(this.#buffer());
    this.#image = this.#memory.slice();
    const globals: { global: WasmGlobal; value: number | bigint }[] = [];
    for (const [name, exported] of Object.entries(this.#instance.exports)) {
      if (!name.startsWith(globalExport(0).slice(0, -1))) continue;
      const global = exported as WasmGlobal;
      globals.push({ global, value: global.value });
    }
    this.#globals = globals;
  }

  #imports(): object {
    const host = (): HostState => {
      if (this.#state === null)
        throw new Stopped('host', 'nothing is stored or read while it is initialized or describes itself');
      return this.#state;
    };
    return {
      truthdb: {
        get: (space: number, key: number, keyBytes: number, into: number, room: number): number => {
          this.#pay(HOST_FUEL.get + bulk(keyBytes));
          const value = host().get(space, this.#read(key, keyBytes));
          if (value === null) return -1;
          this.#pay(bulk(value.length));
          if (value.length <= room >>> 0) this.#writeAt(into, value);
          return value.length;
        },
        put: (space: number, key: number, keyBytes: number, value: number, valueBytes: number): void => {
          this.#pay(HOST_FUEL.put + bulk(keyBytes) + bulk(valueBytes));
          host().put(space, this.#read(key, keyBytes), this.#read(value, valueBytes));
        },
        delete: (space: number, key: number, keyBytes: number): void => {
          this.#pay(HOST_FUEL.delete + bulk(keyBytes));
          host().delete(space, this.#read(key, keyBytes));
        },
        scan: (
          ...[space, prefix, prefixBytes, after, afterBytes, into, room]: [
            ...[number, number, number, number, number, number, number],
          ]
        ): number => {
          this.#pay(HOST_FUEL.scan + bulk(prefixBytes) + bulk(afterBytes));
          const found = host().next(space, this.#read(prefix, prefixBytes), this.#read(after, afterBytes));
          if (found === null) return -1;
          const entry = entryBytes(found.key, found.value);
          this.#pay(bulk(entry.length));
          if (entry.length <= room >>> 0) this.#writeAt(into, entry);
          return entry.length;
        },
        log: (text: number, length: number): void => {
          this.#pay(HOST_FUEL.log + bulk(length));
          host().log(this.#read(text, length));
        },
      },
      env: {
        abort: (message: number): never => {
          throw new Stopped('abort', this.#abortText(message >>> 0));
        },
      },
    };
  }

  /** AssemblyScript's strings: UTF-16, their length in bytes four bytes before them. */
  #abortText(at: number): string {
    const memory = Buffer.from(this.#buffer());
    if (at < 4 || at > memory.length) return 'it gave no reason';
    const length = Math.min(memory.readUInt32LE(at - 4), ABORT_TEXT_MAX * 2, memory.length - at) & ~1;
    return memory.toString('utf16le', at, at + length).toWellFormed();
  }

  #pay(amount: number): void {
    const fuel = this.#global(FUEL_EXPORT);
    const left = (fuel.value as number) - amount;
    fuel.value = Math.max(left, -1);
    if (left < 0) throw new Stopped('fuel', 'nothing is left');
  }

  #read(at: number, length: number): Uint8Array {
    const [from, bytes] = [at >>> 0, length >>> 0];
    const memory = this.#buffer();
    if (from + bytes > memory.byteLength) throw outOfMemory();
    return new Uint8Array(memory, from, bytes);
  }

  #writeAt(at: number, bytes: Uint8Array): void {
    const from = at >>> 0;
    const memory = this.#buffer();
    if (from + bytes.length > memory.byteLength) throw outOfMemory();
    new Uint8Array(memory, from, bytes.length).set(bytes);
  }

  #buffer(): ArrayBuffer {
    return (this.#exports()[MEMORY_EXPORT] as WasmMemory).buffer;
  }

  #global(name: string): WasmGlobal {
    return this.#exports()[name] as WasmGlobal;
  }

  #counter(name: string): number {
    return this.#global(name).value as number;
  }

  #function(name: string): Exported {
    const exported = this.#exports()[name];
    invariant(typeof exported === 'function', 'a deployed reducer has its exports');
    return exported as Exported;
  }

  #exports(): Readonly<Record<string, unknown>> {
    invariant(this.#instance !== null, 'a program runs as an instance');
    return this.#instance.exports;
  }
}

/** u32 key bytes · u32 value bytes · key · value, little-endian. */
function entryBytes(key: Uint8Array, value: Uint8Array): Uint8Array {
  const header = Buffer.alloc(8);
  header.writeUInt32LE(key.length, 0);
  header.writeUInt32LE(value.length, 4);
  return Buffer.concat([header, key, value]);
}

function bulk(length: number): number {
  return Math.floor((length >>> 0) / BYTES_PER_FUEL);
}

function outOfMemory(): Stopped {
  return new Stopped('host', 'it names bytes beyond its memory');
}
