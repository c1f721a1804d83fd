import fc from 'fast-check';
import { expect, test } from 'vitest';
import { xxh64 } from '../../../../db/hash/index.ts';
import type { Space, SqliteStore } from '../../../../db/sql/store/index.ts';
import { decodeDump, encodeDump } from '../../../../db/sql/store/store-dump.ts';
import type { CommitOrdinal, Epoch, RecordedAt, Sequence } from '../../../../db/types.ts';
import { STORE_LOG_ID, temporaryStore } from '../../support/temporary-store.ts';

/** Written once and never again: a change of it is a new format. */
const DUMP = [
  '545255544853544f010000000000000001030000000000000002000000000000000100000001002a36fe9c9717020300616e',
  '6e020400c3a46e6e030100000000000000000000000302000000000000000100000004020000000000000005000000030000',
  '00000000106174776f0402000000000000000500000000000000000000116205010000000000000002000000000000000500',
  '00000300000000000010616f6e65060800000000000000',
].join('');
const DIGEST = '951fc321fc3b7c5a83e4863956cfd251';

interface Change {
  readonly space: number;
  readonly key: number;
  /** Null: deleted. */
  readonly value: Uint8Array | null;
}

const change: fc.Arbitrary<Change> = fc.record({
  space: fc.integer({ min: 16, max: 18 }),
  key: fc.nat({ max: 5 }),
  // Sometimes longer than what is hashed at once.
  value: fc.option(
    fc.oneof(
      { weight: 20, arbitrary: fc.uint8Array({ maxLength: 40 }) },
      { weight: 1, arbitrary: fc.constant(new Uint8Array(200_000).fill(9)) },
    ),
    { nil: null },
  ),
});

/** `order`: which of the changes of one entry comes first. */
function written(entries: readonly (readonly Change[])[], order: 'forwards' | 'backwards'): SqliteStore {
  const store = temporaryStore();
  store.begin();
  entries.forEach((changes, index) => {
    const at = (index * 2 + 1) as Sequence;
    const distinct = new Map(changes.map((each) => [`${each.space} ${each.key}`, each]));
    const sorted = [...distinct.values()];
    for (const { space, key, value } of order === 'forwards' ? sorted : sorted.reverse()) {
      if (value === null) store.delete(space as Space, Buffer.from([key]), at);
      else store.put(space as Space, Buffer.from([key]), value, at);
    }
    store.wrote(at, `actor ${index % 3}`);
    const commit = { sequence: (at + 1) as Sequence, ordinal: (index + 1) as CommitOrdinal };
    store.committed({ ...commit, epoch: 1 as Epoch, recordedAt: BigInt(at) as RecordedAt });
  });
  store.commit();
  return store;
}

/** From nothing, by the words of the format. */
function recomputed(store: SqliteStore): string {
  const seed = new DataView(STORE_LOG_ID.buffer, STORE_LOG_ID.byteOffset);
  const seeds = [seed.getBigUint64(0, true), seed.getBigUint64(8, true) ^ 1n];
  const sums = [0n, 0n];
  for (const space of [16, 17, 18]) {
    const versions = store.versions(
      space as Space,
      { from: null, to: null },
      0 as Sequence,
      1_000_000 as Sequence,
    );
    for (const { key, value, since, until } of versions) {
      const head = Buffer.alloc(24);
      head.writeBigUInt64LE(BigInt(until ?? 0), 0);
      head.writeBigUInt64LE(BigInt(since), 8);
      head.writeUInt32LE(key.length + 4, 16);
      head.writeUInt32BE(space, 20);
      const message = Buffer.concat([head, key, value]);
      for (const lane of [0, 1]) sums[lane] = BigInt.asUintN(64, sums[lane]! + xxh64(message, seeds[lane]!));
    }
  }
  return sums.map((sum) => sum.toString(16).padStart(16, '0')).join('');
}

const entries = fc.array(fc.array(change, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 25 });

test('the digest is what is computed from nothing, in whatever order an entry’s rows were written', () => {
  fc.assert(
    fc.property(entries, (history) => {
      const store = written(history, 'forwards');
      const other = written(history, 'backwards');
      expect(store.digest()).toBe(recomputed(store));
      expect(other.digest()).toBe(store.digest());
      store.close();
      other.close();
    }),
    { numRuns: 25 },
  );
});

test('the digest differs with every part of a version', () => {
  const of = (space: number, key: string, value: string, since: number): string => {
    const store = temporaryStore();
    store.begin();
    store.put(space as Space, Buffer.from(key), Buffer.from(value), since as Sequence);
    store.commit();
    return store.digest();
  };
  const digests = [
    of(16, 'a', 'b', 1),
    of(17, 'a', 'b', 1),
    of(16, 'ab', '', 1),
    of(16, 'a', 'c', 1),
    of(16, 'a', 'b', 2),
  ];
  expect(new Set(digests).size).toBe(digests.length);
});

test('a store filled from a dump answers and dumps the same, whatever pieces the dump comes in', () => {
  fc.assert(
    fc.property(entries, fc.integer({ min: 1, max: 200 }), (history, piece) => {
      const store = written(history, 'forwards');
      const snapshot = store.snapshot();
      const dump = Buffer.concat([...encodeDump(snapshot.records())]);
      const pieces = Array.from({ length: Math.min(400, Math.ceil(dump.length / piece)) }, (_, index) =>
        index === 399 ? dump.subarray(index * piece) : dump.subarray(index * piece, (index + 1) * piece),
      );
      const copy = temporaryStore();
      copy.load(decodeDump(pieces));
      expect(copy.digest()).toBe(store.digest());
      expect(copy.position).toEqual(store.position);
      expect(copy.writeAt(1 as Sequence)).toEqual(store.writeAt(1 as Sequence));
      for (const space of [16, 17, 18]) expect(copy.count(space as Space)).toBe(store.count(space as Space));
      const again = copy.snapshot();
      expect(Buffer.concat([...encodeDump(again.records())]).equals(dump)).toBe(true);
      for (const each of [snapshot, again]) each.close();
      for (const each of [store, copy]) each.close();
    }),
    { numRuns: 15 },
  );
});

test('a dump that is cut short, goes on, or is another thing altogether fills nothing', () => {
  const store = written([[{ space: 16, key: 1, value: Buffer.from('one') }]], 'forwards');
  const snapshot = store.snapshot();
  const dump = Buffer.concat([...encodeDump(snapshot.records())]);
  snapshot.close();
  const broken = [
    ...Array.from({ length: dump.length }, (_, length) => dump.subarray(0, length)),
    Buffer.concat([dump, Buffer.from([0])]),
    Buffer.from('SQLite format 3\0'),
    Buffer.concat([dump.subarray(0, 16), Buffer.from([99]), dump.subarray(17)]),
  ];
  const copy = temporaryStore();
  for (const bytes of broken) {
    expect(() => copy.load(decodeDump([bytes]))).toThrow(expect.objectContaining({ code: 'CORRUPT' }));
    expect(copy.position).toBeNull();
    expect(copy.digest()).toMatch(/^0{32}$/);
  }
  const later = Buffer.from(dump);
  later.writeUInt32LE(9, 8);
  expect(() => copy.load(decodeDump([later]))).toThrow(
    expect.objectContaining({ code: 'UNSUPPORTED_VERSION' }),
  );
});

test('what is replaced without being remembered leaves no trace', () => {
  const store = temporaryStore();
  const of = (space: number): Space => space as Space;
  store.begin();
  store.put(of(16), Buffer.from('kept'), Buffer.from('1'), 1 as Sequence);
  const digest = store.digest();
  store.replace(of(17), Buffer.from('a'), Buffer.from('1'), 2 as Sequence);
  store.replace(of(17), Buffer.from('a'), Buffer.from('2'), 3 as Sequence);
  expect(store.digest()).toBe(recomputed(store));
  expect(store.count(of(17))).toBe(1);
  expect([...store.versions(of(17), { from: null, to: null }, 0 as Sequence, 9 as Sequence)]).toHaveLength(1);
  store.replace(of(17), Buffer.from('a'), null, 4 as Sequence);
  store.replace(of(17), Buffer.from('none'), null, 5 as Sequence);
  store.commit();
  expect(store.digest()).toBe(digest);
  expect(store.count(of(17))).toBe(0);
});

test('dump and digest of one history are those of the first release, byte for byte', () => {
  const store = temporaryStore();
  store.begin();
  store.put(16 as Space, Buffer.from('a'), Buffer.from('one'), 1 as Sequence);
  store.wrote(1 as Sequence, 'ann');
  store.put(16 as Space, Buffer.from('a'), Buffer.from('two'), 2 as Sequence);
  store.put(17 as Space, Buffer.from('b'), new Uint8Array(), 2 as Sequence);
  store.wrote(2 as Sequence, 'änn');
  const recordedAt = 1_700_000_000_000_000_001n as RecordedAt;
  store.committed({ sequence: 3 as Sequence, ordinal: 2 as CommitOrdinal, epoch: 1 as Epoch, recordedAt });
  store.commit();
  const snapshot = store.snapshot();
  const dump = Buffer.concat([...encodeDump(snapshot.records())]).toString('hex');
  snapshot.close();
  expect({ dump, digest: store.digest() }).toEqual({ dump: DUMP, digest: DIGEST });
  const copy = temporaryStore();
  copy.load(decodeDump([Buffer.from(DUMP, 'hex')]));
  expect(copy.digest()).toBe(DIGEST);
});
