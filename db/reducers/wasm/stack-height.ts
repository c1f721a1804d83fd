/** How many values lie on a function's stack, at most. What cannot be reached counts for nothing: no code is made of it. */
interface Frame {
  readonly base: number;
  readonly params: number;
  readonly results: number;
  readonly dead: boolean;
}

export class StackHeight {
  readonly #frames: Frame[] = [];
  #now = 0;
  #dead = false;
  #depth = 0;
  max = 0;

  /** Blocks that are open, the function's own not counted; -1 behind its end. */
  get depth(): number {
    return this.#depth;
  }

  change(takes: number, leaves: number): void {
    if (this.#dead) return;
    this.#now = Math.max(0, this.#now - takes) + leaves;
    if (this.#now > this.max) this.max = this.#now;
  }

  enter(params: number, results: number): void {
    this.#frames.push({ base: Math.max(0, this.#now - params), params, results, dead: this.#dead });
    this.#depth += 1;
  }

  otherwise(): void {
    const frame = this.#frames.at(-1);
    if (frame === undefined) return;
    this.#dead = frame.dead;
    this.#now = frame.base + frame.params;
  }

  end(): void {
    this.#depth -= 1;
    const frame = this.#frames.pop();
    if (frame === undefined) return;
    this.#dead = frame.dead;
    this.#now = frame.base + frame.results;
    if (this.#now > this.max) this.max = this.#now;
  }

  /** Nothing behind this is reached until the block ends. */
  leave(): void {
    this.#dead = true;
  }
}
