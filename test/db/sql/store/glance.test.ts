import { expect, test } from 'vitest';
import type { Space, SqliteStore } from '../../../../db/sql/store/index.ts';
import type { CommitOrdinal, Epoch, RecordedAt, Sequence } from '../../../../db/types.ts';
import { temporaryStore } from '../../support/temporary-store.ts';

const SPACE = 40 as Space;
const KEY = Buffer.from('key');

function stage(store: SqliteStore, sequence: number, value: string): void {
  const at = sequence as Sequence;
  store.begin();
  store.put(SPACE, KEY, Buffer.from(value), at);
  store.committed({
    sequence: at,
    ordinal: sequence as CommitOrdinal,
    epoch: 1 as Epoch,
    recordedAt: BigInt(sequence) as RecordedAt,
  });
}

function seen(store: SqliteStore): string | null {
  const found = store.glance().get(SPACE, KEY);
  return found === null ? null : Buffer.from(found.value).toString();
}

test('a glance sees what is committed, whatever is staged, and no more once that is forgotten', () => {
  const store = temporaryStore();
  expect(seen(store)).toBeNull();
  stage(store, 10, 'one');
  expect(seen(store)).toBeNull();
  expect(store.glance().position).toBeNull();
  store.commit();
  expect([seen(store), seen(store)]).toEqual(['one', 'one']);
  stage(store, 20, 'two');
  expect([seen(store), seen(store)]).toEqual(['one', 'one']);
  expect(store.glance().position?.sequence).toBe(10);
  store.rollback();
  expect(seen(store)).toBe('one');
  stage(store, 30, 'three');
  store.commit();
  expect(seen(store)).toBe('three');
  expect(store.glance().position?.sequence).toBe(30);
});

test('what is kept for glances counts as no snapshot and holds up neither the WAL nor the erasure of bytes', () => {
  const store = temporaryStore();
  stage(store, 10, 'one');
  expect(seen(store)).toBeNull();
  expect(store.snapshots).toBe(0);
  store.commit();
  expect(seen(store)).toBe('one');
  store.moveWal();
  const { pages, moved } = store.wal();
  expect(moved).toBe(pages);
  expect(seen(store)).toBe('one');
  store.begin();
  store.erase(SPACE, KEY);
  expect(seen(store)).toBe('one');
  store.commit();
  expect(seen(store)).toBeNull();
  expect(store.purge()).toBe(true);
  expect(seen(store)).toBeNull();
});
