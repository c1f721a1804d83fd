/** Appends for which the ring had no room, encoded, in the order of their calls; a bounded number of a bounded size. */
export class WaitingLine {
  readonly #countMax: number;
  readonly #bytesMax: number;
  /** Before `#first` they have been given. */
  #frames: Uint8Array[] = [];
  #first = 0;
  #bytes = 0;

  constructor(countMax: number, bytesMax: number) {
    this.#countMax = countMax;
    this.#bytesMax = bytesMax;
  }

  get length(): number {
    return this.#frames.length - this.#first;
  }

  /** One alone may be of any size. */
  admits(bytes: number): boolean {
    return this.length < this.#countMax && (this.length === 0 || this.#bytes + bytes <= this.#bytesMax);
  }

  /** Keeps a copy. */
  push(frame: Uint8Array): void {
    this.#frames.push(new Uint8Array(frame));
    this.#bytes += frame.length;
  }

  peek(): Uint8Array | null {
    return this.#frames[this.#first] ?? null;
  }

  shift(): void {
    this.#bytes -= this.#frames[this.#first]?.length ?? 0;
    this.#first += 1;
    if (this.#first * 2 < this.#frames.length) return;
    this.#frames = this.#frames.slice(this.#first);
    this.#first = 0;
  }

  clear(): void {
    this.#frames = [];
    this.#first = 0;
    this.#bytes = 0;
  }
}
