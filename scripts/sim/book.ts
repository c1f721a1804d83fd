import type { Client } from '../../db/client/index.ts';
import type { Random } from '../../db/sim/random.ts';

const IN_FLIGHT = 64;
const STREAMS = 5;

/** What a book has counted. */
export interface BookCounts {
  sent: number;
  acknowledged: number;
  /** Sent and there, though no answer had come. */
  undecided: number;
  lost: number;
  invented: number;
}

export function newCounts(): BookCounts {
  return { sent: 0, acknowledged: 0, undecided: 0, lost: 0, invented: 0 };
}

/** What was sent, what was answered, and what the server shows. */
export class Book {
  readonly #report: BookCounts;
  /** Events of this life in the order in which they were sent, with the position they were acknowledged at. */
  #sent: { readonly number: number; position: number | null; refused: boolean }[] = [];
  /** Numbers known to be in the log, in order. */
  readonly #settled: number[] = [];
  #settledTo = 0;
  #next = 1;
  #onAnswer: () => void = () => {};

  constructor(report: BookCounts) {
    this.#report = report;
  }

  /** Resolves with the next acknowledgement. */
  nextAnswer(): Promise<void> {
    return new Promise((resolve) => {
      this.#onAnswer = resolve;
    });
  }

  /** Keeps so many appends in flight until the connection breaks, or until so many were sent. */
  async load(client: Client, random: Random, most = Number.POSITIVE_INFINITY): Promise<void> {
    const end = this.#next + most;
    let over = false;
    const produce = async (): Promise<void> => {
      while (!over && this.#next < end) {
        const entry = { number: this.#next, position: null as number | null, refused: false };
        this.#next += 1;
        this.#sent.push(entry);
        this.#report.sent += 1;
        const data = { number: entry.number, padding: 'x'.repeat(random.pick([10, 300, 2000, 20_000])) };
        try {
          const stream = `stream-${random.below(STREAMS)}`;
          entry.position = (
            await client.append(stream, { type: 'sent', data }, { ack: random.pick(['applied', 'durable']) })
          ).position;
          this.#report.acknowledged += 1;
          this.#onAnswer();
        } catch (error) {
          const code = codeOf(error);
          entry.refused = code === 'BUSY' || code === 'DISK_FULL';
          over ||= code !== 'BUSY';
        }
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, produce));
  }

  /** Everything behind what is settled must be this life's, in order, acknowledged ones at their position, and no gap. */
  async check(client: Client): Promise<void> {
    const there = new Map<number, number>();
    for await (const event of client.readAll({ from: this.#settledTo + 1 })) {
      const { number } = event.json() as { number: number };
      const expected = this.#sent.find((entry) => entry.number === number);
      if (expected === undefined || there.has(number)) {
        this.#report.invented += 1;
        throw new Error(`event ${number} at ${event.position} was not sent, or is there twice`);
      }
      there.set(number, event.position);
      this.#settledTo = event.position;
      this.#settled.push(number);
    }
    let gap: number | null = null;
    for (const { number, position, refused } of this.#sent) {
      const found = there.get(number) ?? null;
      if (position !== null && found !== position) {
        this.#report.lost += 1;
        throw new Error(`event ${number} was acknowledged at ${position} and is at ${found}`);
      }
      if (found === null && !refused) gap ??= number;
      if (found !== null && gap !== null)
        throw new Error(`event ${number} is there, ${gap} sent before it is not`);
      if (found !== null && position === null) this.#report.undecided += 1;
    }
    this.#sent = [];
  }

  /** The whole log once more, from its start. */
  async checkAll(client: Client): Promise<void> {
    let at = 0;
    for await (const event of client.readAll()) {
      const { number } = event.json() as { number: number };
      if (number !== this.#settled[at])
        throw new Error(`event ${number} stands where ${this.#settled[at]} was`);
      at += 1;
    }
    if (at !== this.#settled.length) throw new Error(`${at} events are there, ${this.#settled.length} were`);
  }
}

function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}
