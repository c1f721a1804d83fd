import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Micros } from '../../db/ranking/ground.ts';
import { figure, percentile } from '../../scripts/bench/ranking/findings.ts';
import { filled, signalLists } from '../../scripts/bench/ranking/in-memory.ts';
import { keep, kept } from '../../scripts/bench/ranking/kept.ts';
import { lineChart } from '../../scripts/bench/ranking/line-chart.ts';
import { drawings, PLOT, renderPage } from '../../scripts/bench/ranking/page.ts';
import { DistinctPairs, NumberHashes } from '../../scripts/bench/ranking/pairs.ts';
import { Random, Zipf } from '../../scripts/bench/ranking/random.ts';
import { AnswerReader, encodeCommand } from '../../scripts/bench/ranking/redis-link.ts';
import { makeVectors } from '../../scripts/bench/ranking/vectors-made.ts';
import { batched, DAYS, SIGNALS, World } from '../../scripts/bench/ranking/world.ts';

const END = 1_800_000_000_000_000 as Micros;
const SIZE = { items: 2_000, vectors: 50, users: 300, signals: 20_000 };

describe('the world that is asked about', () => {
  test('is the same each time, in its order, and within its thirty days', () => {
    const signals = () => [...new World(SIZE, END).signals()].map((signal) => ({ ...signal }));
    const copies = () => [...batched(new World(SIZE, END).signals(), 7, (signal) => ({ ...signal }))].flat();
    const all = copies();
    expect(copies()).toEqual(all);
    expect(signals()).toHaveLength(SIZE.signals);
    for (const [at, { item, user, signal, at: time }] of all.entries()) {
      expect(item).toBeLessThan(SIZE.items);
      expect(user).toBeLessThan(SIZE.users);
      expect(SIGNALS[signal]).toBeDefined();
      expect(time).toBeGreaterThanOrEqual(all[at - 1]?.at ?? END - DAYS * 86_400_000_000);
      expect(time).toBeLessThan(END);
    }
  });

  test('has a few items that many look at, and seven views in ten signals', () => {
    const counts = new Map<number, number>();
    let views = 0;
    for (const { item, signal } of new World(SIZE, END).signals()) {
      counts.set(item, (counts.get(item) ?? 0) + 1);
      if (signal === 0) views += 1;
    }
    const most = [...counts.values()].sort((a, b) => b - a).slice(0, SIZE.items / 100);
    const share = most.reduce((sum, count) => sum + count, 0) / SIZE.signals;
    expect(share).toBeGreaterThan(0.15);
    expect(views / SIZE.signals).toBeCloseTo(0.7, 1);
  });

  test('has every item once, the most popular ones with a vector', () => {
    const drafts = [...new World(SIZE, END).items(300)].flat();
    expect(new Set(drafts.map(({ key }) => key)).size).toBe(SIZE.items);
    const withVector = drafts.map((draft) => draft.action === 'put' && 'embedding' in draft.set);
    expect(withVector.lastIndexOf(true)).toBe(SIZE.vectors - 1);
    expect(withVector.filter(Boolean)).toHaveLength(SIZE.vectors);
  });

  test('goes through all views, and is found by every kind of question', () => {
    const world = new World(SIZE, END);
    const ranking = filled(world, () => {});
    for (const signals of signalLists(world.signals())) ranking.signals(signals);
    for (const question of [
      'RETRIEVE items FOR USER @u0 USING PROFILE for_you LIMIT 5',
      'RETRIEVE items WITHIN TRENDING view 24h LIMIT 5',
      'RETRIEVE items WITHIN COHORT c0_young TRENDING view 24h LIMIT 5',
      `SEARCH items QUERY "${world.words(new Random(1), 3)}" LIMIT 5`,
    ])
      expect(ranking.ask(question, [], END).hits.length).toBeGreaterThan(0);
  });
});

describe('what is drawn', () => {
  test('by rank is as frequent as 1 / rank', () => {
    const [random, zipf] = [new Random(1), new Zipf(100, 1)];
    const counts = new Float64Array(100);
    for (let at = 0; at < 200_000; at++) counts[zipf.draw(random)]! += 1;
    for (const rank of [1, 3, 9])
      expect(counts[0]! / counts[rank]!).toBeCloseTo(rank + 1, -Math.log10(rank + 1));
  });

  test('normally has the mean 0 and the variance 1', () => {
    const random = new Random(2);
    const values = Array.from({ length: 50_000 }, () => random.normal());
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    expect(mean).toBeCloseTo(0, 1);
    expect(variance).toBeCloseTo(1, 1);
  });

  test('as vectors is nearer to its topic than to others', () => {
    const vectors = [...makeVectors(40, 64, 10)];
    const cosine = (a: Float32Array, b: Float32Array) => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
    const pairs = (same: boolean) =>
      vectors.flatMap((a, at) =>
        vectors
          .slice(at + 1)
          .flatMap((b, after) => (((after + 1) % 10 === 0) === same ? [cosine(a, b)] : [])),
      );
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(pairs(true))).toBeGreaterThan(mean(pairs(false)) + 0.2);
  });
});

test('sets of numbers hold what was added, once', () => {
  const numbers = fc.array(fc.oneof(fc.nat(50), fc.nat({ max: 2 ** 40 })), { maxLength: 3_000 });
  fc.assert(
    fc.property(numbers, (given) => {
      const set = new NumberHashes();
      for (const number of given) set.add(number);
      expect(set.size).toBe(new Set(given).size);
    }),
  );
});

test('pairs and cells are counted once each', () => {
  const world = new World(SIZE, END);
  const [pairs, cells] = [new Set<string>(), new Set<string>()];
  const counted = new DistinctPairs(world);
  for (const made of world.signals()) {
    counted.add(made);
    pairs.add(`${made.item} ${made.signal}`);
    if (made.signal < SIGNALS.indexOf('share'))
      cells.add(`${made.item} ${made.signal} ${world.tuple(made.user)}`);
  }
  expect([counted.signals, counted.itemSignals, counted.cells]).toEqual([
    SIZE.signals,
    pairs.size,
    cells.size,
  ]);
});

describe('answers of Redis', () => {
  const value = fc.letrec<{ value: string; array: string }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom('+OK\r\n', ':12\r\n', '$-1\r\n', '$0\r\n\r\n', '$5\r\nab\r\nc\r\n'),
      tie('array'),
    ),
    array: fc
      .array(tie('value'), { maxLength: 4 })
      .map((values) => `*${values.length}\r\n${values.join('')}`),
  })).value;

  test('are counted however they are cut into pieces', () => {
    fc.assert(
      fc.property(
        fc.array(value, { maxLength: 10 }),
        fc.array(fc.integer({ min: 1, max: 9 })),
        (values, cuts) => {
          const reader = new AnswerReader();
          const bytes = Buffer.from(values.join(''));
          let [at, answers] = [0, 0];
          for (let piece = 0; at < bytes.length; piece++) {
            const end = at + (cuts.length === 0 ? bytes.length : cuts[piece % cuts.length]!);
            answers += reader.take(bytes.subarray(at, end));
            at = end;
          }
          expect(answers).toBe(values.length);
        },
      ),
    );
  });

  test('that refuse are errors', () => {
    expect(() => new AnswerReader().take(Buffer.from('-ERR no\r\n'))).toThrow('ERR no');
    expect(encodeCommand('ZINCRBY', 'ä', '1')).toBe('*3\r\n$7\r\nZINCRBY\r\n$2\r\nä\r\n$1\r\n1\r\n');
  });
});

test('percentiles are values that were measured', () => {
  const values = Array.from({ length: 100 }, (_, at) => 100 - at);
  expect([0.5, 0.99, 1].map((share) => percentile(values, share))).toEqual([51, 100, 100]);
});

describe('what is kept and shown', () => {
  const machine = {
    ...{
      cpu: 'a processor',
      cores: 2,
      memoryGiB: 24,
      kernel: 'Linux',
      node: '26',
      fileSystem: 'ext4',
      freeGiB: 1,
    },
  };
  const measured = (value: number) => ({
    findings: [
      { part: 'text', load: '9 documents', who: 'TruthDB', unit: 'µs, p50', value, ratio: 4, note: '' },
      {
        part: 'text',
        load: '9 documents',
        who: 'FTS5',
        unit: 'µs, p50',
        value: 4 * value,
        ratio: 1,
        note: '',
      },
    ],
    aims: [{ name: 'text: times FTS5', aim: '≥ 10', value: 4, met: false }],
    ...({ size: 'small', rounds: 3, machine } as const),
  });

  test('is the last of each part', () => {
    const directory = mkdtempSync(join(tmpdir(), 'kept-'));
    try {
      const file = join(directory, 'dist', 'kept.json');
      expect(kept(file)).toEqual({});
      keep('text', measured(1), file);
      keep(
        'vectors',
        { ...measured(2), aims: [{ name: 'a', aim: '≥ 1', value: Number.NaN, met: false }] },
        file,
      );
      keep('text', measured(3), file);
      expect(kept(file)['text']?.findings[0]?.value).toBe(3);
      expect(kept(file)['vectors']?.aims[0]?.value).toBeNaN();
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test('is tables with the load they were measured under, and plots', () => {
    const curve = [10, 100].map((count) =>
      figure('curves', `trending: ${count} items`, 'items', 'µs, p50', count / 5),
    );
    const all = {
      text: { ...measured(5), load: 7 },
      curves: { ...measured(1), findings: curve, aims: [], load: 1 },
    };
    const page = renderPage(all);
    expect(page).toContain('| 9 documents | TruthDB | 5 | µs, p50 | 4× |');
    expect(page).toContain('load 7, **busy with other work**');
    expect(page).toContain('| text: times FTS5 | ≥ 10 | 4 | **no** |');
    expect(drawings(all)[PLOT.peers]).toContain('9 documents');
    expect(drawings(all)[PLOT.items]).toContain('trending (µs, p50)');
  });

  test('is drawn with a point for each value, further right and higher as it grows', () => {
    const svg = lineChart('t', 'c', 'x', [
      { name: 'one', points: [10, 100, 1000].map((x) => ({ x, y: x * 3 })) },
    ]);
    const points = [...svg.matchAll(/cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [
      Number(x),
      Number(y),
    ]);
    expect(points).toHaveLength(3);
    for (let at = 1; at < 3; at++) {
      expect(points[at]![0]).toBeGreaterThan(points[at - 1]![0]!);
      expect(points[at]![1]).toBeLessThan(points[at - 1]![1]!);
    }
  });
});

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, axis) => sum + value * b[axis]!, 0);
}
