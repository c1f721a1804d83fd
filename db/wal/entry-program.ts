/**
 * The two loops over entries that decide how fast the log is, as WebAssembly over the memory the entries lie in:
 * `stamp` fills the checksums of a run of entries the writer is about to write, `validate` walks a run that was read.
 * One call handles thousands of entries and allocates nothing.
 */
import {
  type Code,
  flow,
  i32,
  i64,
  instantiate,
  joinHalves,
  type WasmFunction,
  type WasmMemory,
  type WasmMemoryShape,
  XXH64_FUNCTIONS,
  type Xxh64Exports,
  xxh64Code,
} from '../hash/index.ts';
import {
  ENTRY_FLAGS_RESERVED,
  ENTRY_FOOTER,
  ENTRY_HEADER,
  ENTRY_HEADER_COVERED,
  ENTRY_TYPE,
  ENTRY_TYPE_FIRST_FOREIGN,
  FORMAT_VERSION,
} from './format.ts';

/** Where and why `validate` stopped. `commit` and `seal` are good ends: the entry itself is valid, its fields are the caller's. */
export const STOP = {
  commit: 0,
  seal: 1,
  /** The entry runs past the given end. */
  more: 2,
  /** Version 0: space not written yet. */
  unwritten: 3,
  version: 4,
  type: 5,
  flags: 6,
  length: 7,
  sequence: 8,
  ordinal: 9,
  checksum: 10,
  footer: 11,
  padding: 12,
} as const;

/** The state `validate` works on: inputs above, outputs below. */
export const VALIDATION = {
  seed: 0,
  sequence: 8,
  ordinal: 16,
  payloadBytesMax: 24,
  position: 28,
  reason: 32,
  count: 36,
  size: 40,
} as const;

export interface EntryProgram extends Xxh64Exports {
  /** Fills checksum and footer of the entries in [pointer, end), whose first lies at `fileOffset`. */
  stamp(pointer: number, end: number, fileOffset: number, seedLow: number, seedHigh: number): void;
  /** Walks entries in [pointer, end) until one of STOP; results are in the VALIDATION state. */
  validate(pointer: number, end: number, fileOffset: number, state: number): void;
}

export function createEntryProgram(memory: WasmMemory, shape: WasmMemoryShape): EntryProgram {
  return instantiate<EntryProgram>(PROGRAM, memory, shape);
}

const HEADER = ENTRY_HEADER.at;
const PAYLOAD = ENTRY_HEADER.size;
const STRIPE = 32;
/** The header's last covered word shares the second stripe with this many payload bytes. */
const SECOND_STRIPE_PAYLOAD = STRIPE * 2 - ENTRY_HEADER_COVERED;

function padded(length: Code): Code {
  return i32.and(i32.add(length, i32.const(7)), i32.const(~7));
}

/**
 * xxHash64 of header[0, 40) followed by the payload, as if they were one message: the checksum field between them is
 * stepped over instead of copying either part.
 */
const checksum: WasmFunction = {
  name: 'checksum',
  params: { entry: 'i32', length: 'i32', seed: 'i64' },
  locals: { a: 'i64', b: 'i64', c: 'i64', d: 'i64', hash: 'i64', pointer: 'i32', end: 'i32' },
  result: 'i64',
  exported: false,
  body: ({ entry, length, seed, a, b, c, d, hash, pointer, end }, call) => {
    const lanes = [a!, b!, c!, d!];
    const converged = (): Code => [
      ...hash!.set(call('converge', a!.get, b!.get, c!.get, d!.get)),
      ...hash!.set(i64.add(hash!.get, i64.fromI32(i32.add(length!.get, i32.const(ENTRY_HEADER_COVERED))))),
    ];
    const round = (at: number, word: Code): Code => lanes[at]!.set(xxh64Code.round(lanes[at]!.get, word));
    return [
      ...a!.set(xxh64Code.lane1(seed!.get)),
      ...b!.set(xxh64Code.lane2(seed!.get)),
      ...c!.set(xxh64Code.lane3(seed!.get)),
      ...d!.set(xxh64Code.lane4(seed!.get)),
      ...[0, 1, 2, 3].flatMap((at) => round(at, i64.load(entry!.get, at * 8))),
      ...pointer!.set(i32.add(entry!.get, i32.const(PAYLOAD))),
      ...end!.set(i32.add(pointer!.get, length!.get)),
      ...flow.ifElse(
        i32.ltU(length!.get, i32.const(SECOND_STRIPE_PAYLOAD)),
        [converged(), hash!.set(xxh64Code.word(hash!.get, i64.load(entry!.get, STRIPE)))],
        [
          round(0, i64.load(entry!.get, STRIPE)),
          [1, 2, 3].flatMap((at) => round(at, i64.load(pointer!.get, (at - 1) * 8))),
          pointer!.set(i32.add(pointer!.get, i32.const(SECOND_STRIPE_PAYLOAD))),
          flow.while(
            i32.geU(i32.sub(end!.get, pointer!.get), i32.const(STRIPE)),
            ...[0, 1, 2, 3].map((at) => round(at, i64.load(pointer!.get, at * 8))),
            pointer!.set(i32.add(pointer!.get, i32.const(STRIPE))),
          ),
          converged(),
        ],
      ),
      ...call('tail', hash!.get, pointer!.get, end!.get),
    ];
  },
};

const stamp: WasmFunction = {
  name: 'stamp',
  params: { pointer: 'i32', end: 'i32', fileOffset: 'i32', seedLow: 'i32', seedHigh: 'i32' },
  locals: { seed: 'i64', hash: 'i64', length: 'i32', footer: 'i32', start: 'i32' },
  result: null,
  exported: true,
  body: ({ pointer, end, fileOffset, seedLow, seedHigh, seed, hash, length, footer, start }, call) => {
    const offset = i32.add(fileOffset!.get, i32.sub(pointer!.get, start!.get));
    return [
      ...seed!.set(joinHalves(seedLow!.get, seedHigh!.get)),
      ...start!.set(pointer!.get),
      ...flow.while(
        i32.ltU(pointer!.get, end!.get),
        length!.set(i32.load(pointer!.get, HEADER.payloadBytes)),
        hash!.set(call('checksum', pointer!.get, length!.get, i64.xor(seed!.get, i64.fromI32(offset)))),
        i64.store(pointer!.get, hash!.get, HEADER.checksum),
        footer!.set(i32.add(pointer!.get, i32.add(i32.const(PAYLOAD), padded(length!.get)))),
        i32.store(footer!.get, length!.get, ENTRY_FOOTER.at.payloadBytes),
        i32.store(footer!.get, i32.fromI64(hash!.get), ENTRY_FOOTER.at.checksumLow),
        pointer!.set(i32.add(footer!.get, i32.const(ENTRY_FOOTER.size))),
      ),
    ];
  },
};

const validate: WasmFunction = {
  name: 'validate',
  params: { pointer: 'i32', end: 'i32', fileOffset: 'i32', state: 'i32' },
  locals: {
    type: 'i32',
    length: 'i32',
    footer: 'i32',
    hash: 'i64',
    start: 'i32',
    count: 'i32',
    version: 'i32',
  },
  result: null,
  exported: true,
  body: ({ pointer, end, fileOffset, state, type, length, footer, hash, start, count, version }, call) => {
    const left = i32.sub(end!.get, pointer!.get);
    const offset = i32.add(fileOffset!.get, i32.sub(pointer!.get, start!.get));
    const stop = (reason: keyof typeof STOP): Code => [
      ...i32.store(state!.get, pointer!.get, VALIDATION.position),
      ...i32.store(state!.get, i32.const(STOP[reason]), VALIDATION.reason),
      ...i32.store(state!.get, count!.get, VALIDATION.count),
      ...flow.return(),
    ];
    const refuse = (condition: Code, reason: keyof typeof STOP): Code => flow.if(condition, stop(reason));
    const header16 = (field: 'version' | 'type'): Code => i32.load16(pointer!.get, HEADER[field]);
    const header32 = (field: 'flags' | 'payloadBytes'): Code => i32.load(pointer!.get, HEADER[field]);
    const header64 = (field: 'sequence' | 'ordinal' | 'checksum'): Code =>
      i64.load(pointer!.get, HEADER[field]);
    const input64 = (field: 'seed' | 'sequence' | 'ordinal'): Code => i64.load(state!.get, VALIDATION[field]);
    const unpadded = i32.and(length!.get, i32.const(7));
    const lastWord = i64.load(
      i32.add(i32.add(pointer!.get, i32.const(PAYLOAD)), i32.sub(length!.get, unpadded)),
    );
    return [
      ...start!.set(pointer!.get),
      ...flow.while(
        i32.const(1),
        refuse(i32.ltU(left, i32.const(8)), 'more'),
        version!.set(header16('version')),
        refuse(i32.eq(version!.get, i32.const(0)), 'unwritten'),
        refuse(i32.ne(version!.get, i32.const(FORMAT_VERSION)), 'version'),
        type!.set(header16('type')),
        refuse(unknownType(type!.get), 'type'),
        length!.set(header32('payloadBytes')),
        refuse(i32.gtU(length!.get, i32.load(state!.get, VALIDATION.payloadBytesMax)), 'length'),
        footer!.set(i32.add(i32.const(PAYLOAD), padded(length!.get))),
        refuse(i32.ltU(left, i32.add(footer!.get, i32.const(ENTRY_FOOTER.size))), 'more'),
        footer!.set(i32.add(pointer!.get, footer!.get)),
        refuse(i64.ne(header64('sequence'), input64('sequence')), 'sequence'),
        refuse(i32.ne(i32.and(header32('flags'), i32.const(ENTRY_FLAGS_RESERVED)), i32.const(0)), 'flags'),
        hash!.set(call('checksum', pointer!.get, length!.get, i64.xor(input64('seed'), i64.fromI32(offset)))),
        refuse(i64.ne(hash!.get, header64('checksum')), 'checksum'),
        refuse(
          i32.or(
            i32.ne(i32.load(footer!.get, ENTRY_FOOTER.at.payloadBytes), length!.get),
            i32.ne(i32.load(footer!.get, ENTRY_FOOTER.at.checksumLow), i32.fromI64(hash!.get)),
          ),
          'footer',
        ),
        flow.if(
          i32.ne(unpadded, i32.const(0)),
          refuse(
            i64.ne(i64.shrU(lastWord, i64.fromI32(i32.shl(unpadded, i32.const(3)))), i64.const(0n)),
            'padding',
          ),
        ),
        refuse(i32.eq(type!.get, i32.const(ENTRY_TYPE.seal)), 'seal'),
        refuse(i64.ne(header64('ordinal'), input64('ordinal')), 'ordinal'),
        refuse(i32.eq(type!.get, i32.const(ENTRY_TYPE.commit)), 'commit'),
        pointer!.set(i32.add(footer!.get, i32.const(ENTRY_FOOTER.size))),
        i64.store(state!.get, i64.add(input64('sequence'), i64.const(1n)), VALIDATION.sequence),
        count!.set(i32.add(count!.get, i32.const(1))),
      ),
    ];
  },
};

function unknownType(type: Code): Code {
  const isLogs = i32.gtU(i32.sub(type, i32.const(1)), i32.const(ENTRY_TYPE.gap - 1));
  return i32.and(isLogs, i32.ltU(type, i32.const(ENTRY_TYPE_FIRST_FOREIGN)));
}

const PROGRAM: readonly WasmFunction[] = [...XXH64_FUNCTIONS, checksum, stamp, validate];
