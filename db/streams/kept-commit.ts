/**
 * A stable commit as it is kept for those who follow the log: where the payloads of its events lie, and nothing else. The
 * entries themselves may go once the views have them. Kept for a second, an object and a view for each event would be
 * copied by every collection of young garbage meanwhile, which stops appends for milliseconds.
 */
import type { RecordedEvent } from '../kernel/event.ts';
import type { ViewCommit } from '../materializer/index.ts';
import type { RecordedAt, Sequence } from '../types.ts';
import { isEvent, recordedEvent } from './recorded-event.ts';

/** What a commit and each of its events take beside the payloads, so that empty ones are bounded too. */
const COMMIT_BYTES = 256;
const EVENT_BYTES = 48;

export class KeptCommit {
  readonly sequence: Sequence;
  /** Memory it holds, about. */
  readonly bytes: number;
  readonly #recordedAt: RecordedAt;
  readonly #positions: Sequence[] = [];
  readonly #buffers: ArrayBufferLike[] = [];
  /** In its buffer, for each event: first byte and length. */
  readonly #places: number[] = [];
  /** Decoded when somebody first asks. */
  #events: readonly RecordedEvent[] | null = null;

  constructor({ sequence, recordedAt, entries }: ViewCommit) {
    this.sequence = sequence;
    this.#recordedAt = recordedAt;
    let bytes = COMMIT_BYTES;
    for (const entry of entries) {
      if (!isEvent(entry)) continue;
      const { payload } = entry;
      this.#positions.push(entry.sequence);
      this.#buffers.push(payload.buffer);
      this.#places.push(payload.byteOffset, payload.length);
      bytes += EVENT_BYTES + payload.length;
    }
    this.bytes = bytes;
  }

  get events(): readonly RecordedEvent[] {
    this.#events ??= this.#positions.map((position, at) =>
      recordedEvent(this.#payload(at), position, this.#recordedAt),
    );
    return this.#events;
  }

  /** Payload of the event at a position, or null. */
  payloadAt(position: Sequence): Uint8Array | null {
    let low = 0;
    let high = this.#positions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#positions[middle]! < position) low = middle + 1;
      else high = middle;
    }
    return this.#positions[low] === position ? this.#payload(low) : null;
  }

  #payload(at: number): Uint8Array {
    return new Uint8Array(this.#buffers[at]!, this.#places[2 * at]!, this.#places[2 * at + 1]!);
  }
}
