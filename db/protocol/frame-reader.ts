/**
 * Cuts the received bytes into frames. Frames that lie whole in one chunk are read in place; only a frame split
 * between chunks is copied together. Memory held is at most a small multiple of what was received of the current frame:
 * a length that is only claimed costs nothing.
 */
import { Buffer } from 'node:buffer';
import { TruthError } from '../errors.ts';
import { ByteReader } from './byte-reader.ts';
import type { CarryPool } from './carry-pool.ts';
import { frameChecksum } from './checksum.ts';
import { FRAME_HEADER } from './constants.ts';

const { checksum: AT_CHECKSUM, length: AT_LENGTH, request: AT_REQUEST, kind: AT_KIND } = FRAME_HEADER.at;
const HEADER_BYTES = FRAME_HEADER.bytes;
const CARRY_BYTES_MIN = 512;
const EMPTY = Buffer.alloc(0);

export class FrameReader {
  /** Fields of the frame `next` stopped at; valid until the next call of it. */
  kind = 0;
  request = 0;
  readonly body = new ByteReader();

  #bodyBytesMax: number;
  #chunk: Buffer = EMPTY;
  #at = 0;
  /** Where the frame `next` stopped at lies in the chunk; -1 when it lies in memory of its own. */
  #frameStart = -1;
  /** The beginning of a frame whose rest has not arrived. */
  #carry: Buffer | null = null;
  #carried = 0;
  /** Holds the frame `next` stopped at; to be given back. */
  #opened: Buffer | null = null;
  readonly #pool: CarryPool | null;

  /** With a pool, what was read of a frame must not be looked at after the next call of `next`; without one it stays. */
  constructor(bodyBytesMax: number, pool: CarryPool | null = null) {
    this.#bodyBytesMax = bodyBytesMax;
    this.#pool = pool;
  }

  set bodyBytesMax(bytes: number) {
    this.#bodyBytesMax = bytes;
  }

  /** Bytes of memory held for the frame that is still incomplete. */
  get heldBytes(): number {
    return this.#carry?.length ?? 0;
  }

  /** True while part of a frame has arrived and the rest has not (once `next` has said false). */
  get incomplete(): boolean {
    return this.#carried > 0;
  }

  push(chunk: Buffer): void {
    const left = this.#chunk.length - this.#at;
    this.#chunk = left === 0 ? chunk : Buffer.concat([this.#chunk.subarray(this.#at), chunk]);
    this.#at = 0;
  }

  /** Gives the frame `next` stopped at memory of its own: its views then outlive the chunk. */
  own(): void {
    if (this.#frameStart < 0) return;
    const frame = Buffer.from(this.#chunk.subarray(this.#frameStart, this.#at));
    this.#frameStart = -1;
    this.body.reset(frame, HEADER_BYTES, frame.length);
  }

  /** To be called before the memory of the chunk is used for something else: keeps what has not been read of it. */
  giveBack(): void {
    this.#frameStart = -1;
    this.#chunk = this.#at === this.#chunk.length ? EMPTY : Buffer.from(this.#chunk.subarray(this.#at));
    this.#at = 0;
  }

  /** Goes to the next whole frame; false when the rest has yet to arrive. Errors: PROTOCOL, TOO_LARGE. */
  next(): boolean {
    if (this.#opened !== null) this.#giveOpened(this.#opened);
    if (this.#carried > 0) return this.#nextFromCarry();
    const available = this.#chunk.length - this.#at;
    if (available >= HEADER_BYTES) {
      const total = this.#frameBytes(this.#chunk, this.#at);
      if (available >= total) {
        this.#frameStart = this.#at;
        this.#at += total;
        this.#open(this.#chunk, this.#frameStart, total);
        return true;
      }
    }
    if (available > 0) this.#carryOver(available);
    return false;
  }

  #nextFromCarry(): boolean {
    if (!this.#fillTo(HEADER_BYTES)) return false;
    const total = this.#frameBytes(this.#carry as Buffer, 0);
    if (!this.#fillTo(total)) return false;
    const frame = this.#carry as Buffer;
    // Without a pool the body's views live on in whoever keeps them, so this buffer is not used again.
    if (this.#pool !== null) this.#opened = frame;
    this.#carry = null;
    this.#carried = 0;
    this.#frameStart = -1;
    this.#open(frame, 0, total);
    return true;
  }

  #giveOpened(frame: Buffer): void {
    this.#opened = null;
    this.body.reset(EMPTY, 0, 0);
    this.#pool?.give(frame);
  }

  #allocate(bytes: number): Buffer {
    return this.#pool?.take(bytes) ?? Buffer.allocUnsafeSlow(bytes);
  }

  #carryOver(available: number): void {
    this.#carry = this.#allocate(Math.max(CARRY_BYTES_MIN, available));
    this.#carried = 0;
    this.#fillTo(available);
  }

  /** Moves bytes from the chunk to the carry until it has `total`; false when the chunk had too few. */
  #fillTo(total: number): boolean {
    const take = Math.min(total - this.#carried, this.#chunk.length - this.#at);
    if (take > 0) {
      this.#growCarry(this.#carried + take, total);
      this.#chunk.copy(this.#carry as Buffer, this.#carried, this.#at, this.#at + take);
      this.#carried += take;
      this.#at += take;
    }
    return this.#carried >= total;
  }

  #growCarry(needed: number, total: number): void {
    const carry = this.#carry as Buffer;
    if (needed <= carry.length) return;
    const grown = this.#allocate(Math.max(needed, Math.min(total, carry.length * 2)));
    carry.copy(grown, 0, 0, this.#carried);
    this.#carry = grown;
    this.#pool?.give(carry);
  }

  /** Bytes of the whole frame whose header is at `at`, once its length is known to be allowed. */
  #frameBytes(buffer: Buffer, at: number): number {
    const length = buffer.readUInt32LE(at + AT_LENGTH);
    if (length > this.#bodyBytesMax) {
      throw new TruthError(
        'TOO_LARGE',
        `a frame announces a body of ${length} bytes; this connection takes ${this.#bodyBytesMax}. ` +
          'Send smaller batches (or check that the other side speaks the TruthDB protocol, with TLS if it is on)',
        { length, limit: this.#bodyBytesMax },
      );
    }
    return HEADER_BYTES + length;
  }

  #open(buffer: Buffer, start: number, total: number): void {
    const stored = buffer.readUInt32LE(start + AT_CHECKSUM);
    const computed = frameChecksum(buffer, start + AT_LENGTH, start + total);
    if (stored !== computed) {
      throw new TruthError(
        'PROTOCOL',
        `a frame's checksum does not match its bytes (it says ${stored}, they give ${computed}): ` +
          'the connection is damaged or the other side does not speak the TruthDB protocol',
      );
    }
    const kindAndReserved = buffer.readUInt32LE(start + AT_KIND);
    if (kindAndReserved > 0xff) {
      throw new TruthError(
        'PROTOCOL',
        'flags and reserved bytes of a frame header must be zero in this version',
      );
    }
    this.kind = kindAndReserved;
    this.request = buffer.readUInt32LE(start + AT_REQUEST);
    this.body.reset(buffer, start + HEADER_BYTES, start + total);
  }
}
