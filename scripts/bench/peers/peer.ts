/**
 * What the peers' benchmark measures: a *peer* is a program or library, a *contender* is one way to drive it for one shape
 * of load, a *shape* says how much is under way at once. Each peer lies in a file of its own beside this one.
 *
 * All of them are told the same: every acknowledged event is on the disk, checksums on where the peer has them, no TLS. A
 * peer that cannot promise the first says so, and is left out of comparisons that rest on it.
 */

/** How a load looks: `clients` connections with `inFlight` requests each, `batch` events a request, `bytes` of payload an event. */
export interface Shape {
  /** As the tables show it: `64 × 16`. */
  readonly name: string;
  readonly clients: number;
  readonly inFlight: number;
  readonly batch: number;
  readonly bytes: number;
}

/** One way of driving a peer. */
export interface Contender {
  /** As the tables show it: `redis -P 16`. Unique among the contenders of a shape. */
  readonly name: string;
  /** Drives it for about so many seconds; returns the events acknowledged per second of that time. */
  readonly run: (seconds: number) => Promise<number>;
  /** Stops what was started. */
  readonly close: () => Promise<void>;
}

/** A contender before it is opened. */
export interface Entrant {
  readonly name: string;
  /** `directory` does not exist yet and is its own. */
  readonly open: (directory: string) => Promise<Omit<Contender, 'name'>>;
}

export interface Peer {
  readonly name: string;
  /** The settings that decide what an acknowledgement means. */
  readonly setting: string;
  /** Whether an acknowledged event survives a power cut. */
  readonly durable: boolean;
  readonly checksums: string;
  /** What drives it. */
  readonly load: string;
  /** Why it cannot run here, or null. */
  readonly absent: () => string | null;
  /** Version as it says itself. */
  readonly version: () => string;
  /** None where the peer has no such shape. */
  readonly entrants: (shape: Shape) => readonly Entrant[];
}

/** Events under way at once. */
export function eventsInFlight({ clients, inFlight, batch }: Shape): number {
  return clients * inFlight * batch;
}

/** A payload that does not compress to nothing and is the same in every run. */
export function payload(bytes: number): Buffer {
  const out = Buffer.alloc(bytes);
  let state = 0x2545f491;
  for (let at = 0; at < bytes; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    // Letters only: some load generators take the payload as an argument.
    out[at] = 97 + ((state >>> 24) % 26);
  }
  return out;
}
