/** EVALUATE and SHOW EXPERIMENTS through a server's doors: the figures of `truthdb evaluate`, from a process of its own. */
import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Client, connect, type RankedTable, TruthError } from '../../../db/client/index.ts';
import { initDatabase, openEngine } from '../../../db/engine.ts';
import { RealDisk } from '../../../db/io/index.ts';
import { HttpServer } from '../../../db/server/http/http-server.ts';
import { SideEvaluation } from '../../../db/server/side-evaluation.ts';
import { TENANT_DEFAULT } from '../../../db/types.ts';
import { runCommand } from '../support/command.ts';
import { PROGRAM, ServerProcess } from '../support/program.ts';
import { newToken, type Serving, startServing, temporaryDirectory } from '../support/serving.ts';

const SPAN = "FROM '2026-03-01' TO '2026-04-01'";
const HOUR = 3_600_000_000;
const START = Date.parse('2026-03-01T00:00:00Z') * 1000;

const parent = temporaryDirectory();
const directory = join(parent, 'data');
let serving: Serving;
let http: HttpServer;
let db: Client;

beforeAll(async () => {
  initDatabase({ directory, disk: new RealDisk(), random: randomBytes });
  const budget = { memoryMebibytes: 1024, seconds: 300 };
  const evaluation = new SideEvaluation({ directory, program: PROGRAM, ...budget });
  serving = await startServing({ inFlightMax: 4 }, await openEngine({ directory }), evaluation);
  db = await connect(serving.tcp);
  http = new HttpServer({
    ...{ host: '127.0.0.1', port: 0, certificate: null, metricsOpen: true },
    ...{ bodyBytesMax: 100_000, connectionsMax: 10 },
  });
  await http.listen();
  http.serve(serving.server.database, serving.tokens);
  await fill();
});

afterAll(async () => {
  await db.close();
  await http.close(200);
  await serving.close();
  rmSync(parent, { recursive: true, force: true });
});

async function fill(): Promise<void> {
  const { ranking } = db;
  for (const statement of [
    'DEFINE ENTITY item (genre KEYWORD FILTER)',
    'DEFINE ENTITY user (country KEYWORD DIMENSION)',
    'DEFINE SIGNAL view ON item POSITIVE WINDOWS (24h) COHORTS EFFECTS (STATE seen)',
    "DEFINE COHORT polish AS country = 'PL'",
  ])
    await ranking.execute(statement);
  await ranking.entities([
    ...Array.from({ length: 30 }, (_, at) => ({ kind: 'item', key: `i${at}`, set: { genre: `g${at % 3}` } })),
    ...Array.from({ length: 8 }, (_, at) => ({
      kind: 'user',
      key: `u${at}`,
      set: { country: at < 3 ? 'PL' : 'DE' },
    })),
  ]);
  await ranking.signals(
    Array.from({ length: 120 }, (_, at) => ({
      ...{ signal: 'view', target: `i${Math.floor(at / 8 + (at % 8) * (at % 5)) % 30}` },
      ...{ user: `u${at % 8}`, at: START + at * HOUR },
    })),
  );
  await ranking.expose({ experiment: 'rows', arm: 'old', user: 'u0', kind: 'item', items: ['i1', 'i2'] });
  await ranking.expose({ experiment: 'rows', arm: 'new', user: 'u1', kind: 'item', items: ['i1'] });
  await ranking.expose({ experiment: 'other', arm: 'only', user: 'u1', kind: 'item', items: ['i3'] });
  await ranking.signals([{ signal: 'view', target: 'i29', user: 'u0' }]);
}

/** Seconds are those of the machine. */
function comparable(report: unknown): unknown {
  return { ...(report as object), seconds: 0, position: 0 };
}

async function postedStatement(
  statement: string,
  signal?: AbortSignal,
): Promise<{ readonly status: number; readonly body: unknown }> {
  const response = await fetch(`http://127.0.0.1:${http.port}/v1/rank`, {
    ...{ method: 'POST', headers: { authorization: `Bearer ${serving.tcp.token}` } },
    body: JSON.stringify({ statement }),
    signal: signal ?? null,
  });
  return { status: response.status, body: await response.json() };
}

describe('EVALUATE', () => {
  test('has the same figures through SDK, HTTP and command line as over the files', async () => {
    const statement = `EVALUATE PROFILE for_you VS trending ${SPAN} SAMPLE 30`;
    const byClient = await db.ranking.evaluate(
      'EVALUATE PROFILE for_you VS trending FROM $1 TO $2 SAMPLE $3',
      ['2026-03-01', '2026-04-01', 30],
    );
    const files = await runCommand('evaluate', statement, '--data', directory, '--json');
    expect(comparable(byClient.report)).toEqual(comparable(files.json()));
    const { rankers } = byClient.report as {
      readonly rankers: readonly { readonly ranker: string; readonly metrics: Record<string, number> }[];
    };
    const hitRate = byClient.columns.indexOf('HR@10');
    const whole = byClient.rows.filter((row) => row[1] === null);
    expect(whole.map((row) => [row[0], row[hitRate]])).toEqual(
      rankers.map(({ ranker, metrics }) => [ranker, metrics['HR@10']]),
    );
    expect(byClient.rows.some((row) => row[1] === 'polish')).toBe(true);
    expect(byClient.notes?.join('\n')).toContain('for_you against trending');

    const byHttp = await postedStatement(statement);
    expect(comparable((byHttp.body as RankedTable).report)).toEqual(comparable(byClient.report));
    const byCommand = await runCommand('rank', statement, '--url', serving.url);
    expect(byCommand.err).toBe('');
    expect(byCommand.out).toMatch(/ranker +cohort +moments +HR@1/);
  });

  test('says what is wrong with it as the command does', async () => {
    await expect(db.ranking.evaluate(`EVALUATE PROFILE nothing ${SPAN}`)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('nothing'),
    });
    await expect(
      db.ranking.evaluate("EVALUATE PROFILE for_you FROM '2026-04-01' TO '2026-03-01'"),
    ).rejects.toThrow('FROM is the earlier one');
  });

  test('wants somebody who may change profiles', async () => {
    const { token } = serving.tokens.create(newToken('looker', 'reader'), new Date());
    const reader = await connect({ ...serving.tcp, token: token as string });
    await expect(reader.ranking.execute(`EVALUATE PROFILE for_you ${SPAN}`)).rejects.toThrow(
      'may not define',
    );
    await reader.close();
  });

  test('is one at a time, and ends when nobody waits for it', async () => {
    const side = new SideEvaluation({
      directory,
      program: lastingProgram(),
      memoryMebibytes: 64,
      seconds: 100,
    });
    const [first, second] = [new AbortController(), new AbortController()];
    const waiting = side.report(TENANT_DEFAULT, ['x'], first.signal);
    await expect(side.report(TENANT_DEFAULT, ['x'], second.signal)).rejects.toMatchObject({ code: 'BUSY' });
    first.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'CLOSED' });
    const next = side.report(TENANT_DEFAULT, ['x'], second.signal);
    side.close();
    await expect(next).rejects.toMatchObject({ code: 'CLOSED' });
    await expect(side.report(TENANT_DEFAULT, ['x'], second.signal)).rejects.toMatchObject({ code: 'CLOSED' });
  });

  test('a connection that goes away frees the place for the next', async () => {
    const lasting = lastingProgram();
    const side = new SideEvaluation({ directory, program: lasting, memoryMebibytes: 64, seconds: 100 });
    const other = await startServing({}, await openEngine({ directory: another() }), side);
    const { token } = other.tokens.create(newToken('leaving', 'owner'), new Date());
    const leaving = await connect({ ...other.tcp, token: token as string });
    const asked = leaving.ranking.execute('SHOW EXPERIMENTS').catch((error: unknown) => error);
    // Requests of a connection are taken up in their order.
    await leaving.ping();
    other.tokens.revoke('leaving', null);
    expect(await asked).toBeInstanceOf(TruthError);
    rmSync(join(parent, 'lasts'));
    const staying = await connect(other.tcp);
    const answer = (): Promise<unknown> =>
      staying.ranking.execute('SHOW EXPERIMENTS').catch(({ code }: TruthError) => code);
    await expect.poll(answer, { timeout: 60_000 }).toMatchObject({ answer: 'table', rows: [] });
    await staying.close();
    await other.close();
  });
});

test('SHOW EXPERIMENTS has every arm of every experiment', async () => {
  const shown = (await db.ranking.execute('SHOW EXPERIMENTS')) as RankedTable;
  const [experiment, arm, exposures] = ['experiment', 'arm', 'exposures'].map((name) =>
    shown.columns.indexOf(name),
  );
  expect(shown.rows.map((row) => [row[experiment!], row[arm!], row[exposures!]])).toEqual([
    ['rows', 'old', 1],
    ['rows', 'new', 1],
    ['other', 'only', 1],
  ]);
  const byHttp = await postedStatement('SHOW EXPERIMENTS');
  expect((byHttp.body as RankedTable).rows).toEqual(shown.rows);
});

test('a server that somebody started starts itself once more for it', async () => {
  const server = new ServerProcess(join(parent, 'started'));
  const { socket } = await server.serving();
  const client = await connect({ kind: 'unix', path: socket as string });
  await client.ranking.execute('DEFINE ENTITY item ()');
  expect(await client.ranking.execute('SHOW EXPERIMENTS')).toMatchObject({ answer: 'table', rows: [] });
  await client.close();
  await server.stop();
});

/** Stands for an evaluation that takes long, as long as there is a file `lasts`: it ends when it is told to. */
function lastingProgram(): readonly [string, ...string[]] {
  const [script, lasts] = [join(parent, 'lasting.cjs'), join(parent, 'lasts')];
  writeFileSync(lasts, '');
  writeFileSync(
    script,
    `if (require('node:fs').existsSync(${JSON.stringify(lasts)})) setInterval(() => {}, 1000); else console.log('[]');\n`,
  );
  return [process.execPath, script];
}

function another(): string {
  const made = join(parent, 'another');
  initDatabase({ directory: made, disk: new RealDisk(), random: randomBytes });
  return made;
}
