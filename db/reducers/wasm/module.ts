/**
 * A program as its sections say. Only what reducers may have gets through: one memory, at most one table that never changes,
 * functions of the host's as the only imports, no start function. Types of operands are WebAssembly's own to check.
 * Source: WebAssembly Core Specification 2.0, chapter 5.
 */
import { ByteCursor } from './byte-cursor.ts';
import { OWN_PREFIX } from './names.ts';
import { refused } from './refused.ts';

export const MODULE_BYTES_MAX = 1_048_576;
/** 16 MiB. */
const MEMORY_PAGES_MAX = 256;
const TABLE_ELEMENTS_MAX = 10_000;
const LOCALS_MAX = 2_000;
const VALUES_MAX = 64;

export const VALUE = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c } as const;
export const SECTION = {
  ...{ custom: 0, type: 1, import: 2, function: 3, table: 4, memory: 5, global: 6 },
  ...{ export: 7, start: 8, element: 9, code: 10, data: 11, dataCount: 12 },
} as const;
/** The data count stands between elements and code. */
const ORDER = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11];
const VERSION_BYTES = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

export interface FunctionType {
  readonly params: readonly number[];
  readonly results: readonly number[];
}

export interface FunctionCode {
  /** Declared locals, without parameters. */
  readonly locals: readonly { readonly count: number; readonly type: number }[];
  /** Where its instructions are in the file. */
  readonly from: number;
  readonly to: number;
}

export interface Import {
  readonly module: string;
  readonly name: string;
  readonly type: number;
}

export interface Export {
  readonly name: string;
  /** 0 function, 1 table, 2 memory, 3 global. */
  readonly kind: number;
  readonly index: number;
}

export interface Module {
  readonly bytes: Uint8Array;
  readonly types: readonly FunctionType[];
  /** Functions, numbered before its own. */
  readonly imports: readonly Import[];
  /** Type of each function of its own. */
  readonly functions: readonly number[];
  readonly memory: { readonly min: number; readonly max: number };
  readonly globals: readonly { readonly mutable: boolean }[];
  readonly exports: readonly Export[];
  readonly code: readonly FunctionCode[];
  /** Sections that go on as they are, by number. */
  readonly sections: ReadonlyMap<number, Uint8Array>;
}

/** What a program may import, and the type of each: parameters and results, by `module.name`. */
export type HostFunctions = ReadonlyMap<string, FunctionType>;

/** Errors: INVALID_ARGUMENT (42P13) for whatever is not a program that reducers may be. */
export function readModule(bytes: Uint8Array, host: HostFunctions): Module {
  if (bytes.length > MODULE_BYTES_MAX)
    throw refused(`it has ${bytes.length} bytes, more than ${MODULE_BYTES_MAX}`);
  const sections = sectionsOf(bytes);
  const read = <T>(id: number, element: (cursor: ByteCursor) => T): T[] => {
    const section = sections.get(id);
    if (section === undefined) return [];
    const cursor = new ByteCursor(bytes, section.from, section.to);
    const list = Array.from({ length: cursor.count() }, () => element(cursor));
    if (!cursor.done) throw refused('a section is longer than what is in it', cursor.at);
    return list;
  };
  if (sections.has(SECTION.start))
    throw refused(
      'it has a start function: export it as "initialize" instead',
      sections.get(SECTION.start)!.from,
    );
  const types = read(SECTION.type, readType);
  const imports = read(SECTION.import, (cursor) => readImport(cursor, types, host));
  const functions = read(SECTION.function, (cursor) => typeIndex(cursor, types));
  const tables = read(SECTION.table, readTable);
  const memories = read(SECTION.memory, readMemory);
  const globals = read(SECTION.global, readGlobal);
  const exports = read(SECTION.export, readExport);
  read(SECTION.element, readElement);
  const code = read(SECTION.code, readCode);
  read(SECTION.data, readData);
  const [memory] = memories;
  if (tables.length > 1) throw refused('it has more than one table');
  if (memory === undefined || memories.length > 1) throw refused('it has to have one memory of its own');
  if (code.length !== functions.length) throw refused('its functions and their code are not as many');
  const kept = new Map<number, Uint8Array>();
  for (const id of [SECTION.table, SECTION.element, SECTION.dataCount, SECTION.data]) {
    const section = sections.get(id);
    if (section !== undefined) kept.set(id, bytes.subarray(section.from, section.to));
  }
  const globalSection = sections.get(SECTION.global);
  if (globalSection !== undefined) {
    const cursor = new ByteCursor(bytes, globalSection.from, globalSection.to);
    cursor.count();
    // Without its count: two more follow.
    kept.set(SECTION.global, bytes.subarray(cursor.at, globalSection.to));
  }
  return { bytes, types, imports, functions, memory, globals, exports, code, sections: kept };
}

interface Range {
  readonly from: number;
  readonly to: number;
}

function sectionsOf(bytes: Uint8Array): ReadonlyMap<number, Range> {
  if (bytes.length < VERSION_BYTES.length || VERSION_BYTES.some((byte, index) => bytes[index] !== byte))
    throw refused('it is not a WebAssembly module of version 1');
  const sections = new Map<number, Range>();
  const cursor = new ByteCursor(bytes, VERSION_BYTES.length);
  let last = -1;
  while (!cursor.done) {
    const start = cursor.at;
    const id = cursor.u8();
    const length = cursor.u32();
    const from = cursor.at;
    cursor.take(length);
    if (id === SECTION.custom) {
      new ByteCursor(bytes, from, cursor.at).name();
      continue;
    }
    const place = ORDER.indexOf(id);
    if (place < 0)
      throw refused(`section ${id} is not known here (exceptions, threads and the like are not run)`, start);
    if (place <= last) throw refused('its sections are not in order', start);
    last = place;
    sections.set(id, { from, to: cursor.at });
  }
  return sections;
}

function readType(cursor: ByteCursor): FunctionType {
  const start = cursor.at;
  if (cursor.u8() !== 0x60)
    throw refused('it has types that are not of functions (garbage collection is not run)', start);
  const [params, results] = [valueTypes(cursor), valueTypes(cursor)];
  if (params.length > VALUES_MAX || results.length > VALUES_MAX)
    throw refused(`a function has more than ${VALUES_MAX} parameters or results`, start);
  return { params, results };
}

function valueTypes(cursor: ByteCursor): number[] {
  return Array.from({ length: cursor.count() }, () => valueType(cursor));
}

export function valueType(cursor: ByteCursor): number {
  const start = cursor.at;
  const type = cursor.u8();
  if (type === 0x7b) throw refused('it uses SIMD, whose NaN bits would differ between machines', start);
  if (type < VALUE.f64 || type > VALUE.i32) throw refused('it uses references as values', start);
  return type;
}

function typeIndex(cursor: ByteCursor, types: readonly FunctionType[]): number {
  const start = cursor.at;
  const index = cursor.u32();
  if (index >= types.length) throw refused(`there is no type ${index}`, start);
  return index;
}

function readImport(cursor: ByteCursor, types: readonly FunctionType[], host: HostFunctions): Import {
  const start = cursor.at;
  const [module, name] = [cursor.name(), cursor.name()];
  const what = `${module}.${name}`;
  if (cursor.u8() !== 0) throw refused(`it imports ${what}, which is not a function`, start);
  const type = typeIndex(cursor, types);
  const wanted = host.get(what);
  if (wanted === undefined)
    throw refused(`it imports ${what}; the host has only ${[...host.keys()].join(', ')}`, start);
  const { params, results } = types[type]!;
  if (String(params) !== String(wanted.params) || String(results) !== String(wanted.results))
    throw refused(`it imports ${what} with other parameters or results than the host's`, start);
  return { module, name, type };
}

function readTable(cursor: ByteCursor): null {
  const start = cursor.at;
  if (cursor.u8() !== 0x70) throw refused('it has a table of something else than functions', start);
  const { min } = limits(cursor, 'table');
  if (min > TABLE_ELEMENTS_MAX)
    throw refused(`its table has more than ${TABLE_ELEMENTS_MAX} elements`, start);
  return null;
}

function readMemory(cursor: ByteCursor): { min: number; max: number } {
  const start = cursor.at;
  const { min, max } = limits(cursor, 'memory');
  if (min > MEMORY_PAGES_MAX)
    throw refused(`its memory begins with ${min} pages, more than ${MEMORY_PAGES_MAX}`, start);
  return { min, max: Math.max(min, Math.min(max ?? MEMORY_PAGES_MAX, MEMORY_PAGES_MAX)) };
}

function limits(cursor: ByteCursor, what: string): { min: number; max: number | null } {
  const start = cursor.at;
  const flags = cursor.u8();
  if (flags > 1) throw refused(`its ${what} is shared or 64 bits wide`, start);
  return { min: cursor.u32(), max: flags === 1 ? cursor.u32() : null };
}

function readGlobal(cursor: ByteCursor): { mutable: boolean } {
  valueType(cursor);
  const start = cursor.at;
  const mutable = cursor.u8();
  if (mutable > 1) throw refused('a global is shared', start);
  constant(cursor);
  return { mutable: mutable === 1 };
}

/** An expression that is known before anything runs. */
function constant(cursor: ByteCursor): void {
  for (;;) {
    const start = cursor.at;
    switch (cursor.u8()) {
      case 0x0b:
        return;
      case 0x41:
        cursor.skipSigned(5);
        break;
      case 0x42:
        cursor.skipSigned(10);
        break;
      case 0x43:
        cursor.take(4);
        break;
      case 0x44:
        cursor.take(8);
        break;
      case 0x23:
        cursor.u32();
        break;
      default:
        throw refused('an initial value is more than a constant', start);
    }
  }
}

function readExport(cursor: ByteCursor): Export {
  const start = cursor.at;
  const [name, kind] = [cursor.name(), cursor.u8()];
  if (kind > 3) throw refused('it exports something unknown', start);
  if (name.startsWith(OWN_PREFIX))
    throw refused(`it exports "${name}": names with "${OWN_PREFIX}" are the host's`, start);
  return { name, kind, index: cursor.u32() };
}

function readElement(cursor: ByteCursor): null {
  const start = cursor.at;
  if (cursor.u32() !== 0) throw refused('its table is filled by instructions', start);
  constant(cursor);
  for (let left = cursor.count(); left > 0; left--) cursor.u32();
  return null;
}

function readData(cursor: ByteCursor): null {
  const start = cursor.at;
  const flags = cursor.u32();
  if (flags > 1) throw refused('its data is for another memory', start);
  if (flags === 0) constant(cursor);
  cursor.take(cursor.u32());
  return null;
}

function readCode(cursor: ByteCursor): FunctionCode {
  const size = cursor.u32();
  const to = cursor.at + size;
  if (to > cursor.end) throw refused('a function is longer than its section', cursor.at);
  const inner = new ByteCursor(cursor.bytes, cursor.at, to);
  let total = 0;
  const locals = Array.from({ length: inner.count() }, () => {
    const start = inner.at;
    const count = inner.u32();
    total += count;
    if (total > LOCALS_MAX) throw refused(`a function has more than ${LOCALS_MAX} locals`, start);
    return { count, type: valueType(inner) };
  });
  cursor.at = to;
  return { locals, from: inner.at, to };
}
