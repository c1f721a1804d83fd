/** Is what came back out of the database what went in? */
import type { ImportedEvent } from '../../db/cli/import-jsonl.ts';
import type { Event } from '../../db/client/index.ts';
import { formatUuid } from '../../db/protocol/index.ts';

export interface ComparedCounts {
  readonly events: number;
  readonly streams: number;
}

/**
 * Compares all events of a database that took in `expected` and nothing else: each stream holds the same events in the
 * same order, with revisions from 0 without gaps, and positions of the whole log only grow. Throws at the first
 * difference, saying which.
 */
export async function compareWithSample(
  found: AsyncIterable<Event>,
  expected: readonly ImportedEvent[],
): Promise<ComparedCounts> {
  const streams = new Map<string, ImportedEvent[]>();
  for (const event of expected) {
    const list = streams.get(event.stream);
    if (list === undefined) streams.set(event.stream, [event]);
    else list.push(event);
  }
  const seen = new Map<string, number>();
  let position = 0;
  let events = 0;
  for await (const event of found) {
    const revision = seen.get(event.stream) ?? 0;
    const difference = differenceOf(event, streams.get(event.stream)?.[revision], revision);
    if (difference !== undefined) throw new Error(`${event.stream}@${event.revision}: ${difference}`);
    if (event.position <= position)
      throw new Error(`position ${event.position} follows position ${position}`);
    position = event.position;
    seen.set(event.stream, revision + 1);
    events += 1;
  }
  if (events !== expected.length) throw new Error(`${expected.length} events went in, ${events} came out`);
  return { events, streams: seen.size };
}

function differenceOf(
  found: Event,
  expected: ImportedEvent | undefined,
  revision: number,
): string | undefined {
  if (expected === undefined) return 'was never put in';
  const { event } = expected;
  if (found.revision !== revision) return `follows revision ${revision - 1} of its stream`;
  if (found.id !== formatUuid(event.id)) return `has the id ${found.id} instead of ${formatUuid(event.id)}`;
  if (found.type !== event.type) return `has the type ${found.type} instead of ${event.type}`;
  if (!Buffer.from(found.data).equals(event.data)) return `carries other data than was put in`;
  return undefined;
}
