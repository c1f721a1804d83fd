import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { TruthError } from '../../../../db/errors.ts';
import { loadParser } from '../../../../db/sql/parse/index.ts';
import { root } from '../../../house/sources.ts';
import { REFUSED, TAKEN } from './examples/index.ts';
import { withoutPlaces } from './without-places.ts';

const parser = await loadParser();

describe('taken', () => {
  test.each(TAKEN)('%s', (sql, statement) => {
    const statements = parser.parse(sql).map((parsed) => withoutPlaces(parsed.statement));
    expect(statements).toEqual([withoutPlaces(statement)]);
  });
});

describe('refused', () => {
  test.each(REFUSED)('%s', (sql, sqlstate, message) => {
    const error = thrown(() => parser.parse(sql));
    expect(error).toBeInstanceOf(TruthError);
    const { message: said, details } = error as TruthError;
    expect([details['sqlstate'], said]).toEqual([sqlstate, message]);
  });
});

test('what docs/sql.md writes about the language is taken', () => {
  const language = readFileSync(join(root, 'docs', 'sql.md'), 'utf8')
    .split(/^## /m)
    .find((part) => part.startsWith('Language'));
  const blocks = [...(language ?? '').matchAll(/```sql\n([\s\S]*?)```/g)].map(([, sql = '']) => sql);
  expect(blocks.flatMap((sql) => parser.parse(sql)).length).toBeGreaterThan(5);
});

function thrown(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return error;
  }
}
