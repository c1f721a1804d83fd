/** From a file to a program that may run: read, checked, rewritten, and asked what it makes. */
import { createHash } from 'node:crypto';
import { invariant } from '../kernel/index.ts';
import { type Descriptor, parseDescriptor } from './descriptor.ts';
import { HOST_FUNCTIONS } from './host-functions.ts';
import { ReducerInstance } from './instance.ts';
import { instrument, type Module, readModule, refused, VALUE } from './wasm/index.ts';
import { webAssembly } from './web-assembly.ts';

export interface Program {
  /** What runs, and what the log carries: the rewriting of later releases is nothing to it. */
  readonly code: Uint8Array<ArrayBuffer>;
  /** SHA-256 of the file, hex. */
  readonly sourceHash: string;
  readonly descriptor: Descriptor;
}

const { i32, i64 } = VALUE;
const EXPORTS = [
  { name: 'alloc', params: [i32], results: [i32], required: true },
  { name: 'apply', params: [i32, i32], results: [], required: true },
  { name: 'describe', params: [], results: [i64], required: true },
  { name: 'initialize', params: [], results: [], required: false },
] as const;

/** Errors: INVALID_ARGUMENT (42P13). */
export function programOf(file: Uint8Array): Program {
  const bytes = new Uint8Array(file);
  const module = readModule(bytes, HOST_FUNCTIONS);
  // First, because it says more of what is refused than the engine does; it copes with programs that are not valid.
  const code = instrument(module);
  if (!webAssembly.validate(bytes))
    throw refused('it is not valid: WebAssembly rejects the types of its operands');
  checkExports(module);
  invariant(webAssembly.validate(code), 'a valid program is valid when it is rewritten');
  const descriptor = parseDescriptor(new ReducerInstance(code).describe());
  return { code, sourceHash: createHash('sha256').update(bytes).digest('hex'), descriptor };
}

function checkExports({ exports, imports, functions, types }: Module): void {
  for (const { name, params, results, required } of EXPORTS) {
    const found = exports.find((candidate) => candidate.name === name && candidate.kind === 0);
    const wanted = `"${name}" with ${params.length} parameters (i32) and ${results.length === 0 ? 'no result' : 'one result'}`;
    if (found === undefined) {
      if (required) throw refused(`it does not export the function ${wanted}`);
      continue;
    }
    const number =
      found.index < imports.length ? imports[found.index]!.type : functions[found.index - imports.length];
    const type = types[number!]!;
    if (String(type.params) !== String(params) || String(type.results) !== String(results))
      throw refused(`its export "${name}" has to be ${wanted}`);
  }
}
