/**
 * What is done with vectors where they lie, in WebAssembly: distances from one to many, the choice of neighbours that stand
 * apart, and the shift of a preference. A vector is a row of 32-bit floats, filled up with zeros to a multiple of eight.
 *
 * A distance is small where two are near: minus the dot product, or the square of the Euclidean distance. Its sum is made in
 * one order wherever it is made: two times four lanes side by side, then lane by lane. So it does not depend on the processor,
 * nor on which other distances were asked for in the same call.
 */
import {
  type Code,
  flow,
  i32,
  type Variable,
  type WasmFunction,
  XXH64_FUNCTIONS,
  type Xxh64Exports,
} from '../../../hash/index.ts';
import { f32, f32x4, v128 } from './simd.ts';

/** Floats that a step of all loops takes: rows are filled up to multiples of it. */
export const STEP_FLOATS = 8;
const STEP_BYTES = 32;
const HALF_STEP_BYTES = 16;
/** Rows that are compared side by side: while one waits for memory, the others go on. */
const ABREAST = 4;
/** Of a record that `shift` reads: address of the preference, address of what it moves towards, how far (f32). */
export const SHIFT_BYTES = 12;
/** Sums of squares outside are no directions any more. */
const SQUARES_LEAST = 1e-37;
const SQUARES_MOST = 1e38;

export interface VectorKernels extends Xxh64Exports {
  /** Distance of two rows; `bytes` is the length of a row, zeros counted. */
  dot(a: number, b: number, bytes: number): number;
  square(a: number, b: number, bytes: number): number;
  /** Distances from `query` to the rows whose addresses (u32) stand at `list`, as f32 to `out`. */
  dots(query: number, list: number, count: number, out: number, bytes: number): void;
  squares(query: number, list: number, count: number, out: number, bytes: number): void;
  chooseByDot: Choose;
  chooseBySquare: Choose;
  /** Carries out records of `SHIFT_BYTES`, one after the other: v becomes (v + scale · x), brought to length 1. */
  shift(list: number, count: number, bytes: number): void;
}

/**
 * Of rows at `list`, nearest first with their distances at `distances`, those that are not nearer to one chosen before them than
 * to the middle, at most `limit`. Their addresses go to `chosen`, their indices to `places` (u32). Returns how many.
 * Source: Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search using HNSW graphs", algorithm 4.
 */
type Choose = (
  list: number,
  distances: number,
  count: number,
  limit: number,
  chosen: number,
  places: number,
  bytes: number,
) => number;

interface Metric {
  /** Adds the share of four pairs of floats to a sum. */
  readonly add: (sum: Variable, x: Code, y: Code, scratch: Variable) => Code;
  readonly distance: (total: Code) => Code;
}

const DOT: Metric = {
  add: (sum, x, y) => sum.set(f32x4.add(sum.get, f32x4.mul(x, y))),
  distance: (total) => f32.neg(total),
};

const SQUARE: Metric = {
  add: (sum, x, y, scratch) => [
    ...scratch.set(f32x4.sub(x, y)),
    ...sum.set(f32x4.add(sum.get, f32x4.mul(scratch.get, scratch.get))),
  ],
  distance: (total) => total,
};

const advance = (pointer: Variable, bytes: number): Code =>
  pointer.set(i32.add(pointer.get, i32.const(bytes)));
/** Address of a word in a list of words. */
const word = (list: Code, index: Code): Code => i32.add(list, i32.shl(index, i32.const(2)));

function one(name: string, metric: Metric): WasmFunction {
  return {
    name,
    params: { a: 'i32', b: 'i32', bytes: 'i32' },
    locals: { end: 'i32', even: 'v128', odd: 'v128', scratch: 'v128' },
    result: 'f32',
    exported: true,
    body: ({ a, b, bytes, end, even, odd, scratch }) => [
      ...end!.set(i32.add(a!.get, bytes!.get)),
      ...flow.while(
        i32.ltU(a!.get, end!.get),
        metric.add(even!, v128.load(a!.get), v128.load(b!.get), scratch!),
        metric.add(odd!, v128.load(a!.get, HALF_STEP_BYTES), v128.load(b!.get, HALF_STEP_BYTES), scratch!),
        advance(a!, STEP_BYTES),
        advance(b!, STEP_BYTES),
      ),
      ...even!.set(f32x4.add(even!.get, odd!.get)),
      ...metric.distance(f32x4.total(even!)),
    ],
  };
}

function many(name: string, single: string, metric: Metric): WasmFunction {
  return {
    name,
    params: { query: 'i32', list: 'i32', count: 'i32', out: 'i32', bytes: 'i32' },
    locals: {
      ...{ end: 'i32', at: 'i32', last: 'i32', x: 'v128', y: 'v128', scratch: 'v128' },
      ...{ row0: 'i32', row1: 'i32', row2: 'i32', row3: 'i32' },
      ...{ even0: 'v128', even1: 'v128', even2: 'v128', even3: 'v128' },
      ...{ odd0: 'v128', odd1: 'v128', odd2: 'v128', odd3: 'v128' },
    },
    result: null,
    exported: true,
    body: (variables, call) => {
      const { query, list, count, out, bytes, end } = variables;
      const until = (rows: Code): Code => end!.set(word(list!.get, rows));
      return [
        ...until(i32.and(count!.get, i32.const(-ABREAST))),
        ...flow.while(
          i32.ltU(list!.get, end!.get),
          abreast(metric, variables),
          advance(list!, ABREAST * 4),
          advance(out!, ABREAST * 4),
        ),
        ...until(i32.and(count!.get, i32.const(ABREAST - 1))),
        ...flow.while(
          i32.ltU(list!.get, end!.get),
          f32.store(out!.get, call(single, query!.get, i32.load(list!.get), bytes!.get)),
          advance(list!, 4),
          advance(out!, 4),
        ),
      ];
    },
  };
}

/** Compares the query with the next rows of the list, each in lanes of its own. */
function abreast(metric: Metric, variables: Readonly<Record<string, Variable>>): Code {
  const { query, list, out, bytes, at, last, x, y, scratch } = variables;
  const lanes = Array.from({ length: ABREAST }, (_, lane) => ({
    row: variables[`row${lane}`]!,
    even: variables[`even${lane}`]!,
    odd: variables[`odd${lane}`]!,
    lane,
  }));
  return [
    ...lanes.flatMap(({ row, even, odd, lane }) => [
      ...row.set(i32.load(list!.get, lane * 4)),
      ...even.set(v128.zero),
      ...odd.set(v128.zero),
    ]),
    ...at!.set(query!.get),
    ...last!.set(i32.add(query!.get, bytes!.get)),
    ...flow.while(
      i32.ltU(at!.get, last!.get),
      x!.set(v128.load(at!.get)),
      y!.set(v128.load(at!.get, HALF_STEP_BYTES)),
      ...lanes.map(({ row, even, odd }) => [
        ...metric.add(even, x!.get, v128.load(row.get), scratch!),
        ...metric.add(odd, y!.get, v128.load(row.get, HALF_STEP_BYTES), scratch!),
        ...advance(row, STEP_BYTES),
      ]),
      advance(at!, STEP_BYTES),
    ),
    ...lanes.flatMap(({ even, odd, lane }) => [
      ...even.set(f32x4.add(even.get, odd.get)),
      ...f32.store(i32.add(out!.get, i32.const(lane * 4)), metric.distance(f32x4.total(even))),
    ]),
  ];
}

function choose(name: string, single: string): WasmFunction {
  return {
    name,
    params: {
      ...{ list: 'i32', distances: 'i32', count: 'i32', limit: 'i32' },
      ...{ chosen: 'i32', places: 'i32', bytes: 'i32' },
    },
    locals: { at: 'i32', found: 'i32', row: 'i32', other: 'i32', apart: 'i32', distance: 'f32' },
    result: 'i32',
    exported: true,
    body: (variables, call) => {
      const { list, distances, count, limit, chosen, places, bytes } = variables;
      const { at, found, row, other, apart, distance } = variables;
      return [
        ...flow.while(
          i32.and(i32.ltU(at!.get, count!.get), i32.ltU(found!.get, limit!.get)),
          row!.set(i32.load(word(list!.get, at!.get))),
          distance!.set(f32.load(word(distances!.get, at!.get))),
          apart!.set(i32.const(1)),
          other!.set(i32.const(0)),
          flow.while(
            i32.and(apart!.get, i32.ltU(other!.get, found!.get)),
            apart!.set(
              f32.ge(
                call(single, row!.get, i32.load(word(chosen!.get, other!.get)), bytes!.get),
                distance!.get,
              ),
            ),
            advance(other!, 1),
          ),
          flow.if(
            apart!.get,
            i32.store(word(chosen!.get, found!.get), row!.get),
            i32.store(word(places!.get, found!.get), at!.get),
            advance(found!, 1),
          ),
          advance(at!, 1),
        ),
        ...found!.get,
      ];
    },
  };
}

const shift: WasmFunction = {
  name: 'shift',
  params: { list: 'i32', count: 'i32', bytes: 'i32' },
  locals: {
    ...{ end: 'i32', v: 'i32', x: 'i32', last: 'i32', squares: 'f32' },
    ...{ scale: 'v128', even: 'v128', odd: 'v128', moved: 'v128' },
  },
  result: null,
  exported: true,
  body: ({ list, count, bytes, end, v, x, last, squares, scale, even, odd, moved }) => {
    const target = (offset: number): Code =>
      f32x4.add(v128.load(v!.get, offset), f32x4.mul(scale!.get, v128.load(x!.get, offset)));
    const addSquare = (sum: Variable, offset: number): Code => [
      ...moved!.set(target(offset)),
      ...sum.set(f32x4.add(sum.get, f32x4.mul(moved!.get, moved!.get))),
    ];
    const eachStep = (...body: Code[]): Code => [
      ...v!.set(i32.load(list!.get)),
      ...x!.set(i32.load(list!.get, 4)),
      ...last!.set(i32.add(v!.get, bytes!.get)),
      ...flow.while(i32.ltU(v!.get, last!.get), ...body, advance(v!, STEP_BYTES), advance(x!, STEP_BYTES)),
    ];
    const store = (offset: number): Code => v128.store(v!.get, f32x4.mul(target(offset), even!.get), offset);
    return [
      // A multiplication by twelve: eight and four.
      ...end!.set(
        i32.add(list!.get, i32.add(i32.shl(count!.get, i32.const(3)), i32.shl(count!.get, i32.const(2)))),
      ),
      ...flow.while(
        i32.ltU(list!.get, end!.get),
        scale!.set(f32x4.splat(f32.load(list!.get, 8))),
        even!.set(v128.zero),
        odd!.set(v128.zero),
        eachStep(addSquare(even!, 0), addSquare(odd!, HALF_STEP_BYTES)),
        even!.set(f32x4.add(even!.get, odd!.get)),
        squares!.set(f32x4.total(even!)),
        // Where nothing is left, or more than floats can hold, the preference stays as it was. So it does with NaN.
        flow.if(
          i32.and(
            f32.gt(squares!.get, f32.const(SQUARES_LEAST)),
            f32.lt(squares!.get, f32.const(SQUARES_MOST)),
          ),
          even!.set(f32x4.splat(f32.div(f32.const(1), f32.sqrt(squares!.get)))),
          eachStep(store(0), store(HALF_STEP_BYTES)),
        ),
        advance(list!, SHIFT_BYTES),
      ),
    ];
  },
};

/** One module; XXH64 is linked in for digests of rows where they lie. */
export const VECTOR_PROGRAM: readonly WasmFunction[] = [
  ...XXH64_FUNCTIONS,
  one('dot', DOT),
  one('square', SQUARE),
  many('dots', 'dot', DOT),
  many('squares', 'square', SQUARE),
  choose('chooseByDot', 'dot'),
  choose('chooseBySquare', 'square'),
  shift,
];
