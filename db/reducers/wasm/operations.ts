/**
 * The instructions that reducers may use: what follows each in the bytes, how many values it takes and leaves, what it costs.
 * Not in the table, hence refused: SIMD (0xFD), threads (0xFE), exceptions, tail calls, references, changes of tables, data.drop.
 */
export type Immediate =
  | 'none'
  | 'block'
  | 'label'
  | 'labels'
  | 'function'
  | 'type'
  | 'local'
  | 'global'
  | 'address'
  | 'i32'
  | 'i64'
  | 'f32'
  | 'f64'
  | 'types'
  | 'memory'
  | 'two memories'
  | 'data';

export interface Operation {
  readonly immediate: Immediate;
  readonly takes: number;
  readonly leaves: number;
  readonly cost: number;
}

const DIVISION = 8;
/** Asking for pages costs the machine much more than an instruction. */
const GROW = 4_096;
const BULK = 8;

const table = new Map<number, Operation>();

function define(
  from: number,
  to: number,
  immediate: Immediate,
  takes: number,
  leaves: number,
  cost = 1,
): void {
  for (let code = from; code <= to; code++) table.set(code, { immediate, takes, leaves, cost });
}

export const OP = {
  ...{ unreachable: 0x00, block: 0x02, loop: 0x03, if: 0x04, else: 0x05, end: 0x0b },
  ...{ br: 0x0c, brIf: 0x0d, brTable: 0x0e, return: 0x0f, call: 0x10, callIndirect: 0x11, select: 0x1b },
  ...{ localGet: 0x20, localSet: 0x21, localTee: 0x22, globalGet: 0x23, globalSet: 0x24 },
  ...{ f32Store: 0x38, f64Store: 0x39, i32Const: 0x41, f32Const: 0x43, f64Const: 0x44 },
  ...{ i32LtS: 0x48, f32Eq: 0x5b, f64Eq: 0x61, i32Add: 0x6a, i32Sub: 0x6b, i32ShrU: 0x76 },
  ...{ f32Copysign: 0x98, f64Copysign: 0xa6, i32ReinterpretF32: 0xbc, i64ReinterpretF64: 0xbd },
  ...{ memoryInit: 0xfc08, memoryCopy: 0xfc0a, memoryFill: 0xfc0b },
} as const;

define(0x00, 0x01, 'none', 0, 0);
define(0x02, 0x03, 'block', 0, 0, 0);
define(0x04, 0x04, 'block', 1, 0);
define(0x05, 0x05, 'none', 0, 0, 0);
define(0x0b, 0x0b, 'none', 0, 0, 0);
define(0x0c, 0x0c, 'label', 0, 0);
define(0x0d, 0x0d, 'label', 1, 0);
define(0x0e, 0x0e, 'labels', 1, 0, 2);
define(0x0f, 0x0f, 'none', 0, 0);
define(0x10, 0x10, 'function', 0, 0, 8);
define(0x11, 0x11, 'type', 1, 0, 12);
define(0x1a, 0x1a, 'none', 1, 0);
define(0x1b, 0x1b, 'none', 3, 1);
define(0x1c, 0x1c, 'types', 3, 1);
define(0x20, 0x20, 'local', 0, 1);
define(0x21, 0x21, 'local', 1, 0);
define(0x22, 0x22, 'local', 1, 1);
define(0x23, 0x23, 'global', 0, 1);
define(0x24, 0x24, 'global', 1, 0);
define(0x28, 0x35, 'address', 1, 1, 2);
define(0x36, 0x3e, 'address', 2, 0, 2);
define(0x3f, 0x3f, 'memory', 0, 1);
define(0x40, 0x40, 'memory', 1, 1, GROW);
define(0x41, 0x41, 'i32', 0, 1);
define(0x42, 0x42, 'i64', 0, 1);
define(0x43, 0x43, 'f32', 0, 1);
define(0x44, 0x44, 'f64', 0, 1);
// Tests and comparisons of integers, then of floats.
define(0x45, 0x45, 'none', 1, 1);
define(0x46, 0x4f, 'none', 2, 1);
define(0x50, 0x50, 'none', 1, 1);
define(0x51, 0x66, 'none', 2, 1);
// Arithmetic: i32, i64, f32, f64.
define(0x67, 0x69, 'none', 1, 1);
define(0x6a, 0x78, 'none', 2, 1);
define(0x6d, 0x70, 'none', 2, 1, DIVISION);
define(0x79, 0x7b, 'none', 1, 1);
define(0x7c, 0x8a, 'none', 2, 1);
define(0x7f, 0x82, 'none', 2, 1, DIVISION);
define(0x8b, 0x91, 'none', 1, 1);
define(0x91, 0x91, 'none', 1, 1, DIVISION);
define(0x92, 0x98, 'none', 2, 1);
define(0x95, 0x95, 'none', 2, 1, DIVISION);
define(0x99, 0x9f, 'none', 1, 1);
define(0x9f, 0x9f, 'none', 1, 1, DIVISION);
define(0xa0, 0xa6, 'none', 2, 1);
define(0xa3, 0xa3, 'none', 2, 1, DIVISION);
// Conversions and sign extension.
define(0xa7, 0xc4, 'none', 1, 1);
define(0xfc00, 0xfc07, 'none', 1, 1);
define(OP.memoryInit, OP.memoryInit, 'data', 3, 0, BULK);
define(OP.memoryCopy, OP.memoryCopy, 'two memories', 3, 0, BULK);
define(OP.memoryFill, OP.memoryFill, 'memory', 3, 0, BULK);

export function operation(code: number): Operation | null {
  return table.get(code) ?? null;
}
