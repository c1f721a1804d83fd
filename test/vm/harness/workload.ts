/** A client that appends and keeps book: what it sent, what was acknowledged, and how far a recording had got by then. */
import { statSync } from 'node:fs';
import { expect } from 'vitest';
import type { Client } from '../../../db/client/index.ts';

export interface Issued {
  readonly id: string;
  readonly stream: string;
  /** Bytes in the recording when the event was sent. */
  readonly sentAt: number;
  /** Bytes in the recording when the acknowledgement had come; undefined when it never did. */
  acknowledgedAt: number | undefined;
}

export interface WorkloadOptions {
  readonly client: Client;
  readonly recording: string;
  readonly seconds: number;
  /** Appends under way at once. */
  readonly inFlight: number;
}

const STREAMS = 5;
/** Sizes of event data vary so that commits end at all places of a sector. */
const DATA_BYTES_MAX = 3000;

/** Appends one event a request over one connection for a while, waiting for nothing but `inFlight`. Gives all events in the order they were sent. */
export async function appendForAWhile(options: WorkloadOptions): Promise<Issued[]> {
  const { client, recording, seconds, inFlight } = options;
  const end = performance.now() + seconds * 1000;
  const issued: Issued[] = [];
  const underWay = new Set<Promise<void>>();
  while (performance.now() < end) {
    const number = issued.length;
    const event: Issued = {
      id: uuidOf(number),
      stream: `cut/${number % STREAMS}`,
      sentAt: statSync(recording).size,
      acknowledgedAt: undefined,
    };
    issued.push(event);
    const data = { number, text: 'x'.repeat((number * 97) % DATA_BYTES_MAX) };
    const append = client
      .append(event.stream, { id: event.id, type: 'numbered', data }, { ack: 'durable' })
      .then(() => {
        event.acknowledgedAt = statSync(recording).size;
        underWay.delete(append);
      });
    underWay.add(append);
    if (underWay.size >= inFlight) await Promise.race(underWay);
  }
  await Promise.all(underWay);
  return issued;
}

/**
 * Reads a database that came back from a power cut when the recording had `recordedBytes`. Fails the test unless every
 * event acknowledged by then is there, nothing is there that had not been sent, and all of it once, in the order sent.
 * Gives how many are there.
 */
export async function expectNothingLost(
  client: Client,
  issued: readonly Issued[],
  recordedBytes: number,
): Promise<number> {
  const found: { id: string; stream: string; number: number }[] = [];
  for await (const event of client.readAll()) {
    found.push({ id: event.id, stream: event.stream, number: event.json<{ number: number }>().number });
  }
  // One connection sends in order and the log keeps that order, so what is there must be the beginning of what was sent.
  expect(found).toEqual(
    issued.slice(0, found.length).map(({ id, stream }, number) => ({ id, stream, number })),
  );
  const promised =
    issued.findLastIndex(
      ({ acknowledgedAt }) => acknowledgedAt !== undefined && acknowledgedAt <= recordedBytes,
    ) + 1;
  const sent = issued.filter(({ sentAt }) => sentAt <= recordedBytes).length;
  expect(found.length).toBeGreaterThanOrEqual(promised);
  expect(found.length).toBeLessThanOrEqual(sent);
  return found.length;
}

/** The number as a UUID of version 8. */
function uuidOf(number: number): string {
  return `00000000-0000-8000-8000-${number.toString(16).padStart(12, '0')}`;
}
