import { describe, expect, test } from 'vitest';
import { bound, boundIn, historyOf, kind } from './example.ts';

const embedding = kind('item').embeddings[0]!.id;
const one = Array.from({ length: 128 }, (_, index) => (index === 0 ? 1 : 0));

describe('the vector of a query', () => {
  test('is compared with the embedding of as many dimensions', () => {
    expect(bound('SEARCH items VECTOR query_vector', { query_vector: one }).vector).toEqual({
      slot: embedding,
      values: Float32Array.from(one),
    });
    expect(bound(`SEARCH items VECTOR [${one.join(', ')}] ON embedding`).vector).toMatchObject({
      slot: embedding,
    });
    const values = Float32Array.from(one);
    expect(bound('SEARCH items VECTOR $1', [values]).vector?.values).toBe(values);
  });

  test.each([
    [{ v: [1, 2, 3] }, 'VECTOR: it has 3 numbers, and no embedding of item has: there are embedding (128)'],
    [
      { v: one.map((x) => x * Number.NaN) },
      'VECTOR: number 1 is NaN: give finite numbers that fit into 32 bits',
    ],
    [
      { v: one.map((x) => x * 1e300) },
      'VECTOR: number 1 is Infinity: give finite numbers that fit into 32 bits',
    ],
    [{ v: one.map(() => 0) }, 'VECTOR: all of its numbers are 0, which is no direction: leave VECTOR out'],
    [{ v: 'x' }, 'VECTOR: it is a string: give a list of numbers or a Float32Array'],
    [{ v: ['x'] }, 'VECTOR: it is a list that is not of numbers: give a list of numbers or a Float32Array'],
    [{ v: null }, 'VECTOR: it is null: give a list of numbers or a Float32Array'],
  ])('%#', (parameters, message) => {
    expect(() => bound('SEARCH items VECTOR $v', parameters as never)).toThrow(message);
  });

  test('is not compared with an embedding of other dimensions', () => {
    const parameters = { v: [1, 2] };
    expect(() => bound('SEARCH items VECTOR $v ON embedding', parameters)).toThrow(
      'VECTOR: it has 2 numbers, and embedding of item has 128',
    );
    expect(() => bound('SEARCH items VECTOR $v ON embeding', parameters)).toThrow(
      'did you mean "embedding"?',
    );
  });

  test('that fits two embeddings says which', () => {
    const history = historyOf('DEFINE ENTITY item (cover VECTOR(2) METRIC l2, sound VECTOR(2))');
    expect(() => boundIn(history, 'SEARCH items VECTOR [1, 2]')).toThrow(
      'cover, sound of item have 2 numbers each: say which: ON cover',
    );
    expect(boundIn(history, 'SEARCH items VECTOR [1, 2] ON sound').vector).toMatchObject({ slot: 2 });
    expect(boundIn(history, 'SEARCH items VECTOR [0, 0] ON cover').vector).toMatchObject({ slot: 1 });
    const none = historyOf('DEFINE ENTITY item ()');
    expect(() => boundIn(none, 'SEARCH items VECTOR [1]')).toThrow('define one first, item has none');
  });
});
