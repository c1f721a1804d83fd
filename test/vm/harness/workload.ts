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
  /** It ends after so many events, or after so many seconds. */
  readonly events: number;
  readonly seconds: number;
  /** Appends under way at once. */
  readonly inFlight: number;
}

const STREAMS = 5;
/** Sizes of event data vary so that commits end at all places of a sector. */
const DATA_BYTES_MAX = 3000;

/** Appends one event a request over one connection for a while, waiting for nothing but `inFlight`. Gives all events in the order they were sent. */
export async function appendForAWhile(options: WorkloadOptions): Promise<Issued[]> {
  const { client, recording, events, seconds, inFlight } = options;
  const end = performance.now() + seconds * 1000;
  const issued: Issued[] = [];
  const underWay = new Set<Promise<void>>();
  while (issued.length < events && performance.now() < end) {
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

/** What a database gave back of an event. */
export interface Found {
  readonly id: string;
  readonly stream: string;
  readonly number: number;
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
  const found: Found[] = [];
  for await (const event of client.readAll()) {
    found.push({ id: event.id, stream: event.stream, number: event.json<{ number: number }>().number });
  }
  expect(findLoss(found, issued, recordedBytes)).toBeUndefined();
  return found.length;
}

/**
 * What is wrong with the events found, as a sentence; undefined when nothing is. One connection sends in order and the
 * log keeps that order, so what is there must be the beginning of what was sent.
 */
export function findLoss(
  found: readonly Found[],
  issued: readonly Issued[],
  recordedBytes: number,
): string | undefined {
  for (const [index, event] of found.entries()) {
    const sent = issued[index];
    if (event.id === sent?.id && event.stream === sent.stream && event.number === index) continue;
    return `event ${index} is ${JSON.stringify(event)}, but ${JSON.stringify(sent)} was sent in its place`;
  }
  const promised =
    issued.findLastIndex(
      ({ acknowledgedAt }) => acknowledgedAt !== undefined && acknowledgedAt <= recordedBytes,
    ) + 1;
  const sent = issued.filter(({ sentAt }) => sentAt <= recordedBytes).length;
  if (found.length < promised) return `${found.length} events are there, ${promised} were acknowledged`;
  if (found.length > sent) return `${found.length} events are there, ${sent} had been sent`;
  return undefined;
}

/** The number as a UUID of version 8. */
function uuidOf(number: number): string {
  return `00000000-0000-8000-8000-${number.toString(16).padStart(12, '0')}`;
}
