/** What the server counts. Plain numbers: the hot path adds, /metrics reads. */
import type { ErrorCode } from '../errors.ts';

/** Upper bounds in milliseconds of the append latency histogram. */
export const LATENCY_BOUNDS_MILLIS = [
  0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 10_000,
];

export class Counters {
  /** Bytes received and sent on the wire port, after TLS. */
  bytesIn = 0;
  bytesOut = 0;
  /** Bytes held now: half-received frames; answers waiting for slow readers. */
  incomingBytes = 0;
  outgoingBytes = 0;
  sessionsOpened = 0;
  sessionsRefused = 0;
  refusedTokens = 0;
  timedOut = 0;
  stalled = 0;
  appends = 0;
  appendedEvents = 0;
  reads = 0;
  readEvents = 0;
  subscriptions = 0;
  deliveredEvents = 0;
  /** Streams of the log's bytes, and what was sent on them. */
  logStreams = 0;
  logStreamBytes = 0;
  /** Connections of PostgreSQL's protocol that are open. */
  pgSessions = 0;
  /** Statements answered, by the first word of their tag. */
  readonly sqlStatements = new Map<string, number>();
  /** As `appendLatency`. */
  readonly sqlLatency: number[] = new Array<number>(LATENCY_BOUNDS_MILLIS.length + 1).fill(0);
  sqlLatencySumMillis = 0;
  readonly errors = new Map<ErrorCode, number>();
  /** One more than the bounds: the last counts what is beyond them. */
  readonly appendLatency: number[] = new Array<number>(LATENCY_BOUNDS_MILLIS.length + 1).fill(0);
  appendLatencySumMillis = 0;

  failed(code: ErrorCode): void {
    this.errors.set(code, (this.errors.get(code) ?? 0) + 1);
  }

  appended(events: number, millis: number): void {
    this.appends += 1;
    this.appendedEvents += events;
    this.appendLatencySumMillis += millis;
    countLatency(this.appendLatency, millis);
  }

  /** `tag` as the answer has it: `INSERT 0 1`. */
  sqlAnswered(tag: string, millis: number): void {
    const space = tag.indexOf(' ');
    const kind = space < 0 ? tag : tag.slice(0, space);
    this.sqlStatements.set(kind, (this.sqlStatements.get(kind) ?? 0) + 1);
    this.sqlLatencySumMillis += millis;
    countLatency(this.sqlLatency, millis);
  }
}

function countLatency(buckets: number[], millis: number): void {
  let bucket = 0;
  while (bucket < LATENCY_BOUNDS_MILLIS.length && millis > (LATENCY_BOUNDS_MILLIS[bucket] as number))
    bucket++;
  buckets[bucket] = (buckets[bucket] as number) + 1;
}
