/**
 * A small assembler for WebAssembly: just the instructions the checksums need, written as nested expressions.
 *
 * Why by hand: 64-bit arithmetic on bytes that lie in a shared memory, called once for a run of thousands of entries, is
 * what JavaScript cannot do fast. Sources stay TypeScript, no compiler is needed at build time, and the same program is
 * assembled for shared and for private memories. Source: WebAssembly Core Specification 2.0, chapter 5 (binary format).
 */

export type Code = readonly number[];
export type ValueType = 'i32' | 'i64' | 'f32' | 'v128';

const VALUE_TYPE = { i32: 0x7f, i64: 0x7e, f32: 0x7d, v128: 0x7b } as const;

/** Of the memory that a module imports. */
export interface MemoryLimits {
  readonly pages: number;
  /** As large as it may become. */
  readonly pagesMax: number;
  readonly shared: boolean;
}

/** A parameter or local of a function being assembled. */
export interface Variable {
  readonly get: Code;
  set(value: Code): Code;
}

export interface WasmFunction {
  readonly name: string;
  readonly params: Readonly<Record<string, ValueType>>;
  readonly locals: Readonly<Record<string, ValueType>>;
  readonly result: ValueType | null;
  readonly exported: boolean;
  readonly body: (variables: Readonly<Record<string, Variable>>, call: Call) => Code;
}

/** Calls another function of the same module by name. */
export type Call = (name: string, ...args: Code[]) => Code;

export const i32 = {
  const: (value: number): Code => [0x41, ...signedLeb(BigInt(value | 0))],
  add: (a: Code, b: Code): Code => [...a, ...b, 0x6a],
  sub: (a: Code, b: Code): Code => [...a, ...b, 0x6b],
  and: (a: Code, b: Code): Code => [...a, ...b, 0x71],
  or: (a: Code, b: Code): Code => [...a, ...b, 0x72],
  shl: (a: Code, b: Code): Code => [...a, ...b, 0x74],
  eq: (a: Code, b: Code): Code => [...a, ...b, 0x46],
  ne: (a: Code, b: Code): Code => [...a, ...b, 0x47],
  ltU: (a: Code, b: Code): Code => [...a, ...b, 0x49],
  gtU: (a: Code, b: Code): Code => [...a, ...b, 0x4b],
  geU: (a: Code, b: Code): Code => [...a, ...b, 0x4f],
  load: (address: Code, offset = 0): Code => [...address, 0x28, 2, ...unsignedLeb(offset)],
  load16: (address: Code, offset = 0): Code => [...address, 0x2f, 1, ...unsignedLeb(offset)],
  load8: (address: Code, offset = 0): Code => [...address, 0x2d, 0, ...unsignedLeb(offset)],
  store: (address: Code, value: Code, offset = 0): Code => [
    ...address,
    ...value,
    0x36,
    2,
    ...unsignedLeb(offset),
  ],
  fromI64: (value: Code): Code => [...value, 0xa7],
};

export const i64 = {
  const: (value: bigint): Code => [0x42, ...signedLeb(BigInt.asIntN(64, value))],
  add: (a: Code, b: Code): Code => [...a, ...b, 0x7c],
  sub: (a: Code, b: Code): Code => [...a, ...b, 0x7d],
  mul: (a: Code, b: Code): Code => [...a, ...b, 0x7e],
  xor: (a: Code, b: Code): Code => [...a, ...b, 0x85],
  shl: (a: Code, b: Code): Code => [...a, ...b, 0x86],
  shrU: (a: Code, b: Code): Code => [...a, ...b, 0x88],
  rotl: (a: Code, bits: number): Code => [...a, ...i64.const(BigInt(bits)), 0x89],
  ne: (a: Code, b: Code): Code => [...a, ...b, 0x52],
  load: (address: Code, offset = 0): Code => [...address, 0x29, 3, ...unsignedLeb(offset)],
  store: (address: Code, value: Code, offset = 0): Code => [
    ...address,
    ...value,
    0x37,
    3,
    ...unsignedLeb(offset),
  ],
  fromI32: (value: Code): Code => [...value, 0xad],
};

export const flow = {
  while: (condition: Code, ...body: Code[]): Code => [
    ...[0x02, 0x40], // block: what `br 1` leaves
    ...[0x03, 0x40], // loop: what `br 0` repeats
    ...condition,
    ...[0x45, 0x0d, 1], // i32.eqz, br_if 1
    ...body.flat(),
    ...[0x0c, 0, 0x0b, 0x0b],
  ],
  if: (condition: Code, ...body: Code[]): Code => [...condition, 0x04, 0x40, ...body.flat(), 0x0b],
  ifElse: (condition: Code, then: readonly Code[], otherwise: readonly Code[]): Code => [
    ...condition,
    ...[0x04, 0x40],
    ...then.flat(),
    0x05,
    ...otherwise.flat(),
    0x0b,
  ],
  return: (value: Code = []): Code => [...value, 0x0f],
};

export const memory = {
  copy: (target: Code, source: Code, length: Code): Code => [
    ...target,
    ...source,
    ...length,
    0xfc,
    0x0a,
    0,
    0,
  ],
};

/** The module's bytes; it imports `env.memory` and exports the functions marked so. */
export function assemble(functions: readonly WasmFunction[], limits: MemoryLimits): Uint8Array<ArrayBuffer> {
  const index = new Map(functions.map((each, at) => [each.name, at]));
  const call: Call = (name, ...args) => {
    const at = index.get(name);
    if (at === undefined) throw new Error(`no function ${name} in this module`);
    return [...args.flat(), 0x10, ...unsignedLeb(at)];
  };
  const exported = functions.filter((each) => each.exported);
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector(functions.map(functionType))),
    ...section(2, vector([memoryImport(limits)])),
    ...section(3, vector(functions.map((_, at) => unsignedLeb(at)))),
    ...section(
      7,
      vector(exported.map((each) => [...text(each.name), 0, ...unsignedLeb(index.get(each.name) ?? 0)])),
    ),
    ...section(10, vector(functions.map((each) => functionBody(each, call)))),
  ]);
}

function functionType(each: WasmFunction): Code {
  const params = Object.values(each.params).map((type) => [VALUE_TYPE[type]]);
  const results = each.result === null ? [] : [[VALUE_TYPE[each.result]]];
  return [0x60, ...vector(params), ...vector(results)];
}

function memoryImport({ pages, pagesMax, shared }: MemoryLimits): Code {
  const flags = shared ? 0x03 : 0x01;
  return [...text('env'), ...text('memory'), 0x02, flags, ...unsignedLeb(pages), ...unsignedLeb(pagesMax)];
}

function functionBody(each: WasmFunction, call: Call): Code {
  const names = [...Object.keys(each.params), ...Object.keys(each.locals)];
  const variables = Object.fromEntries(names.map((name, at) => [name, variable(at)]));
  const locals = Object.values(each.locals).map((type) => [1, VALUE_TYPE[type]]);
  const code = [...vector(locals), ...each.body(variables, call), 0x0b];
  return [...unsignedLeb(code.length), ...code];
}

function variable(at: number): Variable {
  return { get: [0x20, ...unsignedLeb(at)], set: (value) => [...value, 0x21, ...unsignedLeb(at)] };
}

function section(id: number, content: Code): Code {
  return [id, ...unsignedLeb(content.length), ...content];
}

function vector(items: readonly Code[]): Code {
  return [...unsignedLeb(items.length), ...items.flat()];
}

function text(value: string): Code {
  const bytes = [...new TextEncoder().encode(value)];
  return [...unsignedLeb(bytes.length), ...bytes];
}

function unsignedLeb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  bytes.push(rest);
  return bytes;
}

function signedLeb(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (;;) {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    const done = (rest === 0n && (low & 0x40) === 0) || (rest === -1n && (low & 0x40) !== 0);
    bytes.push(done ? low : low | 0x80);
    if (done) return bytes;
  }
}
