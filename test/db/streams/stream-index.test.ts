import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { StreamName } from '../../../db/kernel/event.ts';
import { EVENT_ENTRY_TYPE, EventEncoder } from '../../../db/kernel/index.ts';
import type { CheckpointReader, ViewCommit } from '../../../db/materializer/index.ts';
import { idHash, seedOf } from '../../../db/streams/hash.ts';
import { PAGE_ROWS } from '../../../db/streams/paged-column.ts';
import { StreamIndex } from '../../../db/streams/stream-index.ts';
import { StreamKey } from '../../../db/streams/stream-key.ts';
import {
  type CommitOrdinal,
  type Epoch,
  type RecordedAt,
  type Revision,
  type Sequence,
  TENANT_DEFAULT,
  type TenantId,
} from '../../../db/types.ts';
import type { LogEntry } from '../../../db/wal/log.ts';
import { eventDraft, idOf } from '../support/event-drafts.ts';

const LOG_ID = new Uint8Array(16).fill(4);
const encoder = new EventEncoder();
const key = new StreamKey(seedOf(LOG_ID));

interface Row {
  readonly stream: string;
  readonly id: number;
}

/** Commits of the events, cut into groups of the given sizes; each commit takes a sequence of its own. */
function commitsOf(rows: readonly Row[], groups: readonly number[]): ViewCommit[] {
  const commits: ViewCommit[] = [];
  const revisions = new Map<string, number>();
  let sequence = 3;
  let at = 0;
  for (let group = 0; at < rows.length; group++) {
    const size = groups[group % Math.max(groups.length, 1)] ?? 1;
    const entries: LogEntry[] = rows.slice(at, at + size).map(({ stream, id }) => {
      const revision = revisions.get(stream) ?? 0;
      revisions.set(stream, revision + 1);
      const payload = encoder.encode(
        stream as StreamName,
        revision as Revision,
        eventDraft('x', { id: idOf(id) }),
      );
      return entry(sequence++, payload);
    });
    commits.push(commit(sequence++, entries));
    at += size;
  }
  return commits;
}

function entry(sequence: number, payload: Uint8Array, type = EVENT_ENTRY_TYPE): LogEntry {
  return {
    sequence: sequence as Sequence,
    ordinal: 1 as CommitOrdinal,
    type,
    tenant: 0 as TenantId,
    partitionKey: 0n,
    flags: 0,
    payload,
  };
}

function commit(sequence: number, entries: readonly LogEntry[]): ViewCommit {
  return {
    ordinal: 1 as CommitOrdinal,
    epoch: 1 as Epoch,
    recordedAt: 1n as RecordedAt,
    sequence: sequence as Sequence,
    entries,
  };
}

function indexOf(commits: readonly ViewCommit[]): StreamIndex {
  const index = new StreamIndex(LOG_ID);
  for (const each of commits) index.onCommit(each);
  return index;
}

/** What a checkpoint holds: read at once, or only after `meanwhile` has run. */
function saved(index: StreamIndex, meanwhile: () => void = () => {}): CheckpointReader {
  const parts = new Map<string, () => Iterable<Uint8Array>>();
  index.checkpoint({ part: (name, chunks) => parts.set(name, chunks) });
  meanwhile();
  const written = new Map([...parts].map(([name, chunks]) => [name, Buffer.concat([...chunks()])]));
  return { parts: [...written.keys()].reverse(), read: (name) => new Uint8Array(written.get(name)!) };
}

const rows = fc.array(
  fc.record({ stream: fc.constantFrom('a', 'b', 'c', 'ström'), id: fc.nat({ max: 1_000_000 }) }),
  {
    maxLength: 120,
  },
);
const groups = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 9 });

describe('the stream index', () => {
  test('finds every event by revision, by position and by id, like a plain list does', () => {
    fc.assert(
      fc.property(rows, groups, fc.nat({ max: 400 }), (list, cut, after) => {
        const commits = commitsOf(list, cut);
        const index = indexOf(commits);
        const entries = commits.flatMap((each) => each.entries);
        expect(index.events).toBe(list.length);
        expect(index.streams).toBe(new Set(list.map(({ stream }) => stream)).size);
        for (const stream of ['a', 'b', 'c', 'ström', 'none'] as StreamName[]) {
          const positions = list.flatMap((row, at) => (row.stream === stream ? [entries[at]!.sequence] : []));
          key.set(TENANT_DEFAULT, stream);
          expect(index.head(key)).toEqual({
            revision: positions.length - 1,
            position: positions.at(-1) ?? 0,
          });
          expect(index.positions(key, 0, positions.length)).toEqual(positions);
          expect(index.revisionAfter(key, after as Sequence)).toBe(
            positions.filter((position) => position <= after).length,
          );
          for (const [at, row] of list.entries()) {
            const found = index.candidates(key, idHash(idOf(row.id), 0, key.hash));
            expect(found.includes(entries[at]!.sequence)).toBe(row.stream === stream);
          }
        }
      }),
    );
  });

  test('does not depend on how the log was cut into commits and has one digest for one content', () => {
    fc.assert(
      fc.property(rows, (list) => {
        const entries = commitsOf(list, [1]).flatMap((each) => each.entries);
        const together = indexOf([commit(9999, entries)]).digest();
        expect(indexOf(entries.map((each) => commit(each.sequence, [each]))).digest()).toBe(together);
      }),
    );
  });

  test('restored from a checkpoint and caught up it is the index that was never closed', () => {
    fc.assert(
      fc.property(rows, groups, fc.nat({ max: 120 }), (list, cut, savedAt) => {
        const commits = commitsOf(list, cut);
        const live = indexOf(commits.slice(0, savedAt));
        // Apply goes on while the parts are written: they must still be those of the moment of the call.
        const reader = saved(live, () => {
          for (const each of commits.slice(savedAt)) live.onCommit(each);
        });
        const restored = new StreamIndex(LOG_ID);
        restored.restore(reader);
        expect(restored.digest()).toBe(indexOf(commits.slice(0, savedAt)).digest());
        for (const each of commits.slice(savedAt)) restored.onCommit(each);
        expect(restored.digest()).toBe(live.digest());
        for (const stream of ['a', 'b', 'c', 'ström'] as StreamName[]) {
          key.set(TENANT_DEFAULT, stream);
          const { revision } = live.head(key);
          expect(restored.positions(key, 0, revision + 1)).toEqual(live.positions(key, 0, revision + 1));
        }
      }),
    );
  });

  test('different events give different digests', () => {
    const digests = [
      [],
      [{ stream: 'a', id: 1 }],
      [{ stream: 'a', id: 2 }],
      [{ stream: 'b', id: 1 }],
      [
        { stream: 'a', id: 1 },
        { stream: 'a', id: 2 },
      ],
    ].map((list) => indexOf(commitsOf(list, [1])).digest());
    expect(new Set(digests).size).toBe(digests.length);
  });

  test('writes only its end again: full pages keep their names', () => {
    const index = new StreamIndex(LOG_ID);
    const list = Array.from({ length: PAGE_ROWS + 10 }, (_, id) => ({ stream: `s${id % 100}`, id }));
    const commits = commitsOf(list, [5000]);
    for (const each of commits.slice(0, -1)) index.onCommit(each);
    const before = saved(index).parts;
    index.onCommit(commits.at(-1)!);
    const after = saved(index).parts;
    expect(before.filter((name) => !after.includes(name)).every((name) => /-\d+-\d+$/.test(name))).toBe(true);
    expect(after).toContain('rows-00000000');
    const restored = new StreamIndex(LOG_ID);
    restored.restore(saved(index));
    expect(restored.digest()).toBe(index.digest());
  });

  test('prepares its digest in steps, while events come, and only what is not prepared yet', () => {
    const list = Array.from({ length: 2 * PAGE_ROWS + 10 }, (_, id) => ({ stream: `s${id % 100}`, id }));
    const commits = commitsOf(list, [5000]);
    const index = new StreamIndex(LOG_ID);
    const plain = new StreamIndex(LOG_ID);
    for (const each of commits.slice(0, -1)) index.onCommit(each);
    for (const each of commits) plain.onCommit(each);
    let steps = 0;
    for (const _step of index.digestAhead()) if (steps++ === 0) index.onCommit(commits.at(-1)!);
    // One of the pages was full when it began; the second is full only now.
    expect(steps).toBe(1);
    expect(index.digest()).toBe(plain.digest());
    expect([...index.digestAhead()]).toEqual([]);
  });

  test('refuses an event whose revision does not continue its stream: log and index have come apart', () => {
    const index = indexOf(commitsOf([{ stream: 'a', id: 1 }], [1]));
    const payload = encoder.encode('a' as StreamName, 5 as Revision, eventDraft());
    expect(() => index.onCommit(commit(20, [entry(19, payload)]))).toThrow(
      expect.objectContaining({ code: 'CORRUPT', message: expect.stringContaining('revision 5') }),
    );
  });

  test('refuses rows of streams it has no name for', () => {
    const reader = saved(indexOf(commitsOf([{ stream: 'a', id: 1 }], [1])));
    const nameless: CheckpointReader = {
      parts: reader.parts.filter((name) => name.startsWith('rows')),
      read: reader.read,
    };
    expect(() => new StreamIndex(LOG_ID).restore(nameless)).toThrow(
      expect.objectContaining({ code: 'CORRUPT' }),
    );
  });

  test('skips entries of other layers', () => {
    const index = new StreamIndex(LOG_ID);
    index.onCommit(commit(4, [entry(3, Uint8Array.of(1, 2, 3), 17)]));
    expect(index.events).toBe(0);
  });
});
