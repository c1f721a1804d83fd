import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TruthError } from '../../../../db/errors.ts';
import { DuplicatesView } from '../../../../db/ranking/entities/duplicates-view.ts';
import type { Micros } from '../../../../db/ranking/ground.ts';
import { type BatchReply, OUTCOME, type SignalDraft } from '../../../../db/ranking/kernel/index.ts';
import { TENANT_DEFAULT } from '../../../../db/types.ts';
import { EVERYTHING } from '../schema/definitions.ts';
import { MemoryParts, NOW, put, RankingLog, signalOf } from './ranking-log.ts';

const HOUR = 3_600_000_000;
const DAY = 24 * HOUR;

function world(): RankingLog {
  const log = new RankingLog();
  log.define(...EVERYTHING);
  log.put(put('item', 'a'), put('item', 'b'));
  log.commit();
  return log;
}

const draft: fc.Arbitrary<SignalDraft> = fc
  .record({
    target: fc.constantFrom('a', 'b'),
    user: fc.constantFrom(null, 'u', 'v'),
    at: fc.constantFrom(null, NOW, NOW - 1),
    id: fc.constantFrom(null, null, 'x'),
    weight: fc.constantFrom(null, 1, 2),
  })
  .map(({ target, at, ...rest }) => signalOf('view', target, { ...rest, at: at as Micros | null }));

const rounds = fc.array(
  fc.record({
    drafts: fc.array(draft, { maxLength: 8 }),
    ahead: fc.constantFrom(0, 1, HOUR, 11 * HOUR, DAY, 40 * HOUR),
    commits: fc.boolean(),
  }),
  { maxLength: 12 },
);

/** Signals in the order of the log; `recorded` null: in flight. */
interface Recorded {
  readonly content: string;
  recorded: number | null;
}

describe('the window of signals', () => {
  test('knows exactly those of the last day, as a list does', () => {
    fc.assert(
      fc.property(rounds, (all) => {
        const log = world();
        const list: Recorded[] = [];
        for (const { drafts, ahead, commits } of all) {
          log.now = (log.now + ahead) as Micros;
          if (drafts.length > 0) expect(outcomes(log, drafts)).toEqual(expected(list, drafts, log.now));
          if (!commits) continue;
          log.commit();
          for (const each of list) each.recorded ??= log.now;
        }
      }),
      { numRuns: 60 },
    );
  });

  test('says the same live, replayed, and restored anywhere', () => {
    fc.assert(
      fc.property(rounds, fc.nat(12), (all, place) => {
        const log = world();
        let saved: { parts: MemoryParts; commits: number } | null = null;
        for (const [index, { drafts, ahead }] of all.entries()) {
          log.now = (log.now + ahead) as Micros;
          if (drafts.length > 0) log.signal(...drafts);
          log.commit();
          if (index === place) saved = { parts: MemoryParts.of(log.duplicates), commits: log.commits.length };
        }
        const digest = log.duplicates.digest();
        expect(log.replayed(new DuplicatesView()).digest()).toBe(digest);
        if (saved === null) return;
        const restored = new DuplicatesView();
        restored.restore(saved.parts);
        expect(log.replayed(restored, saved.commits).digest()).toBe(digest);
      }),
      { numRuns: 40 },
    );
  });

  test('of many signals is saved in pieces, and only the last ones change', () => {
    const log = world();
    const batch = (from: number): SignalDraft[] =>
      Array.from({ length: 9_000 }, (_, index) => signalOf('view', 'a', { id: `${from + index}` }));
    for (let from = 0; from < 72_000; from += 9_000) {
      log.signal(...batch(from));
      log.commit();
    }
    const before = MemoryParts.of(log.duplicates);
    log.signal(signalOf('view', 'a', { id: 'one more' }));
    log.commit();
    const after = MemoryParts.of(log.duplicates);
    expect(after.parts.filter((part) => part.includes('rows')).length).toBe(2);
    expect(after.parts.filter((part) => part.includes('rows') && !before.parts.includes(part)).length).toBe(
      1,
    );
    const restored = new DuplicatesView();
    restored.restore(after);
    expect(restored.digest()).toBe(log.duplicates.digest());
    log.duplicates = restored;
    expect(outcomes(log, [signalOf('view', 'a', { id: '71999' })])).toEqual([OUTCOME.duplicate]);
    const view = log.schema.signals[0]!.id;
    expect(restored.tenant(TENANT_DEFAULT)!.signals(view)).toBe(72_001);
  });

  test('keeps what was handed over as it was', () => {
    const log = world();
    log.signal(signalOf('view', 'a', { id: '1' }));
    log.commit();
    const pending: (() => Iterable<Uint8Array>)[] = [];
    log.duplicates.checkpoint({ part: (_, chunks) => pending.push(chunks) });
    const before = pending.map((chunks) => Buffer.concat([...chunks()]).toString('hex'));
    log.now = (log.now + 2 * DAY) as Micros;
    log.signal(...Array.from({ length: 3_000 }, (_, index) => signalOf('view', 'a', { id: `${index}` })));
    log.commit();
    expect(pending.map((chunks) => Buffer.concat([...chunks()]).toString('hex'))).toEqual(before);
  });

  test('refuses a checkpoint that was damaged, or is another', () => {
    const log = world();
    log.signal(...Array.from({ length: 20 }, (_, index) => signalOf('view', 'a', { id: `${index}` })));
    log.commit();
    const good = MemoryParts.of(log.duplicates);
    const names = [...good.content.keys()];
    fc.assert(
      fc.property(
        fc.nat(names.length - 1),
        fc.boolean(),
        fc.nat(500),
        fc.nat(255),
        (part, cut, place, value) => {
          const damaged = new MemoryParts();
          for (const [name, bytes] of good.content) damaged.content.set(name, bytes);
          const bytes = good.content.get(names[part]!)!.slice();
          if (!cut && bytes.length > 0) bytes[place % bytes.length] = value;
          damaged.content.set(names[part]!, cut ? bytes.slice(0, place % (bytes.length + 1)) : bytes);
          try {
            const view = new DuplicatesView();
            view.restore(damaged);
            view.digest();
          } catch (error) {
            expect(error).toBeInstanceOf(TruthError);
          }
        },
      ),
      { numRuns: 200 },
    );
    const other = new MemoryParts();
    other.content.set('something', new Uint8Array(3));
    expect(() => new DuplicatesView().restore(other)).toThrow(TruthError);
  });
});

function outcomes(log: RankingLog, drafts: readonly SignalDraft[]): number[] {
  return [...(log.signal(...drafts) as BatchReply).outcomes];
}

function expected(list: Recorded[], drafts: readonly SignalDraft[], now: number): number[] {
  return drafts.map(({ target, user, weight, at, id }) => {
    const content = JSON.stringify([target, user, weight ?? 1, at, id]);
    const told = at !== null || id !== null;
    const known = list.some(
      (each) => each.content === content && (each.recorded === null || each.recorded > now - DAY),
    );
    if (told && known) return OUTCOME.duplicate;
    list.push({ content: told ? content : '', recorded: null });
    return OUTCOME.accepted;
  });
}
