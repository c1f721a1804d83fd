import { describe, expect, test } from 'vitest';
import type { StreamName } from '../../../db/kernel/event.ts';
import { EVENT_ENTRY_TYPE, EventEncoder } from '../../../db/kernel/index.ts';
import type { ViewCommit } from '../../../db/materializer/index.ts';
import { RecentCommits } from '../../../db/streams/recent-commits.ts';
import {
  type CommitOrdinal,
  type Epoch,
  type RecordedAt,
  type Revision,
  type Sequence,
  TENANT_DEFAULT,
  type TenantId,
} from '../../../db/types.ts';
import { eventDraft } from '../support/event-drafts.ts';

const encoder = new EventEncoder();
const NEVER = new AbortController().signal;

function commit(sequence: number, streams: readonly string[], type = EVENT_ENTRY_TYPE): ViewCommit {
  return {
    ordinal: 1 as CommitOrdinal,
    epoch: 1 as Epoch,
    recordedAt: BigInt(sequence) as RecordedAt,
    sequence: sequence as Sequence,
    entries: streams.map((stream, index) => ({
      sequence: (sequence - streams.length + index) as Sequence,
      ordinal: 1 as CommitOrdinal,
      type,
      tenant: 0 as TenantId,
      partitionKey: 0n,
      flags: 0,
      payload: encoder.encode(stream as StreamName, 0 as Revision, eventDraft()),
    })),
  };
}

function positionsAfter(recent: RecentCommits, position: number): number[] {
  return [...recent.after(TENANT_DEFAULT, position as Sequence)].map((event) => event.position);
}

describe('recent commits', () => {
  test('give the events after any position from the floor on', () => {
    const recent = new RecentCommits(2 as Sequence);
    recent.publish(commit(5, ['a', 'b']));
    recent.publish(commit(6, []));
    recent.publish(commit(8, ['a']));
    expect([recent.floor, recent.position]).toEqual([2, 8]);
    expect(positionsAfter(recent, 2)).toEqual([3, 4, 7]);
    expect(positionsAfter(recent, 3)).toEqual([4, 7]);
    expect(positionsAfter(recent, 6)).toEqual([7]);
    expect(positionsAfter(recent, 8)).toEqual([]);
    expect(recent.eventAt(4 as Sequence)).toMatchObject({ stream: 'b', position: 4, recordedAt: 5n });
  });

  test('decode an event once for all who ask', () => {
    const recent = new RecentCommits(2 as Sequence);
    recent.publish(commit(4, ['a']));
    expect([...recent.after(TENANT_DEFAULT, 2 as Sequence)][0]).toBe(
      [...recent.after(TENANT_DEFAULT, 2 as Sequence)][0],
    );
  });

  test('keep to their size and raise the floor, however large a single commit is', () => {
    const recent = new RecentCommits(0 as Sequence, 2000);
    for (let sequence = 2; sequence <= 100; sequence += 2) recent.publish(commit(sequence, ['a']));
    expect(recent.floor).toBeGreaterThan(85);
    expect(positionsAfter(recent, recent.floor).length).toBe((recent.position - recent.floor) / 2);
    recent.publish(commit(200, new Array(50).fill('a')));
    expect([recent.floor, recent.position]).toEqual([200, 200]);
    expect(positionsAfter(recent, 200)).toEqual([]);
  });

  test('skip entries that are no events', () => {
    const recent = new RecentCommits(2 as Sequence);
    recent.publish(commit(5, ['a', 'b'], 17));
    expect(positionsAfter(recent, 2)).toEqual([]);
  });

  test('wake those who wait for any event, and those who wait for the stream of one', async () => {
    const recent = new RecentCommits(2 as Sequence);
    const woken: string[] = [];
    const wait = (what: string, done: Promise<void>) => done.then(() => woken.push(what));
    const a = wait('a', recent.waitForStream(TENANT_DEFAULT, 'a' as StreamName, NEVER));
    const any = wait('any', recent.waitForAny(NEVER));
    const stop = new AbortController();
    const b = wait('b', recent.waitForStream(TENANT_DEFAULT, 'b' as StreamName, stop.signal));
    recent.publish(commit(3, []));
    await Promise.resolve();
    expect(woken).toEqual([]);
    recent.publish(commit(5, ['a']));
    await Promise.all([a, any]);
    expect(woken.sort()).toEqual(['a', 'any']);
    stop.abort();
    await b;
    await recent.waitForAny(stop.signal);
  });

  test('wake a stream’s waiters even for a commit too large to keep', async () => {
    const recent = new RecentCommits(2 as Sequence, 100);
    const woken = recent.waitForStream(TENANT_DEFAULT, 'big' as StreamName, NEVER);
    recent.publish(commit(5, ['big']));
    await woken;
    expect(recent.floor).toBe(5);
  });
});
