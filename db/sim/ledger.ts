import { Violation } from './violation.ts';

/** Commands as whoever issued them knows them, against what the log shows later. */
export interface Issued {
  /** Hash of each entry's content, in order. */
  readonly hashes: readonly bigint[];
}

/**
 * What was issued, in order, and what was promised about it. What a start shows decides what was in flight: from then on
 * the rest was never issued, so that it must not come back later either.
 */
export class Ledger {
  #issued: Issued[] = [];
  #acknowledged = 0;
  #written = 0;
  #needed = 0;

  /** Commands issued so far. */
  get count(): number {
    return this.#issued.length;
  }

  /** Entries of all of them. */
  get entries(): number {
    return this.#issued.reduce((sum, { hashes }) => sum + hashes.length, 0);
  }

  /** Commands known durable. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** How many of the first commands must be there at the next start. */
  get needed(): number {
    return this.#needed;
  }

  issue(command: Issued): void {
    this.#issued.push(command);
  }

  /** The last command was refused: it never was. */
  withdraw(): void {
    this.#issued.pop();
  }

  /** The first `count` commands are durable. */
  acknowledge(count: number): void {
    this.#acknowledged = Math.max(this.#acknowledged, count);
    this.#needed = Math.max(this.#needed, this.#acknowledged);
  }

  /** The first `count` commands are in the page cache: a kill of the process does not take them away. */
  noteWritten(count: number): void {
    this.#written = Math.max(this.#written, count);
  }

  processKilled(): void {
    this.#needed = Math.max(this.#acknowledged, this.#written);
  }

  powerFailed(): void {
    this.#needed = this.#acknowledged;
    this.#written = this.#acknowledged;
  }

  /** Compares what a start shows. Returns how many commands that is. Throws Violation unless it is a prefix. */
  match(shown: readonly bigint[]): number {
    let at = 0;
    let commands = 0;
    while (at < shown.length) {
      const command = this.#issued[commands];
      if (command === undefined) {
        throw new Violation(
          'prefix of the issued',
          `${shown.length} entries are shown, ${at} were issued in ${this.#issued.length} commands`,
        );
      }
      for (const hash of command.hashes) {
        if (shown[at] !== hash) {
          const what = shown[at] === undefined ? 'is missing from its command' : 'is not the one issued';
          throw new Violation(
            'prefix of the issued',
            `entry ${at} of those shown ${what} (command ${commands})`,
          );
        }
        at += 1;
      }
      commands += 1;
    }
    return commands;
  }

  /** A start has shown the first `commands`: that is decided now. */
  settle(commands: number): void {
    this.#issued.length = commands;
    this.#acknowledged = commands;
    this.#written = commands;
    this.#needed = commands;
  }

  checkKept(commands: number): void {
    if (commands >= this.#needed) return;
    const promise = this.#needed > this.#acknowledged ? 'written before the kill' : 'acknowledged as durable';
    throw new Violation(
      'acknowledged is kept',
      `${this.#needed} commands were ${promise}, ${commands} are there`,
    );
  }
}
