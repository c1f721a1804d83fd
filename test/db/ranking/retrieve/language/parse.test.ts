import { describe, expect, test } from 'vitest';
import type { QueryStatement, Statement } from '../../../../../db/ranking/retrieve/language/index.ts';
import { parse, parseScript } from '../../../../../db/ranking/retrieve/language/index.ts';

const NOTHING = {
  text: null,
  vector: null,
  user: null,
  context: null,
  profile: null,
  sort: null,
  filter: null,
  within: [],
  exclude: [],
  diversity: [],
  window: null,
  limit: null,
  cursor: null,
  moment: null,
  seed: null,
  select: [],
  explain: false,
} as const;

function retrieving(clauses: Partial<QueryStatement>): Statement {
  return { statement: 'retrieve', kind: 'items', ...NOTHING, ...clauses };
}

describe('the examples of the original', () => {
  test('a feed', () => {
    const text = `RETRIEVE items
FOR USER @user_id
CONTEXT feed
USING PROFILE for_you
FILTER unseen, unblocked, format:video
DIVERSITY max_per_creator:2, format_mix:true
LIMIT 50`;
    expect(parse(text)).toEqual(
      retrieving({
        user: 'user_id',
        context: 'feed',
        profile: { name: 'for_you', version: null },
        filter: {
          test: 'and',
          of: [
            { test: 'state', state: 'seen', set: false },
            { test: 'state', state: 'blocked', set: false },
            { test: 'compare', attribute: 'format', operator: '=', value: 'video' },
          ],
        },
        diversity: [
          { rule: 'creator', max: 2 },
          { rule: 'mix', attribute: 'format' },
        ],
        limit: 50,
      }),
    );
  });

  test('a feed of the first use case', () => {
    const text =
      'RETRIEVE items\nFOR USER @u123\nCONTEXT feed\nUSING PROFILE for_you\nFILTER unseen, unblocked\nDIVERSITY max_per_creator:2\nLIMIT 50';
    expect(parse(text)).toMatchObject({ user: 'u123', limit: 50, context: 'feed' });
  });

  test('a search', () => {
    const text = `SEARCH items
QUERY "rust tutorial beginner"
VECTOR query_vector
FOR USER @user_id
USING PROFILE search
DIVERSITY max_per_creator:2
LIMIT 20`;
    expect(parse(text)).toEqual({
      statement: 'search',
      kind: 'items',
      ...NOTHING,
      text: 'rust tutorial beginner',
      vector: { values: { parameter: 'query_vector' }, slot: null },
      user: 'user_id',
      profile: { name: 'search', version: null },
      diversity: [{ rule: 'creator', max: 2 }],
      limit: 20,
    });
  });

  test('three layers: a search within what trends within a cohort', () => {
    const text = `SEARCH items QUERY "jazz" WITHIN TRENDING view 24h WITHIN COHORT us_young TOP 500`;
    expect(parse(text)).toMatchObject({
      text: 'jazz',
      within: [
        { clause: 'trending', signal: 'view', window: '24h', top: null },
        { clause: 'cohort', cohort: 'us_young', signal: null, window: null, top: 500 },
      ],
    });
  });
});

describe('clauses of a query', () => {
  test.each<readonly [string, Partial<QueryStatement>]>([
    ['for user $who', { user: { parameter: 'who' } }],
    ["FOR USER @'with blanks'", { user: 'with blanks' }],
    ['USING for_you', { profile: { name: 'for_you', version: null } }],
    ['USING PROFILE for_you:3', { profile: { name: 'for_you', version: 3 } }],
    ['SORT BY top_week', { sort: 'top_week' }],
    ['sort by TOP_WEEK', { sort: 'top_week' }],
    ['EXCLUDE [@a, @b, $c]', { exclude: ['a', 'b', { parameter: 'c' }] }],
    ['EXCLUDE []', { exclude: [] }],
    ['WINDOW 7d', { window: '7d' }],
    ['WINDOW 1w', { window: '7d' }],
    ['WINDOW all', { window: 'all' }],
    ['LIMIT $1', { limit: { parameter: '1' } }],
    ["CURSOR 'abc'", { cursor: 'abc' }],
    ["AT '2026-01-31T12:30:00Z'", { moment: { moment: 'at', time: 1_769_862_600_000_000 as never } }],
    ['AT 1700000000s', { moment: { moment: 'at', time: 1_700_000_000_000_000 as never } }],
    ['AS OF POSITION 8120', { moment: { moment: 'as of position', position: 8120 } }],
    ['AS OF TIMESTAMP $t', { moment: { moment: 'as of timestamp', time: { parameter: 't' } } }],
    ['SEED -7', { seed: -7 }],
    ['SELECT title, year', { select: ['title', 'year'] }],
    ['VECTOR [0.5, -1, 2e-3]', { vector: { values: [0.5, -1, 0.002], slot: null } }],
    ['VECTOR $v ON embedding', { vector: { values: { parameter: 'v' }, slot: 'embedding' } }],
    ['RELATED TO @i1', { within: [{ clause: 'related', item: 'i1', top: null }] }],
    ['WITHIN RELATED TO $x TOP 3', { within: [{ clause: 'related', item: { parameter: 'x' }, top: 3 }] }],
    ['WITHIN TRENDING', { within: [{ clause: 'trending', signal: null, window: null, top: null }] }],
    ['WITHIN TRENDING all', { within: [{ clause: 'trending', signal: null, window: 'all', top: null }] }],
    ['WITHIN TRENDING `all`', { within: [{ clause: 'trending', signal: 'all', window: null, top: null }] }],
    ['WITHIN FOLLOWING', { within: [{ clause: 'following', relationship: null, top: null }] }],
    [
      'WITHIN FOLLOWING follows TOP 9',
      { within: [{ clause: 'following', relationship: 'follows', top: 9 }] },
    ],
    ['WITHIN SAVED', { within: [{ clause: 'state', state: 'saved' }] }],
    ["WITHIN SEARCH 'x y'", { within: [{ clause: 'search', text: 'x y', top: null }] }],
    ['WITHIN CREATOR @c', { within: [{ clause: 'creator', creator: 'c' }] }],
    ['WITHIN ITEMS [@a, @b]', { within: [{ clause: 'items', items: ['a', 'b'] }] }],
    [
      'FOR COHORT us',
      { within: [{ clause: 'cohort', cohort: 'us', signal: null, window: null, top: null }] },
    ],
    [
      'WITHIN COHORT us TRENDING like 1h TOP 5',
      { within: [{ clause: 'cohort', cohort: 'us', signal: 'like', window: '1h', top: 5 }] },
    ],
    [
      "WITHIN COHORT (country = 'US')",
      {
        within: [
          {
            clause: 'cohort',
            cohort: { test: 'compare', attribute: 'country', operator: '=', value: 'US' },
            signal: null,
            window: null,
            top: null,
          },
        ],
      },
    ],
    [
      'DIVERSITY max_per_genre:3, mix:format',
      {
        diversity: [
          { rule: 'attribute', attribute: 'genre', max: 3 },
          { rule: 'mix', attribute: 'format' },
        ],
      },
    ],
    [
      'DIVERSITY max_per_creator:any, mix:false',
      {
        diversity: [
          { rule: 'creator', max: null },
          { rule: 'mix', attribute: null },
        ],
      },
    ],
  ])('%s', (clause, expected) => {
    expect(parse(`RETRIEVE items ${clause}`)).toEqual(retrieving(expected));
  });

  test('clauses come in any order, and names may be words of the language', () => {
    const one = parse('RETRIEVE items LIMIT 5 FILTER limit = 3, select HAS ANY FOR USER @u');
    const other = parse('RETRIEVE items FOR USER @u FILTER limit = 3, select HAS ANY LIMIT 5');
    expect(one).toEqual(other);
  });

  test('comments and line ends are blanks', () => {
    expect(parse('RETRIEVE -- what\n items /* all\n of them */ LIMIT 3 ;')).toEqual(retrieving({ limit: 3 }));
  });

  test('EXPLAIN is a query that shows its work', () => {
    expect(parse('EXPLAIN RETRIEVE items LIMIT 1')).toEqual(retrieving({ limit: 1, explain: true }));
  });
});

describe('other statements', () => {
  test.each<readonly [string, Statement]>([
    [
      'SIGNAL view ON @i BY @u',
      { statement: 'signal', signal: 'view', target: 'i', user: 'u', weight: null, at: null, id: null },
    ],
    [
      "SIGNAL like ITEM $i FOR USER $u WEIGHT 0.5 AT 1700000000ms ID 'a''b'",
      {
        statement: 'signal',
        signal: 'like',
        target: { parameter: 'i' },
        user: { parameter: 'u' },
        weight: 0.5,
        at: 1_700_000_000_000 as never,
        id: "a'b",
      },
    ],
    [
      "UPSERT item @i SET title = 'T', year = 2001, live = TRUE, tags = ['a', 'b'], embedding = [0.5, -1], creator = @c, gone = NULL, more = $m STATE active AT '2026-01-01'",
      {
        statement: 'upsert',
        kind: 'item',
        key: 'i',
        set: [
          { name: 'title', value: 'T' },
          { name: 'year', value: 2001 },
          { name: 'live', value: true },
          { name: 'tags', value: { list: ['a', 'b'] } },
          { name: 'embedding', value: { list: [0.5, -1] } },
          { name: 'creator', value: { key: 'c' } },
          { name: 'gone', value: null },
          { name: 'more', value: { parameter: 'm' } },
        ],
        state: 'active',
        at: 1_767_225_600_000_000 as never,
      },
    ],
    ['UPSERT user @u', { statement: 'upsert', kind: 'user', key: 'u', set: [], state: null, at: null }],
    ['DELETE item @i', { statement: 'delete', kind: 'item', key: 'i' }],
    [
      'RELATE follows @a @b',
      { statement: 'relate', relationship: 'follows', from: 'a', to: 'b', weight: null },
    ],
    [
      'RELATE follows @a TO @b WEIGHT $w',
      { statement: 'relate', relationship: 'follows', from: 'a', to: 'b', weight: { parameter: 'w' } },
    ],
    ['UNRELATE follows @a @b', { statement: 'unrelate', relationship: 'follows', from: 'a', to: 'b' }],
    ['SUGGEST items PREFIX "ja"', { statement: 'suggest', kind: 'items', prefix: 'ja', limit: null }],
    [
      'SUGGEST items PREFIX $p LIMIT 5',
      { statement: 'suggest', kind: 'items', prefix: { parameter: 'p' }, limit: 5 },
    ],
    ['show schema', { statement: 'show', what: 'schema' }],
    ['DROP SIGNAL view', defined({ define: 'drop', what: 'signal', name: 'view' })],
    [
      'DROP ENTITY item CASCADE DRY RUN',
      { ...defined({ define: 'drop', what: 'entity', name: 'item' }), permission: 'cascade', run: 'dry run' },
    ],
    [
      "EVALUATE PROFILE a VS b:2 FROM '2026-01-01' TO '2026-02-01' SAMPLE 1000",
      {
        statement: 'evaluate',
        profile: { name: 'a', version: null },
        against: { name: 'b', version: 2 },
        from: 1_767_225_600_000_000 as never,
        to: 1_769_904_000_000_000 as never,
        sample: 1000,
      },
    ],
  ])('%s', (text, expected) => {
    expect(parse(text)).toEqual(expected);
  });

  test('a script has statements with semicolons between them', () => {
    const script = ';SHOW SIGNALS;; RETRIEVE items LIMIT $n;\nDEFINE COHORT c AS age = 3;';
    expect(parseScript(script).map(({ statement }) => statement)).toEqual(['show', 'retrieve', 'define']);
    expect(parseScript(' -- nothing\n')).toEqual([]);
  });
});

function defined<Definition>(definition: Definition) {
  return { statement: 'define', definition, permission: 'safe', run: 'apply' } as const;
}
