/**
 * The book of what clients sent and what was acknowledged when, and the judgement over what a database has of it after a
 * cut. Pure: times are given by the caller, in any unit, on one clock.
 */

/** Data of every event: enough to say of any event found who sent it and what it must look like. */
export interface EventData {
  readonly client: number;
  readonly request: number;
  /** Place within the request. */
  readonly part: number;
  readonly text: string;
}

export interface SentEvent {
  readonly id: string;
  readonly data: EventData;
}

export interface SentRequest {
  readonly client: number;
  readonly stream: string;
  readonly events: readonly SentEvent[];
  readonly sentAt: number;
  /** Undefined when the answer never came. */
  acknowledgedAt: number | undefined;
}

/** An event as a database gave it back, in the order of its log. */
export interface FoundEvent {
  readonly id: string;
  readonly stream: string;
  readonly revision: number;
  readonly data: EventData;
}

export interface Verdict {
  /** Whole requests that are there. */
  readonly found: number;
  readonly promised: number;
  readonly problem: string | null;
}

const STREAMS_OF_A_CLIENT = 2;
const EVENTS_OF_A_REQUEST = [1, 1, 1, 3] as const;
/** Sizes vary so that groups end at all places of a sector. */
const TEXT_BYTES_MAX = 2500;

export class Ledger {
  readonly #seed: number;
  readonly #clients: SentRequest[][];

  constructor(seed: number, clients: number) {
    this.#seed = seed;
    this.#clients = Array.from({ length: clients }, () => []);
  }

  get requests(): readonly SentRequest[] {
    return this.#clients.flat();
  }

  /** Books the next request of a client as sent. */
  send(client: number, now: number): SentRequest {
    const requests = this.#clients[client]!;
    const number = requests.length;
    const parts = EVENTS_OF_A_REQUEST[number % EVENTS_OF_A_REQUEST.length]!;
    const request: SentRequest = {
      client,
      stream: `cut/${client}-${number % STREAMS_OF_A_CLIENT}`,
      events: Array.from({ length: parts }, (_, part) => eventOf(this.#seed, client, number, part)),
      sentAt: now,
      acknowledgedAt: undefined,
    };
    requests.push(request);
    return request;
  }

  acknowledgedBy(time: number): number {
    return this.requests.filter(
      ({ acknowledgedAt }) => acknowledgedAt !== undefined && acknowledgedAt <= time,
    ).length;
  }

  /**
   * Everything acknowledged until `promisedUntil` must be among `found`, nothing that had not been sent by `sentUntil`, each
   * request whole. A connection sends in order and the log keeps it, so of each client it must be the beginning of
   * what it sent.
   */
  judge(
    found: readonly FoundEvent[],
    { promisedUntil, sentUntil }: { readonly promisedUntil: number; readonly sentUntil: number },
  ): Verdict {
    const { events, stranger } = this.#follow(found);
    let problem = findDisorder(found) ?? stranger;
    let [whole, promised] = [0, 0];
    for (const [client, requests] of this.#clients.entries()) {
      const there = countWhole(requests, events[client]!);
      const due =
        requests.findLastIndex(({ acknowledgedAt = Number.NaN }) => acknowledgedAt <= promisedUntil) + 1;
      const sent = requests.filter(({ sentAt }) => sentAt <= sentUntil).length;
      if (there.torn) problem ??= `request ${there.whole} of client ${client} is there in part only`;
      if (there.whole < due)
        problem ??= `of client ${client} ${due} requests were acknowledged, ${there.whole} are there`;
      if (there.whole > sent)
        problem ??= `of client ${client} ${there.whole} requests are there, ${sent} had been sent`;
      whole += there.whole;
      promised += due;
    }
    return { found: whole, promised, problem };
  }

  /** How many events of each client come in the order it sent them, up to the first of the log that does not fit. */
  #follow(found: readonly FoundEvent[]): {
    readonly events: readonly number[];
    readonly stranger: string | null;
  } {
    const sent = this.#clients.map((requests) =>
      requests.flatMap((request) => request.events.map((event) => ({ ...event, stream: request.stream }))),
    );
    const events = this.#clients.map(() => 0);
    for (const [index, event] of found.entries()) {
      const { client } = event.data;
      const expected = sent[client]?.[events[client]!];
      if (!isSame(event, expected))
        return {
          events,
          stranger: describeStranger(index, event, expected),
        };
      events[client]! += 1;
    }
    return { events, stranger: null };
  }
}

/** Revisions of each stream count from 0 without a gap in the order of the log. */
function findDisorder(found: readonly FoundEvent[]): string | null {
  const revisions = new Map<string, number>();
  for (const event of found) {
    const expected = revisions.get(event.stream) ?? 0;
    if (event.revision !== expected) return `${brief(event)} stands where revision ${expected} belongs`;
    revisions.set(event.stream, expected + 1);
  }
  return null;
}

function isSame(event: FoundEvent, expected: (SentEvent & { readonly stream: string }) | undefined): boolean {
  return (
    event.id === expected?.id &&
    event.stream === expected.stream &&
    JSON.stringify(event.data) === JSON.stringify(expected.data)
  );
}

function countWhole(requests: readonly SentRequest[], events: number): { whole: number; torn: boolean } {
  let left = events;
  let whole = 0;
  for (const request of requests) {
    if (left < request.events.length) break;
    left -= request.events.length;
    whole += 1;
  }
  return { whole, torn: left > 0 };
}

function eventOf(seed: number, client: number, request: number, part: number): SentEvent {
  const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
  const id = `${hex(seed, 8)}-${hex(client, 4)}-8000-800${part}-${hex(request, 12)}`;
  const bytes = (request * 97 + part * 31 + client * 7) % TEXT_BYTES_MAX;
  return {
    id,
    data: { client, request, part, text: id.repeat(Math.ceil(bytes / id.length)).slice(0, bytes) },
  };
}

function describeStranger(
  index: number,
  event: FoundEvent,
  expected: (SentEvent & { readonly stream: string }) | undefined,
): string {
  const has = `event ${index} of the log is ${brief(event)}`;
  if (event.id === expected?.id) return `${has}, but not as it was sent`;
  return `${has}, where ${brief(expected)} was sent`;
}

function brief(event: (SentEvent & { readonly stream: string }) | FoundEvent | undefined): string {
  if (event === undefined) return 'nothing';
  const { client, request, part } = event.data;
  const revision = 'revision' in event ? `@${event.revision}` : '';
  return `${event.id} in ${event.stream}${revision} (client ${client}, request ${request}, part ${part})`;
}
