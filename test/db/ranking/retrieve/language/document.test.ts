import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse, parseScript, print } from '../../../../../db/ranking/retrieve/language/index.ts';
import { SORT_MODES } from '../../../../../db/ranking/retrieve/language/words.ts';
import { FEATURES, SCALAR_FUNCTIONS } from '../../../../../db/ranking/schema/model-shapes.ts';
import { USER_ITEM_STATES } from '../../../../../db/ranking/schema/model.ts';
import { root } from '../../../../house/sources.ts';

const document = readFileSync(join(root, 'docs', 'retrieve.md'), 'utf8');
const blocks = [...document.matchAll(/```tidal\n([\s\S]*?)```/g)].map(([, text = '']) => text);

describe('docs/retrieve.md', () => {
  test('has examples', () => {
    expect(blocks.length).toBeGreaterThan(10);
  });

  test.each(blocks)('%s', (text) => {
    const statements = parseScript(text);
    expect(statements.length).toBeGreaterThan(0);
    for (const statement of statements) expect(parse(print(statement))).toEqual(statement);
  });

  test('names every sort mode, state, function and feature', () => {
    const words = [...SORT_MODES, ...USER_ITEM_STATES, ...SCALAR_FUNCTIONS.filter((name) => /\w/.test(name)), ...FEATURES];
    expect(words.filter((word) => !document.includes(`\`${word}`))).toEqual([]);
  });
});
