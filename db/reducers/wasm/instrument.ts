/** Writes a program anew with two counters: fuel and stack. Functions, types, data and names keep their numbers. */
import { ByteBuilder } from './byte-builder.ts';
import { rewriteFunction } from './function-body.ts';
import { type FunctionType, type Module, SECTION, VALUE } from './module.ts';
import { FUEL_EXPORT, globalExport, MEMORY_EXPORT, STACK_EXPORT } from './names.ts';

const HEADER = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
const FUNCTION_TYPE = 0x60;
const MUTABLE = 1;
const KIND_MEMORY = 2;
const KIND_GLOBAL = 3;
const I32_CONST_ZERO_END = [0x41, 0, 0x0b];

/** Errors: INVALID_ARGUMENT (42P13) for instructions that reducers may not use. */
export function instrument(module: Module): Uint8Array<ArrayBuffer> {
  const types: FunctionType[] = [...module.types];
  const blockTypes = new Map<string, number>();
  const blockType = (results: readonly number[]): number => {
    const key = String(results);
    let index = blockTypes.get(key);
    if (index === undefined) {
      index = types.length;
      types.push({ params: [], results });
      blockTypes.set(key, index);
    }
    return index;
  };
  const fuel = module.globals.length;
  const counters = { fuel, stack: fuel + 1, blockType };
  const code = module.code.map((each, index) =>
    rewriteFunction(module, module.types[module.functions[index]!]!, each, counters),
  );
  const out = new ByteBuilder().add(HEADER);
  const section = (id: number, fill: (into: ByteBuilder) => void): void => {
    const content = new ByteBuilder();
    fill(content);
    out.u8(id).sized(content.take());
  };
  const keep = (id: number): void => {
    const bytes = module.sections.get(id);
    if (bytes !== undefined) out.u8(id).sized(bytes);
  };
  section(SECTION.type, (into) => writeTypes(into, types));
  section(SECTION.import, (into) => {
    into.u32(module.imports.length);
    for (const { module: from, name, type } of module.imports) into.name(from).name(name).u8(0).u32(type);
  });
  section(SECTION.function, (into) => {
    into.u32(module.functions.length);
    for (const type of module.functions) into.u32(type);
  });
  keep(SECTION.table);
  section(SECTION.memory, (into) => into.u8(1, 1).u32(module.memory.min).u32(module.memory.max));
  section(SECTION.global, (into) => {
    into.u32(module.globals.length + 2).add(module.sections.get(SECTION.global) ?? new Uint8Array(0));
    for (let added = 0; added < 2; added++) into.u8(VALUE.i32, MUTABLE, ...I32_CONST_ZERO_END);
  });
  section(SECTION.export, (into) => writeExports(into, module, counters));
  keep(SECTION.element);
  keep(SECTION.dataCount);
  section(SECTION.code, (into) => {
    into.u32(code.length);
    for (const each of code) into.sized(each);
  });
  keep(SECTION.data);
  return out.take();
}

function writeTypes(into: ByteBuilder, types: readonly FunctionType[]): void {
  into.u32(types.length);
  for (const { params, results } of types)
    into.u8(FUNCTION_TYPE).sized(Uint8Array.from(params)).sized(Uint8Array.from(results));
}

function writeExports(
  into: ByteBuilder,
  { exports, globals }: Module,
  counters: { readonly fuel: number; readonly stack: number },
): void {
  const added: { readonly name: string; readonly kind: number; readonly index: number }[] = [
    { name: MEMORY_EXPORT, kind: KIND_MEMORY, index: 0 },
    { name: FUEL_EXPORT, kind: KIND_GLOBAL, index: counters.fuel },
    { name: STACK_EXPORT, kind: KIND_GLOBAL, index: counters.stack },
  ];
  for (const [index, { mutable }] of globals.entries())
    if (mutable) added.push({ name: globalExport(index), kind: KIND_GLOBAL, index });
  // Only functions are called by name; nothing else of a program is anybody's business.
  const own = exports.filter(({ kind }) => kind === 0);
  into.u32(own.length + added.length);
  for (const { name, kind, index } of [...own, ...added]) into.name(name).u8(kind).u32(index);
}
