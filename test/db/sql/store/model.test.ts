import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type KeyRange,
  type Space,
  SqliteStore,
  type StoreReader,
  type StoreSnapshot,
} from '../../../../db/sql/store/index.ts';
import type { CommitOrdinal, Epoch, RecordedAt, Sequence } from '../../../../db/types.ts';
import { STORE_LOG_ID, temporaryStore } from '../../support/temporary-store.ts';
import { NaiveStore } from './naive-store.ts';

const space = fc.constantFrom(0 as Space, 16 as Space, 17 as Space);
/** Few, so that they meet; one a prefix of another; with the bytes at both ends. */
const key = fc
  .constantFrom('', '\0', 'a', 'a\0', 'ab', 'b', 'ÿ', 'ÿÿ')
  .map((text) => Buffer.from(text, 'latin1'));
const value = fc.uint8Array({ maxLength: 12 });
const bound = fc.option(key, { nil: null });
const range = fc.record({ from: bound, to: bound }) satisfies fc.Arbitrary<KeyRange>;

const action = fc.oneof(
  { weight: 10, arbitrary: fc.record({ do: fc.constant('put'), space, key, value }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('delete'), space, key }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('replace'), space, key, value }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('next entry'), step: fc.integer({ min: 1, max: 3 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wrote'), actor: fc.constantFrom('ann', 'bob') }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('log commit') }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('commit') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rollback') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('drop'), space }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('erase'), space, key }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('open snapshot') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('close snapshot') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('purge') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen') }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('look'),
      space,
      key,
      range,
      reverse: fc.boolean(),
      limit: fc.option(fc.nat(4), { nil: null }),
      at: fc.nat(40),
      after: fc.nat(40),
    }),
  },
) as fc.Arbitrary<Action>;

type Look = {
  do: 'look';
  space: Space;
  key: Uint8Array;
  range: KeyRange;
  reverse: boolean;
  limit: number | null;
  at: Sequence;
  after: Sequence;
};
type Action =
  | { do: 'put'; space: Space; key: Uint8Array; value: Uint8Array }
  | { do: 'delete'; space: Space; key: Uint8Array }
  | { do: 'replace'; space: Space; key: Uint8Array; value: Uint8Array }
  | { do: 'next entry'; step: number }
  | { do: 'wrote'; actor: string }
  | { do: 'log commit' | 'commit' | 'rollback' | 'open snapshot' | 'close snapshot' | 'purge' | 'reopen' }
  | { do: 'drop'; space: Space }
  | { do: 'erase'; space: Space; key: Uint8Array }
  | Look;

/** Store and model side by side. */
class Pair {
  store: SqliteStore = temporaryStore();
  working = new NaiveStore();
  committed = new NaiveStore();
  snapshots: { readonly store: StoreSnapshot; readonly model: NaiveStore }[] = [];
  at = 1;
  atCommitted = 1;

  run(action: Action): void {
    if (
      ['put', 'replace', 'delete', 'wrote', 'log commit', 'drop', 'erase'].includes(action.do) &&
      !this.store.open
    )
      this.store.begin();
    const at = this.at as Sequence;
    switch (action.do) {
      case 'put':
        this.store.put(action.space, action.key, action.value, at);
        this.working = this.working.put(action.space, action.key, action.value, at);
        return;
      case 'delete':
        this.store.delete(action.space, action.key, at);
        this.working = this.working.delete(action.space, action.key, at);
        return;
      case 'replace':
        this.store.replace(action.space, action.key, action.value, at);
        this.working = this.working.replace(action.space, action.key, action.value, at);
        return;
      case 'next entry':
        this.at += action.step;
        return;
      case 'wrote':
        this.store.wrote(at, action.actor);
        if (this.working.writes.every(({ sequence }) => sequence !== at))
          this.working = this.working.with({
            writes: [...this.working.writes, { sequence: at, actor: action.actor }],
          });
        return;
      case 'log commit':
        this.#logCommit((at + 1) as Sequence);
        this.at += 2;
        return;
      case 'drop':
        this.store.drop(action.space);
        this.working = this.working.forget(action.space, null);
        return;
      case 'erase':
        this.store.erase(action.space, action.key);
        this.working = this.working.forget(action.space, action.key);
        return;
      case 'look':
        this.#look(action);
        return;
      default:
        this.#life(action.do);
    }
  }

  #logCommit(sequence: Sequence): void {
    const ordinal = this.working.commits.length + 1;
    const commit = {
      sequence,
      ordinal: ordinal as CommitOrdinal,
      epoch: 1 as Epoch,
      recordedAt: (1_700_000_000_000_000_000n + BigInt(sequence)) as RecordedAt,
    };
    this.store.committed(commit);
    this.working = this.working.with({ commits: [...this.working.commits, commit] });
  }

  #life(what: 'commit' | 'rollback' | 'open snapshot' | 'close snapshot' | 'purge' | 'reopen'): void {
    if (what === 'commit' && this.store.open) {
      this.store.commit();
      this.committed = this.working;
      this.atCommitted = this.at;
    } else if (what === 'rollback' && this.store.open) {
      this.store.rollback();
      this.working = this.committed;
      this.at = this.atCommitted;
    } else if (what === 'open snapshot' && this.snapshots.length < 4) {
      this.snapshots.push({ store: this.store.snapshot(), model: this.committed });
    } else if (what === 'close snapshot') {
      this.snapshots.shift()?.store.close();
    } else if (what === 'purge' && !this.store.open && this.snapshots.length === 0) {
      expect(this.store.purge()).toBe(true);
    } else if (what === 'reopen') {
      for (const { store } of this.snapshots.splice(0)) store.close();
      const { path } = this.store;
      this.store.close();
      this.store = new SqliteStore({ path, logId: STORE_LOG_ID });
      this.working = this.committed;
      this.at = this.atCommitted;
    }
  }

  #look(look: Look): void {
    expect(readsOf(this.store, look)).toEqual(readsOf(this.working, look));
    for (const { store, model } of this.snapshots) expect(readsOf(store, look)).toEqual(readsOf(model, look));
  }
}

function readsOf(store: StoreReader, { space, key, range, reverse, limit, at, after }: Look): unknown {
  return {
    position: store.position,
    get: plain(store.get(space, key)),
    getAt: plain(store.getAt(space, key, at)),
    scan: [...store.scan(space, { range, reverse, limit })].map(plain),
    scanAt: [...store.scanAt(space, { range, reverse, limit }, at)].map(plain),
    versions: [...store.versions(space, range, after, at)].map(plain),
    all: [...store.versions(space, { from: null, to: null }, 0 as Sequence, 1_000_000 as Sequence)].map(
      plain,
    ),
    changed: store.changedSince(space, range, after),
    count: store.count(space),
    atPosition: store.commitAtPosition(at),
    atTime: store.commitAtTime((1_700_000_000_000_000_000n + BigInt(at)) as RecordedAt),
    write: store.writeAt(at),
  };
}

function plain(version: object | null): unknown {
  if (version === null) return null;
  return Object.fromEntries(
    Object.entries(version)
      .map(([name, of]) => [name, of instanceof Uint8Array ? Buffer.from(of).toString('latin1') : of])
      .filter(([name]) => ['key', 'value', 'since', 'until'].includes(String(name))),
  );
}

test('a store answers as a list of all versions does, whatever is written, undone, held open or forgotten', () => {
  fc.assert(
    fc.property(fc.array(action, { minLength: 20, maxLength: 120, size: 'max' }), (actions) => {
      const pair = new Pair();
      try {
        for (const each of actions) pair.run(each);
      } finally {
        for (const { store } of pair.snapshots) store.close();
        pair.store.close();
      }
    }),
    { numRuns: 40 },
  );
});
