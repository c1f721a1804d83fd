import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Space, SqliteStore, StoredVersion } from '../../../../db/sql/store/index.ts';
import { READS } from '../../../../db/sql/store/reads.ts';
import type { CommitOrdinal, Epoch, RecordedAt, Sequence } from '../../../../db/types.ts';
import { temporaryStore } from '../../support/temporary-store.ts';
import { NaiveStore } from './naive-store.ts';

const TABLE = 16 as Space;
const ALL = { from: null, to: null };

function key(number: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(number);
  return bytes;
}

/** Writes `times[i]` versions of key i, spread over the commits, and deletes every seventh key in the end. */
function filled(times: readonly number[]): { store: SqliteStore; model: NaiveStore; end: number } {
  const store = temporaryStore();
  let model = new NaiveStore();
  let at = 1;
  store.begin();
  for (let round = 0; times.some((count) => count > round); round += 1) {
    const versions = new Map(model.versionsAll.map((version) => [version, version]));
    times.forEach((count, number) => {
      if (round >= count) return;
      const value = Buffer.from(`${number}.${round}`);
      store.put(TABLE, key(number), value, at as Sequence);
      at += 1;
    });
    const commit = {
      sequence: at as Sequence,
      ordinal: (round + 1) as CommitOrdinal,
      epoch: 1 as Epoch,
      recordedAt: BigInt(at) as RecordedAt,
    };
    store.committed(commit);
    model = model.with({ versionsAll: [...versions.values()], commits: [...model.commits, commit] });
    at += 1;
  }
  times.forEach((_, number) => {
    if (number % 7 === 0) store.delete(TABLE, key(number), at as Sequence);
  });
  store.commit();
  const versionsAll = [...store.versions(TABLE, ALL, 0 as Sequence, at as Sequence)].map((version) => ({
    ...version,
    space: TABLE,
  }));
  return { store, model: model.with({ versionsAll }), end: at };
}

function texts(versions: Iterable<StoredVersion>): string[] {
  return [...versions].map((version) => `${Buffer.from(version.value)} ${version.since}`);
}

describe('ranges', () => {
  test('history has every version once, by key and then by age', () => {
    const times = Array.from({ length: 90 }, (_, number) => (number === 40 ? 3000 : (number % 5) + 1));
    const { store, end } = filled(times);
    const found = [...store.versions(TABLE, ALL, 0 as Sequence, end as Sequence)];
    const expected = times.flatMap((count, number) =>
      Array.from({ length: count }, (_, round) => `${number}.${round}`),
    );
    expect(found.map(({ value }) => Buffer.from(value).toString())).toEqual(expected);
    for (const [index, { until, value }] of found.entries()) {
      const [number, round] = Buffer.from(value).toString().split('.').map(Number);
      const last = round === times[number!]! - 1;
      if (!last) expect(until).toBe(found[index + 1]!.since);
      else expect(until).toBe(number! % 7 === 0 ? end : null);
    }
  });

  test('as of any position they are what a list of all versions says, in both directions, of any density', () => {
    const density = fc.constantFrom(
      [1, 2, 3],
      [1, 1, 1, 200],
      [120],
      [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 900],
    );
    const keys = fc.integer({ min: 1, max: 150 });
    fc.assert(
      fc.property(
        density,
        keys,
        fc.array(fc.nat(), { minLength: 12, maxLength: 12 }),
        (counts, length, random) => {
          const times = Array.from({ length }, (_, number) => counts[(number * 7919) % counts.length]!);
          const { store, model, end } = filled(times);
          for (let i = 0; i + 3 < random.length; i += 4) {
            const at = (random[i]! % (end + 2)) as Sequence;
            const from = random[i + 1]! % length;
            const range = {
              from: from % 3 === 0 ? null : key(from),
              to: key(from + (random[i + 2]! % length)),
            };
            const limit = random[i + 3]! % 2 === 0 ? null : random[i + 3]! % 70;
            for (const reverse of [false, true]) {
              const options = { range, reverse, limit };
              expect(texts(store.scanAt(TABLE, options, at))).toEqual(
                texts(model.scanAt(TABLE, options, at)),
              );
              expect(texts(store.scan(TABLE, options))).toEqual(texts(model.scan(TABLE, options)));
            }
          }
          store.close();
        },
      ),
      { numRuns: 12 },
    );
  });

  test('other reads may come in between two rows, of the same range too', () => {
    const { store } = filled(Array.from({ length: 200 }, () => 2));
    const options = { range: ALL, reverse: false, limit: null };
    let seen = 0;
    for (const { key: outer } of store.scan(TABLE, options)) {
      expect(store.get(TABLE, outer)?.key).toEqual(outer);
      const [first] = store.scan(TABLE, { ...options, range: { from: outer, to: null } });
      expect(first?.key).toEqual(outer);
      seen += 1;
    }
    expect(seen).toBe(store.count(TABLE));
  });

  test('writing between two rows is told as the mistake it is; after the last row it is fine', () => {
    const { store, end } = filled(Array.from({ length: 200 }, () => 1));
    store.begin();
    const at = (end + 1) as Sequence;
    const deleteWhileReading = (): void => {
      for (const version of store.scan(TABLE, { range: ALL, reverse: false, limit: null }))
        store.delete(TABLE, version.key, at);
    };
    expect(deleteWhileReading).toThrow(/written while a range of it was being read/);
    for (const version of [...store.scan(TABLE, { range: ALL, reverse: false, limit: null })])
      store.delete(TABLE, version.key, at);
    expect(store.count(TABLE)).toBe(0);
  });
});

describe('cost', () => {
  const statements: [string, string][] = Object.entries(READS).flatMap(([name, read]): [string, string][] =>
    typeof read === 'string'
      ? [[name, read]]
      : [
          [`${name}, upwards`, read.up],
          [`${name}, downwards`, read.down],
        ],
  );

  test.each(statements)('%s searches its index and sorts nothing', (_name, text) => {
    const database = new DatabaseSync(temporaryStore().path, { readOnly: true });
    const plan = database
      .prepare(`EXPLAIN QUERY PLAN ${text}`)
      .all()
      .map(({ detail }) => String(detail));
    database.close();
    expect(plan.filter((step) => /TEMP B-TREE|AUTOMATIC/.test(step))).toEqual([]);
    // Scans are of one row: the newest commit, a subquery of one row, the queue of keys skipped through; or of all actors.
    const scans = plan.filter((step) => /^SCAN/.test(step));
    expect(
      scans.filter(
        (step) =>
          !/^SCAN (CONSTANT ROW|\(subquery-\d\)|keys|commits$|actors USING COVERING INDEX)/.test(step),
      ),
    ).toEqual([]);
  });

  test.each(['getAt', 'getAtCommit'] as const)(
    '%s takes the same steps however many versions and other rows there are',
    (read) => {
      const steps = (keys: number, versions: number): number => {
        const { store } = filled(Array.from({ length: keys }, () => versions));
        const database = new DatabaseSync(store.path, { readOnly: true });
        const statement = database.prepare(READS[read]);
        const stored = new Uint8Array([0, 0, 0, 16, ...key(1)]);
        // After the second round of writing, so that a later version is current.
        expect(statement.get(stored, (keys + 1) * 2)).toBeDefined();
        // Declared by no types yet: the number of instructions SQLite's machine took.
        const taken = (statement as unknown as { stat(counter: 'vmStep'): number }).stat('vmStep');
        database.close();
        return taken;
      };
      const few = steps(3, 3);
      expect(steps(3, 1000)).toBe(few);
      expect(steps(2000, 3)).toBe(few);
    },
  );

  test('with 1,000 versions a row the past costs at most twice what the present does', () => {
    const { store, end } = filled(Array.from({ length: 40 }, () => 1000));
    const keys = Array.from({ length: 40 }, (_, number) => key(number)).filter(
      (_, number) => number % 7 !== 0,
    );
    const cost = (read: (index: number) => unknown): number => {
      const before = process.cpuUsage().user;
      for (let i = 0; i < 4000; i += 1) read(i);
      return process.cpuUsage().user - before;
    };
    const round = (): number => {
      const present = cost((i) => store.get(TABLE, keys[i % keys.length]!));
      const past = cost((i) =>
        store.getAt(TABLE, keys[i % keys.length]!, (500 + ((i * 9) % (end - 1000))) as Sequence),
      );
      return past / present;
    };
    // Other work of the machine only ever makes it look worse.
    let best = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 25 && best > 2; i += 1) best = Math.min(best, round());
    expect(best).toBeLessThanOrEqual(2);
  });
});
