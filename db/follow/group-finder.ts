/**
 * Finds where groups end in bytes that arrive in pieces, from the entries' lengths alone, so that nothing is verified twice
 * and nothing waits longer than it must. What a length claims is bounded before it is believed.
 */
import { COMMIT, ENTRY_HEADER, ENTRY_TYPE, entryBytes, FORMAT_VERSION } from '../wal/format.ts';
import type { ReceivedBytes } from './received-bytes.ts';

const AT = ENTRY_HEADER.at;
/** Version, type and length lie in the first word. */
const WORD_BYTES = 8;

export class GroupFinder {
  readonly #received: ReceivedBytes;
  readonly #segmentBytes: number;
  readonly #payloadBytesMax: number;
  #at: number;

  /** Looks from `offset` on, where an entry begins. */
  constructor(received: ReceivedBytes, offset: number, segmentBytes: number, entryBytesMax: number) {
    this.#received = received;
    this.#at = offset;
    this.#segmentBytes = segmentBytes;
    this.#payloadBytesMax = Math.max(entryBytesMax, COMMIT.size);
  }

  /**
   * `whole`: a commit or seal has arrived to its last byte. `broken`: what comes next is no entry; a scanner says why.
   * Null: the rest has yet to arrive.
   */
  next(): 'whole' | 'broken' | null {
    while (this.#received.end - this.#at >= WORD_BYTES) {
      const word = this.#received.view(this.#at, this.#at + WORD_BYTES);
      const payloadBytes = word.readUInt32LE(AT.payloadBytes);
      if (word.readUInt16LE(AT.version) !== FORMAT_VERSION || payloadBytes > this.#payloadBytesMax) {
        return 'broken';
      }
      const end = this.#at + entryBytes(payloadBytes);
      if (end > this.#segmentBytes) return 'broken';
      if (end > this.#received.end) return null;
      const type = word.readUInt16LE(AT.type);
      this.#at = end;
      if (type === ENTRY_TYPE.commit || type === ENTRY_TYPE.seal) return 'whole';
    }
    return null;
  }
}
