/** Questions of two or three words to the text index and to SQLite's FTS5 (porter) over the same documents, in this process, in turns. */
import { DatabaseSync } from 'node:sqlite';
import { atLeast, median, rounded } from '../bench.ts';
import { threadMicros } from '../sql/embedded.ts';
import { inTurns, medianOf } from '../sql/part.ts';
import { type Finding, figure, type PartResult, percentile, type RankingPlan } from './findings.ts';
import { InMemoryRanking } from './in-memory.ts';
import { Random } from './random.ts';
import type { ServedWorld } from './served.ts';
import { SCHEMA, World } from './world.ts';

const PART = 'text';
const TRUTHDB = 'TruthDB';
const FTS5 = 'FTS5';
const BATCH = 1_000;
const LIMIT = 20;
const SEED = 31;
const TIMES = 10;

export async function text(plan: RankingPlan, served: ServedWorld): Promise<PartResult> {
  const { documents, questions: count } = plan.size;
  const world = new World({ items: documents, vectors: 0, users: 1, signals: 0 }, served.world.end);
  plan.progress(`${PART}: ${documents} documents in both`);
  const ranking = new InMemoryRanking(world.end, ['entities', 'duplicates', 'text']);
  for (const statement of SCHEMA) ranking.execute(statement);
  const database = new DatabaseSync(':memory:');
  try {
    database.exec("CREATE VIRTUAL TABLE documents USING fts5(title, body, tokenize = 'porter unicode61')");
    const insert = database.prepare('INSERT INTO documents (rowid, title, body) VALUES (?, ?, ?)');
    let [number, sqlite] = [0, 0];
    for (const entities of world.items(BATCH)) {
      plan.signal.throwIfAborted();
      ranking.write({ command: 'put-entities', entities, failure: 'all' });
      const began = threadMicros();
      database.exec('BEGIN');
      for (const draft of entities) {
        if (draft.action === 'put')
          insert.run(++number, String(draft.set['title']), String(draft.set['body']));
      }
      database.exec('COMMIT');
      sqlite += threadMicros() - began;
    }
    const load = `${documents.toLocaleString('en-US')} documents of 30 words`;
    const indexed = [
      figure(
        PART,
        `indexing, ${load}`,
        TRUTHDB,
        'µs of CPU a document',
        ranking.micros.get('text')! / documents,
      ),
      figure(PART, `indexing, ${load}`, FTS5, 'µs of CPU a document', sqlite / documents),
    ];
    const random = new Random(SEED);
    const questions = Array.from({ length: count }, (_, at) => world.words(random, 2 + (at % 2)));
    const result = await asked(plan, ranking, database, questions, load);
    return { findings: [...indexed, ...result.findings], aims: result.aims };
  } finally {
    database.close();
  }
}

async function asked(
  plan: RankingPlan,
  ranking: InMemoryRanking,
  database: DatabaseSync,
  questions: readonly string[],
  load: string,
): Promise<PartResult> {
  plan.progress(`${PART}: ${questions.length} questions`);
  const { text, kind } = ranking.texts();
  const select = database.prepare(
    `SELECT rowid FROM documents WHERE documents MATCH ? ORDER BY bm25(documents, 2.0, 1.0) LIMIT ${LIMIT}`,
  );
  const ours = (question: string) => text.search(kind, question, LIMIT, null).items.length;
  const theirs = (question: string) => select.all(question.replaceAll(' ', ' OR ')).length;
  const found = questions.map((question) => [ours(question), theirs(question)]);
  const differing = found.filter(([a, b]) => a !== b).length;
  if (differing > 0)
    throw new Error(`${differing} questions find more documents in one index than in the other`);
  const timed = (ask: (question: string) => number) => async () => {
    const micros = new Float64Array(questions.length);
    for (const [at, question] of questions.entries()) {
      plan.signal.throwIfAborted();
      const began = performance.now();
      ask(question);
      micros[at] = (performance.now() - began) * 1000;
    }
    return percentile(micros, 0.5);
  };
  const figures = await inTurns(
    [
      { name: TRUTHDB, run: timed(ours) },
      { name: FTS5, run: timed(theirs) },
    ],
    plan,
  );
  const ratio = median(figures.get(TRUTHDB)!.map((micros, at) => figures.get(FTS5)![at]! / micros));
  const findings = [TRUTHDB, FTS5].map((who): Finding => {
    const value = medianOf(figures, who);
    return {
      part: PART,
      load,
      who,
      unit: 'µs, p50',
      value,
      ratio: who === FTS5 ? 1 : ratio,
      note: `${LIMIT} best`,
    };
  });
  return { findings, aims: [atLeast(`text: times as fast as FTS5 at ${load}`, TIMES, rounded(ratio))] };
}
