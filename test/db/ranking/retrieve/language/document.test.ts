import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse, parseScript, print } from '../../../../../db/ranking/retrieve/language/index.ts';
import { SORT_MODES } from '../../../../../db/ranking/retrieve/language/words.ts';
import { define, NO_FACTS, SchemaHistory } from '../../../../../db/ranking/schema/index.ts';
import { USER_ITEM_STATES } from '../../../../../db/ranking/schema/model.ts';
import { FEATURES, SCALAR_FUNCTIONS } from '../../../../../db/ranking/schema/model-shapes.ts';
import { root } from '../../../../house/sources.ts';

const document = readFileSync(join(root, 'docs', 'retrieve.md'), 'utf8');
const blocks = [...document.matchAll(/```tidal\n([\s\S]*?)```/g)].map(([, text = '']) => text);

describe('docs/retrieve.md', () => {
  test('has examples', () => {
    expect(blocks.length).toBeGreaterThan(8);
  });

  test.each(blocks)('%s', (text) => {
    const statements = parseScript(text);
    expect(statements.length).toBeGreaterThan(0);
    for (const statement of statements) expect(parse(print(statement))).toEqual(statement);
  });

  test('defines a schema, each statement on what those before it made', () => {
    const history = new SchemaHistory();
    for (const statement of blocks.flatMap((text) => parseScript(text))) {
      if (statement.statement !== 'define') continue;
      const { change } = define(history.record, statement.definition, statement.permission, NO_FACTS);
      if (change !== null && statement.run === 'apply') history.applyChange(change);
    }
    expect(history.current).toMatchObject({
      kinds: { length: 3 },
      signals: { length: 2 },
      relationships: { length: 2 },
      cohorts: { length: 1 },
      profiles: { length: 1 },
    });
  });

  test('names every sort mode, state, function and feature', () => {
    const words = [
      ...SORT_MODES,
      ...USER_ITEM_STATES,
      ...SCALAR_FUNCTIONS.filter((name) => /\w/.test(name)),
      ...FEATURES,
    ];
    expect(words.filter((word) => !document.includes(`\`${word}`))).toEqual([]);
  });
});
