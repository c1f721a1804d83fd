import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TruthError } from '../../../../../db/errors.ts';
import type { AttributeId } from '../../../../../db/ranking/ground.ts';
import type { AttributeValue } from '../../../../../db/ranking/schema/model.ts';
import type { TenantId } from '../../../../../db/types.ts';
import {
  BODY,
  chance,
  commitsOf,
  type Draft,
  entityDraft,
  ITEM,
  itemKind,
  readerOf,
  restored,
  saving,
  schemaDraft,
  TAGS,
  TITLE,
  viewOf,
  WEIGHTS,
} from './text-log.ts';

const SCHEMA = schemaDraft(1, itemKind(WEIGHTS));
const DELETED = 255;

const words = fc.array(fc.constantFrom('blue', 'train', 'the', 'Spider-Man', 'jazz', 'ночь', '東京'), {
  maxLength: 4,
});
const text = words.map((each) => each.join(' '));
const value = (attribute: AttributeId, of: fc.Arbitrary<AttributeValue | null>) =>
  fc.tuple(fc.constant(attribute), of);
const attributes = fc.tuple(
  fc.option(value(TITLE, fc.option(text, { nil: null })), { nil: null }),
  fc.option(value(BODY, fc.option(text, { nil: null })), { nil: null }),
  fc.option(value(TAGS, fc.option(words, { nil: null })), { nil: null }),
);
const entity = fc
  .record({ number: fc.integer({ min: 1, max: 8 }), state: fc.constantFrom(0, 0, 0, 1, DELETED), attributes })
  .map(({ number, state, attributes: given }) =>
    entityDraft({ number, state, attributes: given.filter((each) => each !== null) }),
  );
const commits = fc.array(fc.array(entity, { maxLength: 5 }), { maxLength: 12 });

/** So many entities that there are segments, merged ones too. */
function many(count: number): Draft[][] {
  const random = chance(5);
  const word = (): string => `word${random(400)}`;
  const groups: Draft[][] = [[SCHEMA]];
  for (let each = 0; each < count; each++) {
    const number = random(3) === 0 ? 1 + random(each + 1) : each + 1;
    const state = random(20) === 0 ? DELETED : random(2);
    const body = Array.from({ length: 8 }, word).join(' ');
    groups.push([
      entityDraft({
        number,
        state,
        attributes: [
          [TITLE, `${word()} ${word()}`],
          [BODY, body],
        ],
      }),
    ]);
  }
  return groups;
}

describe('the view of text', () => {
  test('is the same live, replayed, and restored at any commit and carried on', () => {
    fc.assert(
      fc.property(commits, fc.nat(), (groups, where) => {
        const all = commitsOf([[SCHEMA], ...groups]);
        const at = where % (all.length + 1);
        const live = viewOf(all);
        const half = restored(saving(viewOf(all.slice(0, at)))());
        for (const commit of all.slice(at)) half.onCommit(commit);
        expect(half.digest()).toBe(live.digest());
        for (const query of ['blue train', 'spiderman', '"blue train"', 'ja*', '東京']) {
          const reader = live.reader(0 as TenantId)!;
          expect(half.reader(0 as TenantId)!.search(ITEM, query, 9, null)).toEqual(
            reader.search(ITEM, query, 9, null),
          );
          expect(half.reader(0 as TenantId)!.suggest(ITEM, query, 9)).toEqual(reader.suggest(ITEM, query, 9));
        }
      }),
      { numRuns: 80 },
    );
  });

  test('is saved as it was, although it goes on before the parts are written', () => {
    const all = commitsOf(many(3_000));
    const view = viewOf(all.slice(0, 2_500));
    const digest = view.digest();
    const answer = readerOf(view).search(ITEM, 'word1 word2', 30, null);
    const parts = saving(view);
    for (const commit of all.slice(2_500)) view.onCommit(commit);
    const again = restored(parts());
    expect(again.digest()).toBe(digest);
    expect(readerOf(again).search(ITEM, 'word1 word2', 30, null)).toEqual(answer);
    for (const commit of all.slice(2_500)) again.onCommit(commit);
    expect(again.digest()).toBe(view.digest());
    expect([...saving(again)().keys()]).toEqual([...saving(view)().keys()]);
    expect(readerOf(again).search(ITEM, 'word1 word2', 30, null)).toEqual(
      readerOf(view).search(ITEM, 'word1 word2', 30, null),
    );
  });

  test('writes segments and full pages of words once', () => {
    const all = commitsOf(many(3_000));
    const view = viewOf(all.slice(0, 2_900));
    const before = saving(view)();
    for (const commit of all.slice(2_900)) view.onCommit(commit);
    const after = saving(view)();
    const kept = [...after.keys()].filter((name) => before.has(name));
    for (const name of kept) expect(after.get(name)).toEqual(before.get(name));
    expect(kept.filter((name) => name.includes('-segment-')).length).toBeGreaterThan(0);
  });

  test('refuses parts that were changed, and never breaks because of them', () => {
    const parts = saving(viewOf(commitsOf(many(700))))();
    const names = [...parts.keys()].filter((name) => !name.includes('schema'));
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.nat(),
        fc.nat({ max: 255 }),
        fc.boolean(),
        (name, where, byte, isCut) => {
          const bytes = Uint8Array.from(parts.get(name)!);
          const changed = isCut ? bytes.slice(0, where % bytes.length) : bytes;
          if (!isCut) changed[where % bytes.length] = byte;
          try {
            const view = restored(new Map([...parts, [name, changed]]));
            // What it believes it can work with.
            readerOf(view).search(ITEM, 'word1 word2 "word3 word4" wor*', 5, null);
          } catch (error) {
            expect(error).toBeInstanceOf(TruthError);
            expect((error as TruthError).code).toBe('CORRUPT');
          }
        },
      ),
      { numRuns: 150 },
    );
    expect(() => restored(new Map([['nonsense', new Uint8Array(3)]]))).toThrow(TruthError);
  });

  test('has nothing of tenants without a schema, and keeps tenants and kinds apart', () => {
    const one = commitsOf(
      [[SCHEMA], [entityDraft({ number: 1, state: 0, attributes: [[TITLE, 'Dune']] })]],
      1,
    );
    const other = commitsOf([[entityDraft({ number: 1, state: 0, attributes: [[TITLE, 'Solaris']] })]], 2);
    const view = viewOf([...one, ...other]);
    expect(view.reader(2 as TenantId)).toBeNull();
    const reader = view.reader(1 as TenantId)!;
    expect([...reader.search(ITEM, 'dune', 5, null).items]).toEqual([1]);
    expect(reader.search(ITEM, 'solaris', 5, null).items.length).toBe(0);
    const empty = view.reader(1 as TenantId)!.search(9 as typeof ITEM, 'dune', 5, null);
    expect([empty.items.length, empty.total]).toEqual([0, 0]);
    const out = new Float64Array(1).fill(3);
    reader.score(9 as typeof ITEM, 'dune', Uint32Array.of(1), 1, out);
    expect(out[0]).toBe(0);
  });

  test('suggests only what is active, and follows the schema', () => {
    const wider = itemKind(new Map([[TITLE, 1]]));
    const view = viewOf(
      commitsOf([
        [SCHEMA],
        [
          entityDraft({
            number: 1,
            state: 0,
            attributes: [
              [TITLE, 'Dune'],
              [BODY, 'sand'],
            ],
          }),
        ],
        [entityDraft({ number: 2, state: 1, attributes: [[TITLE, 'Dunkirk']] })],
      ]),
    );
    const titles = (): string[] =>
      readerOf(view)
        .suggest(ITEM, 'dun', 5)
        .map(({ text: title }) => title);
    expect(titles()).toEqual(['Dune']);
    view.onCommit(commitsOf([[entityDraft({ number: 2, state: 0, attributes: [] })]])[0]!);
    expect(titles()).toEqual(['Dune', 'Dunkirk']);
    expect([...readerOf(view).search(ITEM, 'sand', 5, null).items]).toEqual([1]);
    view.onCommit(commitsOf([[schemaDraft(2, wider)]])[0]!);
    expect(readerOf(view).search(ITEM, 'sand', 5, null).items.length).toBe(0);
    expect([...readerOf(view).search(ITEM, 'dune', 5, null).items]).toEqual([1]);
  });
});
