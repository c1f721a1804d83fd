import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bucketOf } from '../../../../../db/ranking/evaluate/bucket.ts';
import type { EntityNumber } from '../../../../../db/ranking/ground.ts';
import { Budget } from '../../../../../db/ranking/retrieve/execute/budget.ts';
import { applyFunction } from '../../../../../db/ranking/retrieve/score/functions.ts';
import { Batch, compile, evaluate, Memory, Scope } from '../../../../../db/ranking/retrieve/score/index.ts';
import type { Scalar } from '../../../../../db/ranking/schema/model.ts';
import { scalars, worlds } from '../../support/arbitrary.ts';
import { LIMITS, profileOf, queryOf, worldOf } from '../../support/asking.ts';
import { ENGAGEMENT, items, LIKE } from '../../support/example-schema.ts';
import { readersOf } from '../../support/world.ts';

const number = (value: number): Scalar => ({ scalar: 'number', value });
const apply = (name: Extract<Scalar, { scalar: 'apply' }>['function'], ...of: readonly Scalar[]): Scalar => ({
  scalar: 'apply',
  function: name,
  of,
});

class CountingMemory extends Memory {
  taken = 0;
  most = 0;

  override column(): Float64Array {
    this.taken += 1;
    this.most = Math.max(this.most, this.taken);
    return super.column();
  }

  override give(column: Float64Array): void {
    this.taken -= 1;
    super.give(column);
  }
}

function scopeOf(memory: Memory, readers = readersOf(worldOf())): Scope {
  return Scope.of(queryOf(), readers, new Budget(LIMITS), memory);
}

function result(scalar: Scalar): number {
  const { columns } = evaluate(
    compile([scalar], items),
    new Batch(Uint32Array.of(1)),
    scopeOf(new Memory(1)),
  );
  return columns[0]![0]!;
}

describe('a program', () => {
  test('works out once what is written twice', () => {
    const likes: Scalar = { scalar: 'signal', signal: LIKE, measure: { measure: 'score' } };
    const program = compile([apply('+', likes, likes), apply('*', number(2), likes), likes], items);
    expect(program.steps.map(({ step }) => step)).toEqual(['leaf', 'apply', 'number', 'apply']);
    expect(program.results).toEqual([1, 3, 0]);
  });

  test('has in place of a computed attribute what it is computed from', () => {
    const program = compile([{ scalar: 'attribute', attribute: ENGAGEMENT }], items);
    expect(program.steps.map(({ step }) => step)).toEqual(['leaf', 'leaf', 'apply']);
  });

  test('refuses what nests without end', () => {
    let deep = number(1);
    for (let at = 0; at < 300; at++) deep = apply('-', deep);
    expect(() => compile([deep], items)).toThrowError(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });

  test('needs no more columns than are read later, and gives all of them back', () => {
    let chain = number(0);
    for (let at = 1; at < 50; at++) chain = apply('+', chain, number(at));
    const memory = new CountingMemory(4);
    const evaluation = evaluate(compile([chain], items), new Batch(Uint32Array.of(1, 2)), scopeOf(memory));
    expect(evaluation.columns[0]!.slice(0, 2)).toEqual(Float64Array.of(1_225, 1_225));
    expect(memory.most).toBeLessThan(5);
    evaluation.release();
    expect(memory.taken).toBe(0);
  });

  test('is never infinite and never not a number, whatever is written', () => {
    fc.assert(
      fc.property(worlds(1, 6), fc.array(scalars, { minLength: 1, maxLength: 3 }), (world, measures) => {
        const ids = Uint32Array.from(world.items, (_, at) => at + 1);
        const scope = scopeOf(new Memory(8), readersOf(world));
        const { columns, release } = evaluate(compile(measures, items), new Batch(ids), scope);
        for (const column of columns) {
          for (let at = 0; at < ids.length; at++) expect(Number.isFinite(column[at])).toBe(true);
        }
        release();
      }),
      { numRuns: 200 },
    );
  });
});

describe('a function', () => {
  test.each([
    ['-', [7], -7],
    ['-', [7, 2], 5],
    ['/', [7, 2], 3.5],
    ['/', [7, 0], 0],
    ['min', [3, 1, 2], 1],
    ['max', [3, 1, 2], 3],
    ['clamp', [9, 0, 5], 5],
    ['log1p', [-1], 0],
    ['sqrt', [-4], 0],
    ['sqrt', [9], 3],
    ['abs', [-2], 2],
    ['pow', [2, 10], 1024],
    ['pow', [0, -1], 0],
    ['pow', [-8, 0.5], 0],
    ['saturate', [3, 1], 0.75],
    ['saturate', [1, -1], 0],
    ['sigmoid', [0], 0.5],
    ['decay', [48, 24], 0.25],
    ['decay', [48, 0], 0],
    ['exp', [1_000], 1e100],
    ['share', [7], 1],
    ['share', [-7], 0],
    ['overdispersion', [7, 7], 0],
  ] as const)('%s of %j is %d', (name, of, value) => {
    expect(result(apply(name, ...of.map(number)))).toBe(value);
  });

  test('overdispersion is 0 for counts that keep to proportions or scatter by chance, and near 1 for others', () => {
    const of = (counts: readonly number[], usual: readonly number[]): number => {
      const columns = [counts, usual].map((column) => Float64Array.from(column));
      const out = new Float64Array(counts.length);
      applyFunction('overdispersion', columns, counts.length, out);
      expect(new Set(out).size).toBe(1);
      return out[0]!;
    };
    const usual = [400, 300, 200, 100];
    expect(of([40, 30, 20, 10], usual)).toBe(0);
    expect(of([44, 27, 21, 8], usual)).toBe(0);
    expect(of([0, 0, 0, 0], usual)).toBe(0);
    // 100 events, of which 36, 0, 0 and 100 - 36 would be usual: 1 - 100 / (2 · 64²)
    expect(of([100, 0], [36, 64])).toBeCloseTo(1 - 100 / (2 * 64 * 64), 12);
    expect(of([5, 0, 0, 95], usual)).toBeGreaterThan(0.98);
  });

  test('a bucket is that of the user in the experiment named like the profile', () => {
    const bucketFor = (user: number, name: string): number => {
      const query = queryOf({ user: user as EntityNumber, profile: profileOf({ name }) });
      const scope = Scope.of(query, readersOf(worldOf()), new Budget(LIMITS), new Memory(1));
      const program = compile([{ scalar: 'feature', feature: 'bucket' }], items);
      return evaluate(program, new Batch(Uint32Array.of(1)), scope).columns[0]![0]!;
    };
    expect([1, 2, 3].map((user) => bucketFor(user, 'rows'))).toEqual(
      [1, 2, 3].map((user) => bucketOf(`u${user}`, 'rows')),
    );
    expect(bucketFor(1, 'rows')).not.toBe(bucketFor(1, 'columns'));
    expect(bucketFor(0, 'rows')).toBe(0);
  });
});
