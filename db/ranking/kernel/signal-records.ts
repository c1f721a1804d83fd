/**
 * The payload of a signals entry (type 82): a head of 16 bytes, then one record of 56 bytes a signal. Little-endian; the
 * encoder, the cursor and whoever inspects a log read the offsets from the two tables below.
 */
import { TruthError } from '../../errors.ts';
import { invariant } from '../../kernel/index.ts';
import type { EntityNumber, Micros, SignalId, TupleNumber } from '../ground.ts';
import type { Signal } from './entry.ts';

const VERSION = 1;

const SIGNALS_HEAD = Object.freeze({
  version: { offset: 0, bytes: 1 },
  /** Bytes 1 to 3 and 8 to 15 are zero. */
  count: { offset: 4, bytes: 4 },
});
export const SIGNALS_HEAD_BYTES = 16;

const SIGNAL_FIELDS = Object.freeze({
  signal: { offset: 0, bytes: 2 },
  /** Bit 0: late. */
  flags: { offset: 2, bytes: 2 },
  target: { offset: 4, bytes: 4 },
  user: { offset: 8, bytes: 4 },
  creator: { offset: 12, bytes: 4 },
  tuple: { offset: 16, bytes: 4 },
  /** Zero. */
  reserved: { offset: 20, bytes: 4 },
  /** Double: a whole number of microseconds from 0. */
  at: { offset: 24, bytes: 8 },
  /** Double, finite. */
  weight: { offset: 32, bytes: 8 },
  hashHigh: { offset: 40, bytes: 4 },
  hashLow: { offset: 44, bytes: 4 },
  checkHigh: { offset: 48, bytes: 4 },
  checkLow: { offset: 52, bytes: 4 },
});
export const SIGNAL_BYTES = 56;

const LATE = 1;
const F = SIGNAL_FIELDS;

/** Writes signals behind each other. What `finish` hands out is never written again. */
export class SignalsEncoder {
  #bytes: Uint8Array;
  #view: DataView;
  /** Where the payload begins that is being written: those before it share the memory. */
  #start = 0;
  #count = 0;

  /** About how many signals there will be, in how many payloads; more may come. */
  constructor(signals: number, payloads = 1) {
    this.#bytes = new Uint8Array(payloads * SIGNALS_HEAD_BYTES + signals * SIGNAL_BYTES);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Of the payload that is being written. */
  get count(): number {
    return this.#count;
  }

  add(signal: Signal): void {
    if (this.#end + SIGNAL_BYTES > this.#bytes.length) this.#grow();
    const at = this.#end;
    const view = this.#view;
    view.setUint16(at + F.signal.offset, signal.signal, true);
    view.setUint16(at + F.flags.offset, signal.late ? LATE : 0, true);
    view.setUint32(at + F.target.offset, signal.target, true);
    view.setUint32(at + F.user.offset, signal.user, true);
    view.setUint32(at + F.creator.offset, signal.creator, true);
    view.setUint32(at + F.tuple.offset, signal.tuple, true);
    view.setFloat64(at + F.at.offset, signal.at, true);
    view.setFloat64(at + F.weight.offset, signal.weight, true);
    view.setUint32(at + F.hashHigh.offset, signal.hashHigh, true);
    view.setUint32(at + F.hashLow.offset, signal.hashLow, true);
    view.setUint32(at + F.checkHigh.offset, signal.checkHigh, true);
    view.setUint32(at + F.checkLow.offset, signal.checkLow, true);
    this.#count += 1;
  }

  /** The payload of everything added since the last; the next one begins behind it. */
  finish(): Uint8Array {
    // One without signals is a head alone.
    if (this.#end > this.#bytes.length) this.#grow();
    const start = this.#start;
    const end = this.#end;
    this.#view.setUint8(start + SIGNALS_HEAD.version.offset, VERSION);
    this.#view.setUint32(start + SIGNALS_HEAD.count.offset, this.#count, true);
    this.#start = end;
    this.#count = 0;
    return this.#bytes.subarray(start, end);
  }

  /** Of what has been added to the payload that is being written. */
  get #end(): number {
    return this.#start + SIGNALS_HEAD_BYTES + this.#count * SIGNAL_BYTES;
  }

  /** Goes on with the payload that is being written, in new memory. */
  #grow(): void {
    const written = this.#bytes.subarray(this.#start, this.#end);
    const grown = new Uint8Array(
      Math.max(this.#bytes.length, 2 * written.length) + SIGNALS_HEAD_BYTES + SIGNAL_BYTES,
    );
    grown.set(written);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
    this.#start = 0;
  }
}

/**
 * Cursor over the records of one payload: nothing is made for a record.
 *
 *     const records = SignalRecords.of(payload);
 *     for (let index = 0; index < records.count; index++) {
 *       records.at(index);
 *       counts[records.target]! += 1;
 *     }
 */
export class SignalRecords implements Signal {
  readonly count: number;
  readonly #view: DataView;
  #at = SIGNALS_HEAD_BYTES;

  private constructor(view: DataView, count: number) {
    this.#view = view;
    this.count = count;
  }

  /** Stands before no record yet. Errors: CORRUPT when the payload is not what the encoder makes. */
  static of(payload: Uint8Array): SignalRecords {
    const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
    checkHead(payload, view);
    const count = view.getUint32(SIGNALS_HEAD.count.offset, true);
    for (let index = 0; index < count; index++) checkRecord(view, index);
    return new SignalRecords(view, count);
  }

  /** Moves to a record. */
  moveTo(index: number): void {
    invariant(index >= 0 && index < this.count, 'a signals entry is read within its records');
    this.#at = SIGNALS_HEAD_BYTES + index * SIGNAL_BYTES;
  }

  get signal(): SignalId {
    return this.#view.getUint16(this.#at + F.signal.offset, true) as SignalId;
  }

  get target(): EntityNumber {
    return this.#view.getUint32(this.#at + F.target.offset, true) as EntityNumber;
  }

  get user(): EntityNumber {
    return this.#view.getUint32(this.#at + F.user.offset, true) as EntityNumber;
  }

  get creator(): EntityNumber {
    return this.#view.getUint32(this.#at + F.creator.offset, true) as EntityNumber;
  }

  get tuple(): TupleNumber {
    return this.#view.getUint32(this.#at + F.tuple.offset, true) as TupleNumber;
  }

  get at(): Micros {
    return this.#view.getFloat64(this.#at + F.at.offset, true) as Micros;
  }

  get weight(): number {
    return this.#view.getFloat64(this.#at + F.weight.offset, true);
  }

  get late(): boolean {
    return (this.#view.getUint8(this.#at + F.flags.offset) & LATE) !== 0;
  }

  get hashHigh(): number {
    return this.#view.getUint32(this.#at + F.hashHigh.offset, true);
  }

  get hashLow(): number {
    return this.#view.getUint32(this.#at + F.hashLow.offset, true);
  }

  get checkHigh(): number {
    return this.#view.getUint32(this.#at + F.checkHigh.offset, true);
  }

  get checkLow(): number {
    return this.#view.getUint32(this.#at + F.checkLow.offset, true);
  }
}

function checkHead(payload: Uint8Array, view: DataView): void {
  if (payload.length < SIGNALS_HEAD_BYTES) throw corrupt(`has ${payload.length} bytes, less than its head`);
  const version = payload[SIGNALS_HEAD.version.offset];
  if (version !== VERSION)
    throw new TruthError(
      'UNSUPPORTED_VERSION',
      `the signals entry has format version ${version}, this release reads ${VERSION}: use the release that wrote it, or a newer one`,
    );
  const unused = payload[1]! | payload[2]! | payload[3]! | view.getUint32(8, true) | view.getUint32(12, true);
  if (unused !== 0) throw corrupt('uses reserved bytes of its head');
  const bytes = SIGNALS_HEAD_BYTES + view.getUint32(SIGNALS_HEAD.count.offset, true) * SIGNAL_BYTES;
  if (payload.length !== bytes)
    throw corrupt(`has ${payload.length} bytes where its count of records takes ${bytes}`);
}

function checkRecord(view: DataView, index: number): void {
  const at = SIGNALS_HEAD_BYTES + index * SIGNAL_BYTES;
  const time = view.getFloat64(at + F.at.offset, true);
  const unused =
    (view.getUint16(at + F.flags.offset, true) & ~LATE) | view.getUint32(at + F.reserved.offset, true);
  if (!Number.isSafeInteger(time) || time < 0) throw corrupt(`has the time ${time} in record ${index}`);
  if (!Number.isFinite(view.getFloat64(at + F.weight.offset, true)))
    throw corrupt(`has a weight that is no number in record ${index}`);
  if (view.getUint32(at + F.target.offset, true) === 0) throw corrupt(`has no target in record ${index}`);
  if (unused !== 0) throw corrupt(`uses reserved bits of record ${index}`);
}

function corrupt(problem: string): TruthError {
  return new TruthError('CORRUPT', `the signals entry does not add up: it ${problem}`);
}
