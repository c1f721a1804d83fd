/**
 * Instructions on 32-bit floats, one or four at a time, beside those of db/hash. All of them round to the nearest as IEEE 754
 * says and none is "relaxed", so a program gives the same bits on every processor. Source: WebAssembly Core Specification 2.0,
 * chapter 5 (binary format).
 */
import type { Code, Variable } from '../../../hash/index.ts';

const SIMD = 0xfd;
/** Alignment that loads and stores announce, as a power of two. */
const ALIGN_VECTOR = 4;
const ALIGN_FLOAT = 2;
/** `simd` opcodes from 128 on take two bytes. */
const high = (opcode: number): Code => [SIMD, opcode, 0x01];
const binary =
  (opcode: number) =>
  (a: Code, b: Code): Code => [...a, ...b, ...high(opcode)];

/** Offsets are below 128: one byte. */
export const v128 = {
  load: (address: Code, offset = 0): Code => [...address, SIMD, 0x00, ALIGN_VECTOR, offset],
  store: (address: Code, value: Code, offset = 0): Code => [
    ...address,
    ...value,
    SIMD,
    0x0b,
    ALIGN_VECTOR,
    offset,
  ],
  zero: [SIMD, 0x0c, ...new Array<number>(16).fill(0)] as Code,
};

export const f32x4 = {
  splat: (value: Code): Code => [...value, SIMD, 0x13],
  lane: (vector: Code, lane: number): Code => [...vector, SIMD, 0x1f, lane],
  add: binary(0xe4),
  sub: binary(0xe5),
  mul: binary(0xe6),
  /** Sum of the four, always in this order. */
  total: (vector: Variable): Code =>
    f32.add(
      f32.add(f32x4.lane(vector.get, 0), f32x4.lane(vector.get, 1)),
      f32.add(f32x4.lane(vector.get, 2), f32x4.lane(vector.get, 3)),
    ),
};

export const f32 = {
  const: (value: number): Code => [0x43, ...new Uint8Array(Float32Array.of(value).buffer)],
  load: (address: Code, offset = 0): Code => [...address, 0x2a, ALIGN_FLOAT, offset],
  store: (address: Code, value: Code): Code => [...address, ...value, 0x38, ALIGN_FLOAT, 0],
  add: (a: Code, b: Code): Code => [...a, ...b, 0x92],
  div: (a: Code, b: Code): Code => [...a, ...b, 0x95],
  sqrt: (a: Code): Code => [...a, 0x91],
  neg: (a: Code): Code => [...a, 0x8c],
  lt: (a: Code, b: Code): Code => [...a, ...b, 0x5d],
  gt: (a: Code, b: Code): Code => [...a, ...b, 0x5e],
  ge: (a: Code, b: Code): Code => [...a, ...b, 0x60],
};
