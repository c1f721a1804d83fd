import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openStoreReader, type Space, StoreSet, storeFiles } from '../../../../db/sql/store/index.ts';
import type { CommitOrdinal, Epoch, RecordedAt, Sequence, TenantId } from '../../../../db/types.ts';
import { temporaryData } from '../../support/temporary.ts';
import { STORE_LOG_ID } from '../../support/temporary-store.ts';

const TABLE = 16 as Space;
const ONE = 1 as TenantId;
const TWO = 2 as TenantId;
const KEY = Buffer.from('key');

function folder(): string {
  return join(temporaryData(), 'views', 'tables');
}

function openSet(path: string | null): StoreSet {
  const set = new StoreSet({ folder: path, logId: STORE_LOG_ID, version: 1 });
  onTestFinished(() => set.close());
  return set;
}

function commit(sequence: number) {
  return {
    sequence: sequence as Sequence,
    ordinal: sequence as CommitOrdinal,
    epoch: 1 as Epoch,
    recordedAt: BigInt(sequence) as RecordedAt,
  };
}

/** One commit at `sequence` that puts a value for each tenant; false for those that have it. */
function apply(
  set: StoreSet,
  sequence: number,
  tenants: readonly TenantId[],
  value = String(sequence),
): boolean[] {
  const taken = tenants.map((tenant) => {
    const store = set.begin(tenant, sequence as Sequence);
    store?.put(TABLE, KEY, Buffer.from(value), (sequence - 1) as Sequence);
    return store !== null;
  });
  set.committed(commit(sequence), tenants);
  set.commitAll(commit(sequence));
  return taken;
}

/** What readers on other connections see. */
function seen(set: StoreSet, tenant: TenantId): string | null {
  const connection = openStoreReader(set.get(tenant)!.path);
  const snapshot = connection.snapshot();
  const found = snapshot.get(TABLE, KEY);
  snapshot.close();
  connection.close();
  return found === null ? null : Buffer.from(found.value).toString();
}

describe('stores of all tenants', () => {
  test('are made when they are first written to, each a file of its own', () => {
    const path = folder();
    const set = openSet(path);
    expect(set.get(ONE)).toBeNull();
    expect(existsSync(path)).toBe(false);
    set.caughtUp();
    apply(set, 2, [ONE, TWO]);
    expect(
      readdirSync(path)
        .filter((name) => name.endsWith('.sqlite'))
        .sort(),
    ).toEqual(['1.sqlite', '2.sqlite']);
    expect(set.tenants).toEqual([ONE, TWO]);
    set.close();
    expect(openSet(path).tenants).toEqual([ONE, TWO]);
  });

  test('skip commits they hold, each for itself', () => {
    const path = folder();
    const set = openSet(path);
    set.caughtUp();
    apply(set, 2, [ONE, TWO]);
    apply(set, 4, [ONE]);
    set.close();
    const again = openSet(path);
    expect(apply(again, 2, [ONE, TWO])).toEqual([false, false]);
    expect(apply(again, 4, [ONE, TWO])).toEqual([false, true]);
    expect(apply(again, 6, [ONE])).toEqual([true]);
    again.caughtUp();
    expect([seen(again, ONE), seen(again, TWO)]).toEqual(['6', '4']);
  });

  test('share transactions in a replay, and show all of it at its end', () => {
    const set = openSet(folder());
    const replay = (from: number, to: number): void => {
      for (let commit = from; commit <= to; commit += 1) apply(set, commit * 2, [ONE]);
    };
    replay(1, 2047);
    expect(seen(set, ONE)).toBeNull();
    replay(2048, 2100);
    expect(seen(set, ONE)).toBe('4096');
    expect(set.caughtUp()).toEqual([ONE]);
    expect(seen(set, ONE)).toBe('4200');
    apply(set, 4202, [ONE]);
    expect(seen(set, ONE)).toBe('4202');
  });

  test('forget what is not committed, all of them', () => {
    const set = openSet(folder());
    set.caughtUp();
    apply(set, 2, [ONE, TWO]);
    const digest = set.digest();
    for (const tenant of [ONE, TWO])
      set.begin(tenant, 4 as Sequence)!.put(TABLE, KEY, Buffer.from('no'), 3 as Sequence);
    expect(set.digest()).toBe(digest);
    expect(set.rollbackAll()).toEqual([ONE, TWO]);
    expect(set.get(ONE)!.get(TABLE, KEY)?.since).toBe(1);
    expect(apply(set, 4, [ONE])).toEqual([true]);
  });

  test('say where their files stand, also those that are not open', async () => {
    const path = folder();
    const set = openSet(path);
    set.caughtUp();
    apply(set, 2, [ONE, TWO]);
    apply(set, 4, [ONE]);
    set.close();
    const again = openSet(path);
    again.caughtUp();
    apply(again, 6, [TWO]);
    again.begin(ONE, 8 as Sequence);
    again.committed(commit(8), [ONE]);
    expect(await again.persist()).toEqual([
      { file: '1.sqlite', applied: 4 },
      { file: '2.sqlite', applied: 6 },
    ]);
    const found = storeFiles.find(path, STORE_LOG_ID, 1);
    expect(found.problem).toBeNull();
    expect(found.files.map(({ commit: held }) => held?.sequence)).toEqual([4, 6]);
  });

  test('have the same digest whatever was opened, and whoever has become empty', () => {
    const path = folder();
    const set = openSet(path);
    set.caughtUp();
    apply(set, 2, [ONE, TWO]);
    const both = set.digest();
    set.close();
    const again = openSet(path);
    for (const _step of again.digestAhead());
    expect(again.digest()).toBe(both);
    again.caughtUp();
    again.drop(TWO);
    again.commitAll(commit(4));
    const alone = openSet(folder());
    alone.caughtUp();
    apply(alone, 2, [ONE]);
    expect(again.digest()).toBe(alone.digest());
  });

  test('are open as many as are in use, and a few more', () => {
    const set = new StoreSet({ folder: folder(), logId: STORE_LOG_ID, version: 1, openMax: 3 });
    onTestFinished(() => set.close());
    set.caughtUp();
    const tenants = Array.from({ length: 8 }, (_, tenant) => tenant as TenantId);
    for (const tenant of tenants) apply(set, 2, [tenant]);
    const digest = set.digest();
    const stores = tenants.map((tenant) => set.get(tenant)!);
    const snapshot = stores[7]!.snapshot();
    for (const tenant of tenants) expect(seen(set, tenant)).toBe('2');
    expect(snapshot.get(TABLE, KEY)).not.toBeNull();
    snapshot.close();
    expect(() => stores[0]!.get(TABLE, KEY)).toThrow(expect.objectContaining({ code: 'CLOSED' }));
    for (const tenant of tenants)
      set.begin(tenant, 4 as Sequence)!.put(TABLE, KEY, Buffer.from('4'), 3 as Sequence);
    set.committed(commit(4), tenants);
    expect(set.digest()).toBe(digest);
    expect(set.commitAll(commit(4))).toHaveLength(8);
    for (const tenant of tenants) expect(seen(set, tenant)).toBe('4');
  });

  test('keep their logs small, without the writing thread', async () => {
    const path = folder();
    const set = openSet(path);
    set.caughtUp();
    let sequence = 2;
    const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10));
    const writeMuch = async (commits: number, bytes: number): Promise<void> => {
      for (let i = 0; i < commits; i += 1, sequence += 2) {
        apply(set, sequence, [ONE], String(sequence).padEnd(bytes, 'x'));
        if (i % 8 === 0) await pause();
      }
    };
    await writeMuch(100, 400_000);
    const store = set.get(ONE)!;
    // Beside the writer, which goes on: how soon is the other thread's matter.
    const file = join(path, '1.sqlite');
    for (let i = 0; i < 1000 && statSync(file).size < 8 * 1024 * 1024; i += 1) await writeMuch(1, 100);
    expect(statSync(file).size).toBeGreaterThan(8 * 1024 * 1024);
    // Once there are too many, the writer waits for the last few, and the log is written from its beginning again.
    await writeMuch(100, 400_000);
    for (let i = 0; i < 200 && store.wal().pages > 2048; i += 1) await writeMuch(32, 100);
    expect(store.wal().pages).toBeLessThan(2048);
    expect(seen(set, ONE)?.startsWith(String(sequence - 2))).toBe(true);
  }, 60_000);

  test('go with the process where files cannot be kept', () => {
    const set = openSet(null);
    set.caughtUp();
    apply(set, 2, [ONE]);
    const { path } = set.get(ONE)!;
    expect(existsSync(path)).toBe(true);
    set.close();
    expect(existsSync(path)).toBe(false);
  });

  test('are gone when they are given up', () => {
    const path = folder();
    const set = openSet(path);
    set.caughtUp();
    apply(set, 2, [ONE, TWO]);
    set.discard();
    expect(readdirSync(path)).toEqual([]);
  });
});

test('what a store holds is for the owner of its files alone', () => {
  const path = folder();
  const set = openSet(path);
  apply(set, 2, [ONE]);
  const files = readdirSync(path).map((name) => join(path, name));
  expect(files.length).toBeGreaterThan(1);
  for (const file of [path, ...files]) expect(statSync(file).mode & 0o077, file).toBe(0);
});
