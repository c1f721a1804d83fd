/**
 * What trends among a cohort, and search with filters, beside PostgreSQL 15 over the loopback, one connection each, statements prepared.
 * PostgreSQL has what a person would give it: what was known of the user in each row of views, an index that alone answers the
 * question of a cohort, a generated tsvector with GIN, an index on what is filtered by; analysed, vacuumed, all of it in memory.
 */
import { chmodSync, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import pg from 'pg';
import { atLeast, type BenchAim, median } from '../bench.ts';
import { POSTGRESQL, type PostgresServer, startPostgresql } from '../peers/postgresql.ts';
import { cpuMicros } from '../serving.ts';
import { inTurns, medianOf } from '../sql/part.ts';
import { familyOf } from '../sql/servers.ts';
import { CpuOfQuestions, type Finding, type PartResult, percentile, type RankingPlan } from './findings.ts';
import { needPackage } from './peers-needed.ts';
import { Random } from './random.ts';
import type { ServedWorld } from './served.ts';
import { AGE_GROUPS, COUNTRIES, FIRST_YEAR, FORMATS, type World, YEARS } from './world.ts';

const PART = 'postgres';
const TRUTHDB = 'TruthDB';
const MICROS_PER_DAY = 86_400_000_000;
/** Of views that PostgreSQL is given: no question looks further back. */
const DAYS_KEPT = 7;
const SEED = 41;
const COHORT_TIMES = 20;
const SEARCH_TIMES = 5;
const YEARS_ASKED = 10;
const COUNTRIES_ASKED = 5;

const TABLES = `
  CREATE TABLE items (
    id integer PRIMARY KEY, title text NOT NULL, body text NOT NULL, format text NOT NULL, year integer NOT NULL,
    words tsvector GENERATED ALWAYS AS
      (setweight(to_tsvector('english', title), 'A') || setweight(to_tsvector('english', body), 'B')) STORED
  );
  CREATE TABLE views (item integer NOT NULL, country text NOT NULL, age_group text NOT NULL, at timestamptz NOT NULL)`;
const INDEXES = `
  CREATE INDEX items_words ON items USING gin (words);
  CREATE INDEX items_format_year ON items (format, year);
  CREATE INDEX views_cohort ON views (country, age_group, at) INCLUDE (item)`;
const COHORT = `
  SELECT item, count(*) AS views FROM views
  WHERE country = $1 AND age_group = ANY ($2) AND at > now() - $3::interval
  GROUP BY item ORDER BY views DESC, item LIMIT 50`;
const SEARCH = `
  SELECT id FROM items
  WHERE words @@ to_tsquery('english', $1) AND format = $2 AND year BETWEEN $3 AND $4
  ORDER BY ts_rank(words, to_tsquery('english', $1)) DESC LIMIT 20`;

/** The same question to both. */
interface Question {
  readonly ours: { readonly text: string; readonly parameters: readonly (string | number)[] };
  readonly theirs: { readonly name: string; readonly text: string; readonly values: readonly unknown[] };
}

export async function cohorts(plan: RankingPlan, served: ServedWorld): Promise<PartResult> {
  needPackage('postgresql-15', plan.progress);
  const { client, serving } = await served.open();
  // PostgreSQL does not run as root and must reach its directory.
  chmodSync(plan.directory, 0o755);
  plan.progress(`${PART}: filling PostgreSQL`);
  const server = await startPostgresql(join(plan.directory, 'postgresql'));
  const database = new pg.Client({
    host: '127.0.0.1',
    port: server.port,
    user: server.user,
    database: 'postgres',
  });
  try {
    await fill(server, served.world, plan.directory);
    await database.connect();
    await database.query("SET work_mem = '64MB'");
    const findings: Finding[] = [];
    const aims: BenchAim[] = [];
    for (const { load, times, questions } of loads(served.world, plan.size.slowly)) {
      plan.progress(`${PART}: ${load}`);
      const cpu = new CpuOfQuestions();
      const micros = async (ask: (question: Question) => Promise<number>) => {
        const each: number[] = [];
        for (const question of questions) {
          plan.signal.throwIfAborted();
          const began = performance.now();
          await ask(question);
          each.push((performance.now() - began) * 1000);
        }
        return percentile(each, 0.5);
      };
      const takers = [
        {
          name: TRUTHDB,
          run: (isCounted: boolean) =>
            cpu.counted(TRUTHDB, isCounted, serving.cpuMicros, questions.length, () =>
              micros(
                async ({ ours }) => (await client.ranking.retrieve(ours.text, ours.parameters)).hits.length,
              ),
            ),
        },
        {
          name: POSTGRESQL,
          run: (isCounted: boolean) =>
            cpu.counted(
              POSTGRESQL,
              isCounted,
              () => cpuOf(server),
              questions.length,
              () =>
                micros(async ({ theirs }) => {
                  const { rowCount } = await database.query({ ...theirs, values: [...theirs.values] });
                  return rowCount ?? 0;
                }),
            ),
        },
      ];
      const figures = await inTurns(takers, plan);
      const ratio = median(figures.get(TRUTHDB)!.map((ours, at) => figures.get(POSTGRESQL)![at]! / ours));
      for (const who of [TRUTHDB, POSTGRESQL])
        findings.push({
          ...{
            part: PART,
            load,
            who,
            unit: 'µs, p50',
            value: medianOf(figures, who),
            note: cpu.note(who),
          },
          ratio: who === POSTGRESQL ? 1 : ratio,
        });
      aims.push(atLeast(`${load}: times as fast as PostgreSQL`, times, ratio));
    }
    return { findings, aims };
  } finally {
    await database.end();
    await server.stop();
  }
}

/** Of all its processes so far, in microseconds. */
function cpuOf({ pid }: PostgresServer): number {
  return familyOf(pid).reduce((sum, each) => sum + cpuMicros(each), 0);
}

function loads(world: World, count: number) {
  const random = new Random(SEED);
  const young = ['18-24', '25-34'];
  const declared = (window: '24h' | '7d'): Question => ({
    ours: { text: `RETRIEVE items WITHIN COHORT c0_young TRENDING view ${window} LIMIT 50`, parameters: [] },
    theirs: { name: 'cohort', text: COHORT, values: ['c0', young, intervalOf(window)] },
  });
  const adHoc = (window: '24h' | '7d'): Question => {
    const country = COUNTRIES[random.below(COUNTRIES_ASKED)]!;
    const first = random.below(AGE_GROUPS.length - 1);
    const ages = AGE_GROUPS.slice(first, first + 2);
    const condition = `country = '${country}' AND age_group IN (${ages.map((age) => `'${age}'`).join(', ')})`;
    return {
      ours: {
        text: `RETRIEVE items WITHIN COHORT (${condition}) TRENDING view ${window} LIMIT 50`,
        parameters: [],
      },
      theirs: { name: 'cohort', text: COHORT, values: [country, ages, intervalOf(window)] },
    };
  };
  const search = (): Question => {
    const words = world.words(random, 2);
    const format = FORMATS[random.below(FORMATS.length)]!;
    const from = FIRST_YEAR + random.below(YEARS - YEARS_ASKED);
    const to = from + YEARS_ASKED;
    return {
      ours: {
        text: `SEARCH items QUERY $1 FILTER format = $2, year BETWEEN $3 AND $4 LIMIT 20`,
        parameters: [words, format, from, to],
      },
      theirs: { name: 'search', text: SEARCH, values: [words.replaceAll(' ', ' | '), format, from, to] },
    };
  };
  const many = (make: () => Question) => Array.from({ length: count }, make);
  return [
    { load: 'declared cohort, 24 h', times: COHORT_TIMES, questions: many(() => declared('24h')) },
    { load: 'declared cohort, 7 d', times: COHORT_TIMES, questions: many(() => declared('7d')) },
    {
      load: 'ad hoc cohort of two dimensions, 24 h',
      times: COHORT_TIMES,
      questions: many(() => adHoc('24h')),
    },
    { load: 'ad hoc cohort of two dimensions, 7 d', times: COHORT_TIMES, questions: many(() => adHoc('7d')) },
    { load: 'search with filters', times: SEARCH_TIMES, questions: many(search) },
  ];
}

function intervalOf(window: '24h' | '7d'): string {
  return window === '24h' ? '24 hours' : '7 days';
}

async function fill({ sql }: PostgresServer, world: World, directory: string): Promise<void> {
  await sql(TABLES);
  const [items, views] = [join(directory, 'items.tsv'), join(directory, 'views.tsv')];
  await writeLines(items, itemLines(world));
  await writeLines(views, viewLines(world));
  await sql(`COPY items (id, title, body, format, year) FROM '${items}'`);
  await sql(`COPY views FROM '${views}'`);
  for (const index of INDEXES.split(';')) await sql(index);
  await sql('VACUUM ANALYZE items');
  await sql('VACUUM ANALYZE views');
  await sql('CHECKPOINT');
}

function* itemLines(world: World): Generator<string> {
  for (let item = 0; item < world.size.items; item++) {
    const { title, body } = world.text(item);
    yield `${item}\t${title}\t${body}\t${world.format(item)}\t${world.year(item)}\n`;
  }
}

function* viewLines(world: World): Generator<string> {
  const from = world.end - DAYS_KEPT * MICROS_PER_DAY;
  for (const { signal, item, user, at } of world.signals()) {
    if (signal !== 0 || at < from) continue;
    const { country, ageGroup } = world.traits(user);
    yield `${item}\t${country}\t${ageGroup}\t${new Date(at / 1000).toISOString()}\n`;
  }
}

async function writeLines(path: string, lines: Iterable<string>): Promise<void> {
  const out = createWriteStream(path, { mode: 0o644 });
  const LINES = 10_000;
  let [text, count] = ['', 0];
  for (const line of lines) {
    text += line;
    if (++count % LINES !== 0) continue;
    if (!out.write(text)) await new Promise<void>((resolve) => out.once('drain', resolve));
    text = '';
  }
  out.end(text);
  await finished(out);
}
