import { xxh64 } from '../hash/index.ts';

/**
 * Everything that happened in a run, as one number: two runs of a seed are the same run if and only if it is the same.
 * Keeps the lines too when somebody wants to read them.
 */
export class Trace {
  readonly lines: string[] | null;
  #low = 0x811c9dc5;
  #high = 0x9e3779b9;

  constructor(keepLines: boolean) {
    this.lines = keepLines ? [] : null;
  }

  /** `content`: bytes that take part in the number but not in the line. */
  note(line: string, content?: Uint8Array): void {
    for (let at = 0; at < line.length; at++) this.#mix(line.charCodeAt(at));
    if (content === undefined) {
      this.lines?.push(line);
      return;
    }
    const hash = xxh64(content);
    this.#mix(Number(hash & 0xffff_ffffn));
    this.#mix(Number(hash >> 32n));
    this.lines?.push(`${line} ${hash.toString(16).padStart(16, '0')}`);
  }

  /** 16 hex digits. */
  get digest(): string {
    const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, '0');
    return hex(this.#high) + hex(this.#low);
  }

  #mix(word: number): void {
    this.#low = Math.imul(this.#low ^ word, 0x01000193);
    this.#high = Math.imul(this.#high ^ word ^ (this.#low >>> 15), 0x85ebca6b);
    this.#high ^= this.#high >>> 13;
  }
}
