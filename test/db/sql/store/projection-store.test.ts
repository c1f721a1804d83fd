import { expect, test } from 'vitest';
import { ProjectionStore, type Space } from '../../../../db/sql/store/index.ts';
import type { CommitOrdinal, Epoch, RecordedAt, Sequence } from '../../../../db/types.ts';
import { temporaryStore } from '../../support/temporary-store.ts';

const SPACE = 40 as Space;

function commit(sequence: number) {
  return {
    sequence: sequence as Sequence,
    ordinal: sequence as CommitOrdinal,
    epoch: 1 as Epoch,
    recordedAt: BigInt(sequence) as RecordedAt,
  };
}

function write(key: string, value: string | null) {
  return { key: Buffer.from(key), value: value === null ? null : Buffer.from(value) };
}

function text(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString();
}

function texts(projection: ProjectionStore, at?: Sequence): string[] {
  const range = { from: null, to: null };
  return [...projection.scan(at === undefined ? { range } : { range, at })].map(({ value }) =>
    Buffer.from(value).toString(),
  );
}

test('applies batches at positions and answers now and as of any of them', () => {
  const projection = new ProjectionStore(temporaryStore(), SPACE);
  expect(projection.appliedPosition).toBe(0);
  projection.apply({ commit: commit(10), writes: [write('a', '1'), write('b', '2')] });
  projection.apply({ commit: commit(20), writes: [write('a', '3'), write('b', null), write('c', '4')] });
  expect(projection.appliedPosition).toBe(20);
  expect(text(projection.get(Buffer.from('a')))).toBe('3');
  expect(projection.get(Buffer.from('b'))).toBeNull();
  expect(text(projection.getAt(Buffer.from('b'), 19 as Sequence))).toBe('2');
  expect(projection.getAt(Buffer.from('b'), 9 as Sequence)).toBeNull();
  expect(texts(projection)).toEqual(['3', '4']);
  expect(texts(projection, 10 as Sequence)).toEqual(['1', '2']);
  const last = projection.scan({ range: { from: Buffer.from('b'), to: null }, reverse: true, limit: 1 });
  expect([...last].map(({ value }) => text(value))).toEqual(['4']);
});

test('takes a batch it has for a repetition', () => {
  const projection = new ProjectionStore(temporaryStore(), SPACE);
  projection.apply({ commit: commit(10), writes: [write('a', '1')] });
  projection.apply({ commit: commit(10), writes: [write('a', '2')] });
  expect(texts(projection)).toEqual(['1']);
});

test.each([
  ['writes', [write('a', '1'), write('b', '2'), write('c', '3')], /3 writes; at most 2/],
  ['bytes', [write('a', 'x'.repeat(100))], /101 bytes; at most 100/],
  ['a key', [write('k'.repeat(70_000), '')], /a key has 70000 bytes/],
])('refuses what is too large by %s, and applies nothing of it', (_what, writes, message) => {
  const projection = new ProjectionStore(temporaryStore(), SPACE, { writesMax: 2, bytesMax: 100 });
  const apply = (): void => projection.apply({ commit: commit(10), writes });
  expect(apply).toThrow(message);
  expect(apply).toThrow(expect.objectContaining({ code: 'TOO_LARGE' }));
  expect(projection.appliedPosition).toBe(0);
  expect(texts(projection)).toEqual([]);
});

test('is refused while somebody else writes, and undone when it cannot be applied whole', () => {
  const store = temporaryStore();
  const projection = new ProjectionStore(store, SPACE);
  store.begin();
  expect(() => projection.apply({ commit: commit(10), writes: [write('a', '1')] })).toThrow(
    expect.objectContaining({ code: 'BUSY' }),
  );
  store.rollback();
  const broken = {
    key: Buffer.from('b'),
    get value(): Uint8Array {
      throw new Error('gone');
    },
  };
  const measured = { ...write('a', '1') };
  expect(() => projection.apply({ commit: commit(10), writes: [measured, broken] })).toThrow('gone');
  expect(texts(projection)).toEqual([]);
  expect(store.open).toBe(false);
});
