import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Space, SqliteStore } from '../../../../db/sql/store/index.ts';
import type { CommitOrdinal, Epoch, RecordedAt, Sequence } from '../../../../db/types.ts';
import { temporaryStore } from '../../support/temporary-store.ts';

const TABLE = 16 as Space;
const OTHER = 17 as Space;
const SECRET = 'SECRET';

/** Files of a store in which a text occurs, each with how often. */
function occurrences(store: SqliteStore, text: string): number {
  let found = 0;
  for (const end of ['', '-wal', '-shm']) {
    if (!existsSync(store.path + end)) continue;
    const bytes = readFileSync(store.path + end);
    for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) found += 1;
  }
  return found;
}

interface Shape {
  /** How many different keys. */
  readonly keys: number;
  readonly valueBytes: number;
  readonly sequential: boolean;
}

/** A store in which secrets lie among much else; returns their keys. Pages are split, filled, emptied and reused. */
function filled(
  { keys, valueBytes, sequential }: Shape,
  seed: number,
): { store: SqliteStore; secret: Uint8Array[] } {
  let state = seed;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (state >> 8) % below;
  };
  const store = temporaryStore();
  const secret: Uint8Array[] = [];
  let at = 1;
  for (let group = 0; group < 120; group += 1) {
    store.begin();
    for (let i = 0; i < 30; i += 1, at += 1) {
      const hidden = random(40) === 0;
      const number = String(sequential ? at : random(keys)).padStart(9, '0');
      const key = Buffer.from(hidden ? `${number}-${SECRET}-${at}` : number);
      if (!hidden && random(8) === 0) store.delete(TABLE, key, at as Sequence);
      else
        store.put(
          TABLE,
          key,
          Buffer.from(`${hidden ? SECRET : 'public'}-${'x'.repeat(random(valueBytes))}`),
          at as Sequence,
        );
      if (hidden) secret.push(key);
      if (hidden && random(2) === 0) {
        at += 1;
        store.put(TABLE, key, Buffer.from(`${SECRET} again`), at as Sequence);
      }
      if (hidden && random(3) === 0) {
        at += 1;
        store.delete(TABLE, key, at as Sequence);
      }
    }
    store.committed({
      sequence: at++ as Sequence,
      ordinal: (group + 1) as CommitOrdinal,
      epoch: 1 as Epoch,
      recordedAt: BigInt(group + 1) as RecordedAt,
    });
    store.commit();
  }
  return { store, secret };
}

const SHAPES: readonly [string, Shape][] = [
  ['in any order', { keys: 1_000_000_000, valueBytes: 200, sequential: false }],
  ['in order', { keys: 1, valueBytes: 200, sequential: true }],
  ['of several pages', { keys: 1_000_000_000, valueBytes: 6000, sequential: false }],
  ['written over and over', { keys: 800, valueBytes: 150, sequential: false }],
];

describe('what is erased', () => {
  test.each(SHAPES)('leaves no byte in any file: rows %s', (_name, shape) => {
    const { store, secret } = filled(shape, 7919);
    expect(occurrences(store, SECRET)).toBeGreaterThan(secret.length);
    store.begin();
    for (const key of secret) store.erase(TABLE, key);
    store.commit();
    expect(store.residue).toBe(true);
    expect(store.purge()).toBe(true);
    expect(store.residue).toBe(false);
    expect(occurrences(store, SECRET)).toBe(0);
    expect(occurrences(store, 'public')).toBeGreaterThan(100);
    for (const key of secret) expect(store.get(TABLE, key)).toBeNull();
  });

  test('leaves no byte either where a whole space is dropped', () => {
    const { store } = filled(SHAPES[0]![1], 3);
    store.begin();
    store.put(OTHER, Buffer.from('kept'), Buffer.from('stays'), 1_000_000 as Sequence);
    store.drop(TABLE);
    store.commit();
    expect(store.purge()).toBe(true);
    expect(occurrences(store, SECRET) + occurrences(store, 'public')).toBe(0);
    expect(store.count(TABLE)).toBe(0);
    expect(Buffer.from(store.get(OTHER, Buffer.from('kept'))!.value).toString()).toBe('stays');
  });

  test('is still there for who reads an earlier state, and goes when that is closed', () => {
    const { store, secret } = filled(SHAPES[0]![1], 11);
    const snapshot = store.snapshot();
    store.begin();
    for (const key of secret) store.erase(TABLE, key);
    store.commit();
    const before = Date.now();
    expect(store.purge()).toBe(false);
    expect(Date.now() - before).toBeLessThan(4000);
    expect(store.residue).toBe(true);
    expect(secret.some((key) => snapshot.get(TABLE, key) !== null)).toBe(true);
    snapshot.close();
    expect(store.purge()).toBe(true);
    expect(occurrences(store, SECRET)).toBe(0);
  });

  test('is as if it had never been: the digest is that of a store that never had it', () => {
    const texts = ['a', 'b', 'c'].map((text) => Buffer.from(text));
    const write = (keys: readonly Uint8Array[]): SqliteStore => {
      const store = temporaryStore();
      store.begin();
      for (const [index, key] of texts.entries())
        if (keys.includes(key)) store.put(TABLE, key, key, (index + 1) as Sequence);
      for (const [index, key] of texts.entries())
        if (keys.includes(key)) store.put(TABLE, key, Buffer.concat([key, key]), (index + 10) as Sequence);
      store.commit();
      return store;
    };
    const store = write(texts.slice());
    store.begin();
    store.erase(TABLE, texts[1]!);
    store.commit();
    expect(store.digest()).toBe(write([texts[0]!, texts[2]!]).digest());
    expect(store.count(TABLE)).toBe(2);
  });
});
