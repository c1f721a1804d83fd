/**
 * The ten nearest of many vectors: this database's graph, usearch's, and a plain loop over a typed array, which is exact. usearch is
 * given the smallest search list with which it finds as much as TruthDB does, so that times are compared at the same recall.
 */
import { join } from 'node:path';
import { atLeast, atMost, median, rounded } from '../bench.ts';
import { inTurns, medianOf } from '../sql/part.ts';
import { type Finding, figure, type PartResult, percentile, type RankingPlan } from './findings.ts';
import { InMemoryRanking } from './in-memory.ts';
import { needUsearch, type Usearch, type UsearchIndex } from './peers-needed.ts';
import type { ServedWorld } from './served.ts';
import { DIMENSIONS } from './size.ts';
import { makeVectors } from './vectors-made.ts';

const PART = 'vectors';
const TRUTHDB = 'TruthDB';
const USEARCH = 'usearch';
const BRUTE = 'brute force';
const NEAREST = 10;
/** Questions to the loop in a round: all of its take the same. */
const BRUTE_MOST = 10;
const BATCH = 500;
const TOPICS = 100;
const EXPANSIONS = [16, 32, 48, 64, 96, 128, 192, 256, 384, 512];
/** As this database's own graphs have it. */
const CONNECTIVITY = 16;
const EXPANSION_ADD = 128;
const RECALL_LEAST = 0.98;
const MILLIS_MOST = 1;
const TIMES_USEARCH_MOST = 1.2;

export async function nearest(plan: RankingPlan, served: ServedWorld): Promise<PartResult> {
  const usearch = needUsearch(plan.progress);
  const results: PartResult[] = [];
  for (const { dimensions, count } of plan.size.vectors)
    results.push(await compared(plan, usearch, dimensions, count, served));
  return { findings: results.flatMap(({ findings }) => findings), aims: results.flatMap(({ aims }) => aims) };
}

async function compared(
  plan: RankingPlan,
  usearch: Usearch,
  dimensions: number,
  count: number,
  { world }: ServedWorld,
): Promise<PartResult> {
  const load = `${count.toLocaleString('en-US')} × ${dimensions}`;
  const questions = dimensions > DIMENSIONS ? plan.size.slowly : plan.size.questions;
  plan.progress(`${PART}: ${load}`);
  const all = new Float32Array(count * dimensions);
  const asked: Float32Array[] = [];
  let row = 0;
  for (const vector of makeVectors(count + questions, dimensions, TOPICS)) {
    if (row < count) all.set(normalised(vector), row++ * dimensions);
    else asked.push(normalised(vector));
  }
  const ours = linked(plan, all, dimensions, world.end);
  const exact = asked.map((query) => bruteForce(all, dimensions, query));
  const { vectors, kind, slot } = ours.ranking.vectorsOf('embedding');
  const our = (query: Float32Array) => vectors.nearest(kind, slot, query, NEAREST, null).items;
  const recall = recallOf(asked, exact, our, 1);
  plan.progress(`${PART}: ${load}: usearch`);
  const theirs = comparable(
    usearch,
    plan,
    all,
    dimensions,
    (search) => recallOf(asked, exact, search, 0),
    recall,
  );
  const timed = (search: (query: Float32Array) => unknown, most: number) => async () => {
    const micros = new Float64Array(Math.min(most, asked.length));
    for (const [at, query] of asked.slice(0, most).entries()) {
      plan.signal.throwIfAborted();
      const began = performance.now();
      search(query);
      micros[at] = (performance.now() - began) * 1000;
    }
    return percentile(micros, 0.5);
  };
  const figures = await inTurns(
    [
      { name: TRUTHDB, run: timed(our, questions) },
      { name: USEARCH, run: timed(theirs.search, questions) },
      { name: BRUTE, run: timed((query) => bruteForce(all, dimensions, query), BRUTE_MOST) },
    ],
    plan,
  );
  const times = (who: string) =>
    median(figures.get(TRUTHDB)!.map((micros, at) => micros / figures.get(who)![at]!));
  const notes: Readonly<Record<string, string>> = {
    [TRUTHDB]: `recall@10 ${rounded(recall)}`,
    [USEARCH]: `recall@10 ${rounded(theirs.recall)}, search list ${theirs.expansion}`,
    [BRUTE]: 'recall@10 1',
  };
  const findings = [TRUTHDB, USEARCH, BRUTE].map(
    (who): Finding => ({
      ...{ part: PART, load: `10 nearest of ${load}`, who, unit: 'µs, p50', value: medianOf(figures, who) },
      ...{ ratio: who === TRUTHDB ? 1 : times(who), note: notes[who]! },
    }),
  );
  return {
    findings: [
      ...findings,
      figure(PART, `building, ${load}`, TRUTHDB, 'µs a vector', ours.micros / count),
      figure(PART, `building, ${load}`, USEARCH, 'µs a vector', theirs.micros / count),
    ],
    aims: [
      atLeast(`recall@10, ${load}`, RECALL_LEAST, recall),
      atMost(`10 nearest of ${load}: milliseconds`, MILLIS_MOST, medianOf(figures, TRUTHDB) / 1000),
      atMost(`10 nearest of ${load}: times usearch`, TIMES_USEARCH_MOST, times(USEARCH)),
    ],
  };
}

/** An item for each row, numbered from 1, with the graph complete. */
function linked(plan: RankingPlan, all: Float32Array, dimensions: number, now: ServedWorld['world']['end']) {
  const ranking = new InMemoryRanking(now, ['entities', 'duplicates', 'vectors']);
  ranking.execute(`DEFINE ENTITY item (embedding VECTOR(${dimensions}) METRIC cosine)`);
  const began = performance.now();
  const count = all.length / dimensions;
  for (let first = 0; first < count; first += BATCH) {
    plan.signal.throwIfAborted();
    const rows = Array.from({ length: Math.min(BATCH, count - first) }, (_, at) => first + at);
    const entities = rows.map((row) => ({
      ...({ action: 'put', kind: 'item', key: `v${row}`, state: null, at: null } as const),
      set: { embedding: all.subarray(row * dimensions, (row + 1) * dimensions) },
    }));
    ranking.write({ command: 'put-entities', entities, failure: 'all' });
  }
  ranking.settle();
  return { ranking, micros: (performance.now() - began) * 1000 };
}

/** usearch with the shortest search list that finds as much as is wanted, or the longest there is. */
function comparable(
  { Index }: Usearch,
  { directory }: RankingPlan,
  all: Float32Array,
  dimensions: number,
  recallOfSearch: (search: Search) => number,
  wanted: number,
) {
  // The length of the list is the constructor's; so the index is built once and loaded for each.
  const withList = (expansion: number): UsearchIndex =>
    new Index({
      ...{ dimensions, metric: 'cos', quantization: 'f32', connectivity: CONNECTIVITY },
      ...{ expansion_add: EXPANSION_ADD, expansion_search: expansion },
    });
  const built = withList(EXPANSIONS[0]!);
  const began = performance.now();
  built.add(
    BigUint64Array.from({ length: all.length / dimensions }, (_, row) => BigInt(row)),
    all,
    1,
  );
  const micros = (performance.now() - began) * 1000;
  const file = join(directory, `usearch-${dimensions}`);
  built.save(file);
  const found = EXPANSIONS.map((expansion) => {
    const index = withList(expansion);
    index.load(file);
    const search: Search = (query) => index.search(query, NEAREST, 1).keys;
    return { search, expansion, micros, recall: recallOfSearch(search) };
  });
  return found.find(({ recall }) => recall >= wanted) ?? found.at(-1)!;
}

type Search = (query: Float32Array) => ArrayLike<number | bigint>;

/** Share of the exact answers that are found. `first`: number of row 0. */
function recallOf(
  asked: readonly Float32Array[],
  exact: readonly Uint32Array[],
  search: Search,
  first: number,
): number {
  let found = 0;
  for (const [at, query] of asked.entries()) {
    const given = new Set(Array.from(search(query), (number) => Number(number) - first));
    for (const row of exact[at]!) if (given.has(row)) found += 1;
  }
  return found / (asked.length * NEAREST);
}

/** Rows with the largest dot products, best first: the nearest by cosine, as all are of length 1. */
function bruteForce(all: Float32Array, dimensions: number, query: Float32Array): Uint32Array {
  const rows = new Uint32Array(NEAREST);
  const best = new Float64Array(NEAREST).fill(Number.NEGATIVE_INFINITY);
  for (let row = 0, base = 0; base < all.length; row++, base += dimensions) {
    let dot = 0;
    for (let axis = 0; axis < dimensions; axis++) dot += all[base + axis]! * query[axis]!;
    if (dot <= best[NEAREST - 1]!) continue;
    let place = NEAREST - 1;
    for (; place > 0 && best[place - 1]! < dot; place--) {
      best[place] = best[place - 1]!;
      rows[place] = rows[place - 1]!;
    }
    best[place] = dot;
    rows[place] = row;
  }
  return rows;
}

function normalised(vector: Float32Array): Float32Array {
  const length = Math.sqrt(vector.reduce((sum, each) => sum + each * each, 0));
  return vector.map((each) => each / length);
}
