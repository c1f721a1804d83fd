import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TruthError } from '../../../../db/errors.ts';
import type { ParsedStatement } from '../../../../db/sql/ast.ts';
import { loadParser } from '../../../../db/sql/parse/index.ts';
import { REFUSED, TAKEN } from './examples/index.ts';

const parser = await loadParser();
const STATEMENTS = [...TAKEN, ...REFUSED].map(([text]) => text);
const PIECES = [...new Set(STATEMENTS.flatMap((text) => text.split(/(?<=\W)|(?=\W)/)))].filter(
  (piece) => piece !== '',
);

describe('whatever comes in, statements or a typed error with a place in the text come out', () => {
  test('for random bytes', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((value) => Buffer.from(value).toString('latin1')),
      fc.uint8Array({ maxLength: 200 }).map((value) => Buffer.from(value).toString('utf8')),
      fc.uint8Array({ maxLength: 200 }).map((value) => Buffer.from(value).toString('utf16le')),
      fc.string({ unit: 'binary', maxLength: 200 }),
    );
    fc.assert(fc.property(bytes, expectTyped), { numRuns: 600 });
  });

  test('for pieces of statements in any order', () => {
    const soup = fc.array(fc.constantFrom(...PIECES), { maxLength: 25 }).map((pieces) => pieces.join(' '));
    fc.assert(fc.property(soup, expectTyped), { numRuns: 1000 });
  });

  test('for statements with something changed', () => {
    fc.assert(fc.property(mutated, expectTyped), { numRuns: 2500 });
  });

  test('for statements put together', () => {
    const texts = fc.array(mutated, { maxLength: 5 }).map((several) => several.join(';'));
    fc.assert(fc.property(texts, expectTyped), { numRuns: 200 });
  });
});

/** One to three times: something cut out, put in, doubled or swapped, anywhere. */
const change = fc.tuple(
  fc.constantFrom('cut', 'put', 'double', 'quote'),
  fc.double({ min: 0, max: 1, noNaN: true }),
  fc.nat(12),
  fc.oneof(
    fc.constantFrom(...PIECES),
    fc.constantFrom(
      "'",
      '"',
      '(',
      ')',
      ';',
      '--',
      '/*',
      '$$',
      '?',
      '$1',
      'é',
      '😀',
      '\ud800',
      '\0',
      'history',
      'as of position',
    ),
  ),
);

const mutated = fc
  .tuple(fc.constantFrom(...STATEMENTS), fc.array(change, { minLength: 1, maxLength: 3 }))
  .map(([statement, changes]) =>
    changes.reduce((text, [how, where, length, piece]) => {
      const at = Math.floor(where * text.length);
      const [before, part, after] = [text.slice(0, at), text.slice(at, at + length), text.slice(at + length)];
      if (how === 'cut') return before + after;
      if (how === 'double') return before + part + part + after;
      if (how === 'quote') return `${before}"${part}"${after}`;
      return before + piece + part + after;
    }, statement),
  );

function expectTyped(text: string): void {
  try {
    for (const statement of parser.parse(text)) expectPlaces(text, statement);
  } catch (error) {
    if (!(error instanceof TruthError)) throw error;
    const { sqlstate, position, line, column } = error.details;
    expect(['INVALID_ARGUMENT', 'TOO_LARGE'], `${error.message} ${error.cause}`).toContain(error.code);
    expect(sqlstate).toMatch(/^[0-9A-Z]{5}$/);
    expect(position).toBeGreaterThanOrEqual(1);
    expect(position).toBeLessThanOrEqual(Array.from(text).length + 1);
    expect(line).toBeLessThanOrEqual(text.split('\n').length);
    expect(column).toBeGreaterThanOrEqual(1);
  }
}

function expectPlaces(text: string, { statement, at, text: own }: ParsedStatement): void {
  expect(text.slice(at, at + own.length)).toBe(own);
  for (const place of places(statement)) {
    expect(place).toBeGreaterThanOrEqual(0);
    expect(place).toBeLessThan(own.length);
  }
}

function places(value: unknown): number[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    name === 'at' && typeof inner === 'number' ? [inner] : places(inner),
  );
}
