/**
 * xxHash64 as WebAssembly, in place over whatever memory the caller has. Source: the xxHash fast digest algorithm
 * specification, version 0.1.1. Besides the whole-message and streaming forms there are the pieces (`round`, `tail`, …)
 * from which the log assembles its own entry checksums.
 */
import { type Code, flow, i32, i64, memory, type WasmFunction } from './wasm.ts';

const P1 = i64.const(0x9e3779b185ebca87n);
const P2 = i64.const(0xc2b2ae3d27d4eb4fn);
const P3 = i64.const(0x165667b19e3779f9n);
const P4 = i64.const(0x85ebca77c2b2ae63n);
const P5 = i64.const(0x27d4eb2f165667c5n);

/** Bytes of a streaming state: four lanes, seed, length so far, one unfinished stripe. */
export const XXH64_STATE_BYTES = 80;
const STATE = { lane1: 0, lane2: 8, lane3: 16, lane4: 24, seed: 32, length: 40, stripe: 48 } as const;
const STRIPE_BYTES = 32;

/** Inline pieces of the algorithm. */
export const xxh64 = {
  lane1: (seed: Code): Code => i64.add(i64.add(seed, P1), P2),
  lane2: (seed: Code): Code => i64.add(seed, P2),
  lane3: (seed: Code): Code => seed,
  lane4: (seed: Code): Code => i64.sub(seed, P1),
  round: (lane: Code, word: Code): Code => i64.mul(i64.rotl(i64.add(lane, i64.mul(word, P2)), 31), P1),
  /** Mixes one 8-byte word into the hash, as the tail does. */
  word: (hash: Code, word: Code): Code =>
    i64.add(i64.mul(i64.rotl(i64.xor(hash, xxh64.round(i64.const(0n), word)), 27), P1), P4),
  /** Start of the hash of a message shorter than one stripe. */
  short: (seed: Code): Code => i64.add(seed, P5),
};

/** Folds four lanes into one hash, before the length is added. */
const converge: WasmFunction = {
  name: 'converge',
  params: { a: 'i64', b: 'i64', c: 'i64', d: 'i64' },
  locals: { hash: 'i64' },
  result: 'i64',
  exported: false,
  body: ({ a, b, c, d, hash }) => {
    const merge = (lane: Code): Code =>
      hash!.set(i64.add(i64.mul(i64.xor(hash!.get, xxh64.round(i64.const(0n), lane)), P1), P4));
    return [
      ...hash!.set(
        i64.add(
          i64.add(i64.rotl(a!.get, 1), i64.rotl(b!.get, 7)),
          i64.add(i64.rotl(c!.get, 12), i64.rotl(d!.get, 18)),
        ),
      ),
      ...[a!, b!, c!, d!].flatMap((lane) => merge(lane.get)),
      ...hash!.get,
    ];
  },
};

/** The last bytes (fewer than a stripe) and the avalanche. `hash` already contains the total length. */
const tail: WasmFunction = {
  name: 'tail',
  params: { hash: 'i64', pointer: 'i32', end: 'i32' },
  locals: {},
  result: 'i64',
  exported: false,
  body: ({ hash, pointer, end }) => {
    const left = i32.sub(end!.get, pointer!.get);
    const advance = (bytes: number): Code => pointer!.set(i32.add(pointer!.get, i32.const(bytes)));
    const fold = (shift: bigint): Code =>
      hash!.set(i64.xor(hash!.get, i64.shrU(hash!.get, i64.const(shift))));
    return [
      ...flow.while(
        i32.geU(left, i32.const(8)),
        hash!.set(xxh64.word(hash!.get, i64.load(pointer!.get))),
        advance(8),
      ),
      ...flow.if(
        i32.geU(left, i32.const(4)),
        hash!.set(i64.xor(hash!.get, i64.mul(i64.fromI32(i32.load(pointer!.get)), P1))),
        hash!.set(i64.add(i64.mul(i64.rotl(hash!.get, 23), P2), P3)),
        advance(4),
      ),
      ...flow.while(
        i32.ltU(pointer!.get, end!.get),
        hash!.set(i64.xor(hash!.get, i64.mul(i64.fromI32(i32.load8(pointer!.get)), P5))),
        hash!.set(i64.mul(i64.rotl(hash!.get, 11), P1)),
        advance(1),
      ),
      ...fold(33n),
      ...hash!.set(i64.mul(hash!.get, P2)),
      ...fold(29n),
      ...hash!.set(i64.mul(hash!.get, P3)),
      ...fold(32n),
      ...hash!.get,
    ];
  },
};

const begin: WasmFunction = {
  name: 'begin',
  params: { state: 'i32', seedLow: 'i32', seedHigh: 'i32' },
  locals: { seed: 'i64' },
  result: null,
  exported: true,
  body: ({ state, seedLow, seedHigh, seed }) => [
    ...seed!.set(joinHalves(seedLow!.get, seedHigh!.get)),
    ...i64.store(state!.get, xxh64.lane1(seed!.get), STATE.lane1),
    ...i64.store(state!.get, xxh64.lane2(seed!.get), STATE.lane2),
    ...i64.store(state!.get, xxh64.lane3(seed!.get), STATE.lane3),
    ...i64.store(state!.get, xxh64.lane4(seed!.get), STATE.lane4),
    ...i64.store(state!.get, seed!.get, STATE.seed),
    ...i64.store(state!.get, i64.const(0n), STATE.length),
  ],
};

/** Mixes whole stripes from `pointer` up to `end` into the state's lanes; returns where it stopped. */
const stripes: WasmFunction = {
  name: 'stripes',
  params: { state: 'i32', pointer: 'i32', end: 'i32' },
  locals: { a: 'i64', b: 'i64', c: 'i64', d: 'i64' },
  result: 'i32',
  exported: false,
  body: ({ state, pointer, end, a, b, c, d }) => {
    const lanes = [a!, b!, c!, d!];
    return [
      ...lanes.flatMap((lane, at) => lane.set(i64.load(state!.get, at * 8))),
      ...flow.while(
        i32.geU(i32.sub(end!.get, pointer!.get), i32.const(STRIPE_BYTES)),
        ...lanes.map((lane, at) => lane.set(xxh64.round(lane.get, i64.load(pointer!.get, at * 8)))),
        pointer!.set(i32.add(pointer!.get, i32.const(STRIPE_BYTES))),
      ),
      ...lanes.flatMap((lane, at) => i64.store(state!.get, lane.get, at * 8)),
      ...pointer!.get,
    ];
  },
};

const update: WasmFunction = {
  name: 'update',
  params: { state: 'i32', pointer: 'i32', length: 'i32' },
  locals: { end: 'i32', held: 'i32', take: 'i32' },
  result: null,
  exported: true,
  body: ({ state, pointer, length, end, held, take }, call) => {
    const stripe = i32.add(state!.get, i32.const(STATE.stripe));
    const hold = (bytes: Code): Code => memory.copy(i32.add(stripe, held!.get), pointer!.get, bytes);
    return [
      ...end!.set(i32.add(pointer!.get, length!.get)),
      ...held!.set(i32.and(i32.load(state!.get, STATE.length), i32.const(STRIPE_BYTES - 1))),
      ...i64.store(
        state!.get,
        i64.add(i64.load(state!.get, STATE.length), i64.fromI32(length!.get)),
        STATE.length,
      ),
      ...flow.if(
        i32.ne(held!.get, i32.const(0)),
        take!.set(i32.sub(i32.const(STRIPE_BYTES), held!.get)),
        flow.if(i32.gtU(take!.get, length!.get), take!.set(length!.get)),
        hold(take!.get),
        pointer!.set(i32.add(pointer!.get, take!.get)),
        held!.set(i32.add(held!.get, take!.get)),
        flow.if(i32.ltU(held!.get, i32.const(STRIPE_BYTES)), flow.return()),
        // The held stripe is full: mix it in and go on with an empty one. `take` only swallows the returned pointer.
        take!.set(call('stripes', state!.get, stripe, i32.add(stripe, i32.const(STRIPE_BYTES)))),
        held!.set(i32.const(0)),
      ),
      ...pointer!.set(call('stripes', state!.get, pointer!.get, end!.get)),
      ...hold(i32.sub(end!.get, pointer!.get)),
    ];
  },
};

/** Writes the hash of all bytes so far to `target`; the state stays usable. */
const digest: WasmFunction = {
  name: 'digest',
  params: { state: 'i32', target: 'i32' },
  locals: { hash: 'i64', stripe: 'i32' },
  result: null,
  exported: true,
  body: ({ state, target, hash, stripe }, call) => {
    const length = i64.load(state!.get, STATE.length);
    const lane = (at: number): Code => i64.load(state!.get, at * 8);
    return [
      ...stripe!.set(i32.add(state!.get, i32.const(STATE.stripe))),
      ...flow.ifElse(
        i64.ne(i64.shrU(length, i64.const(5n)), i64.const(0n)),
        [hash!.set(call('converge', lane(0), lane(1), lane(2), lane(3)))],
        [hash!.set(xxh64.short(i64.load(state!.get, STATE.seed)))],
      ),
      ...hash!.set(i64.add(hash!.get, length)),
      ...i64.store(
        target!.get,
        call(
          'tail',
          hash!.get,
          stripe!.get,
          i32.add(stripe!.get, i32.and(i32.fromI64(length), i32.const(STRIPE_BYTES - 1))),
        ),
      ),
    ];
  },
};

/** What a module that hashes links in: exports begin, update, digest. */
export const XXH64_FUNCTIONS: readonly WasmFunction[] = [converge, tail, begin, stripes, update, digest];

export interface Xxh64Exports {
  begin(state: number, seedLow: number, seedHigh: number): void;
  update(state: number, pointer: number, length: number): void;
  digest(state: number, target: number): void;
}

export function joinHalves(low: Code, high: Code): Code {
  return i64.add(i64.fromI32(low), i64.shl(i64.fromI32(high), i64.const(32n)));
}
