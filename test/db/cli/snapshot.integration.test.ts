/** `truthdb snapshot …` as an operator uses it: against a running server, and on the files of one that is gone. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { connect } from '../../../db/client/index.ts';
import { type Ran, ServerProcess, truthdb } from '../support/program.ts';
import { temporaryDirectory } from '../support/serving.ts';

const EVENTS = 3000;

let data = '';

beforeEach(() => {
  const directory = temporaryDirectory();
  data = join(directory, 'data');
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
});

interface Running {
  readonly server: ServerProcess;
  readonly socket: string;
  /** Runs a command against the server. */
  local(...args: string[]): Promise<Ran>;
}

async function start(env: NodeJS.ProcessEnv = {}): Promise<Running> {
  const server = new ServerProcess(data, [], env);
  onTestFinished(async () => {
    await server.stop('SIGKILL');
  });
  const { socket } = await server.serving();
  return {
    server,
    socket: socket as string,
    local: (...args) => truthdb([...args, '--socket', socket as string]),
  };
}

async function fill({ local }: Running, from = 0): Promise<void> {
  const file = join(data, '..', `events-${from}.jsonl`);
  const lines = Array.from({ length: EVENTS }, (_, index) =>
    JSON.stringify({ stream: `s${index % 7}`, type: 'counted', data: { number: from + index } }),
  );
  writeFileSync(file, `${lines.join('\n')}\n`);
  const ran = await local('import', file);
  expect(ran.code, ran.err).toBe(0);
}

function json(ran: Ran): Record<string, unknown>[] {
  expect(ran.code, ran.err).toBe(0);
  return ran.out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

function offline(...args: string[]): Promise<Ran> {
  return truthdb(['snapshot', ...args, '--data', data]);
}

test('a snapshot is taken, listed, held, verified, and put in place of lost views', async () => {
  const running = await start();
  const { local, server } = running;
  await fill(running);
  const [created] = json(await local('snapshot', 'create', '--hold', 'a test', '--json'));
  expect(created).toMatchObject({ epoch: 1, held: 'a test', problem: null });
  const name = created?.['name'] as string;
  await fill(running, EVENTS);
  expect(json(await local('snapshot', 'list', '--json'))).toEqual([created]);
  const shown = await local('snapshot', 'list');
  expect(shown.out).toMatch(
    new RegExp(`^${name}  position \\d+  epoch 1  20.*Z  \\d+ bytes  held: a test\n$`),
  );
  expect((await local('snapshot', 'release', name)).out).not.toContain('held');

  // While the server works: verifying reads the live log.
  expect((await offline('verify')).out).toMatch(new RegExp(`^${name}  ok: position \\d+`));
  expect((await offline('restore', name)).err).toContain('[LOCKED]');
  await server.stop();

  rmSync(join(data, 'views'), { recursive: true });
  rmSync(join(data, 'metadata', 'views.json'));
  const restored = await offline('restore', name);
  expect(restored.out).toMatch(
    /^views at \d+ from snapshot .*: stream-index, sql, tenants, audit, ranking-entities, .*ranking-text\n$/,
  );
  const again = await start();
  const status = json(await again.local('status', '--json'))[0];
  expect(status).toMatchObject({ events: 2 * EVENTS, state: 'serving' });
  const [last] = json(await again.local('read', 's3', '--backwards', '--limit', '1', '--json'));
  expect(last).toMatchObject({ stream: 's3' });
});

test('a damaged snapshot is refused with an exit code, and a start without views says that it passes it over', async () => {
  const running = await start();
  await fill(running);
  const [created] = json(await running.local('snapshot', 'create', '--json'));
  await running.server.stop();
  const name = created?.['name'] as string;
  const file = join(data, 'snapshots', `${name}.snapshot`);
  const bytes = readFileSync(file);
  bytes[100]! ^= 4;
  writeFileSync(file, bytes);
  const verified = await offline('verify', '--json');
  expect(verified.code).toBe(65);
  expect(JSON.parse(verified.out)).toMatchObject({ name, ok: false });
  const refused = await offline('restore', name);
  expect([refused.code, refused.err]).toEqual([65, expect.stringContaining('[CORRUPT]')]);
  rmSync(join(data, 'views'), { recursive: true });
  const again = await start();
  expect(json(await again.local('status', '--json'))[0]).toMatchObject({ events: EVENTS });
  const { err } = await again.server.stop();
  expect(err).toMatch(new RegExp(`snapshot ${name}.* cannot be used`));
});

test('the policy of the configuration takes them in the background and keeps few', async () => {
  const running = await start({ TRUTHDB_SNAPSHOTS_EVERY_COMMITS: '3', TRUTHDB_SNAPSHOTS_KEEP: '2' });
  const db = await connect({ kind: 'unix', path: running.socket });
  for (let round = 0; round < 60; round++) {
    await db.append('s', { type: 't', data: round });
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await db.close();
  const snapshots = json(await running.local('snapshot', 'list', '--json'));
  expect(snapshots.length).toBeGreaterThanOrEqual(1);
  expect(snapshots.length).toBeLessThanOrEqual(2);
  const { err } = await running.server.stop();
  expect(err).toContain('; removed ');
});

test('a server killed while it takes one leaves whole snapshots only', async () => {
  for (const millis of [0, 2, 6]) {
    const running = await start();
    const found = readdirSync(join(data, 'snapshots'));
    expect(found.filter((file) => file.endsWith('.tmp'))).toEqual([]);
    const db = await connect({ kind: 'unix', path: running.socket }, { reconnect: false });
    for (let round = 0; round < 20; round++) {
      const events = Array.from({ length: 500 }, (_, index) => ({ type: 't', data: { round, index } }));
      await db.append(`s${round}`, events);
    }
    const taking = db.administer({ command: 'snapshot-create', hold: null }).catch(() => null);
    await new Promise((resolve) => setTimeout(resolve, millis));
    await running.server.stop('SIGKILL');
    await taking;
    await db.close();
    const verified = await offline('verify', '--json');
    expect(verified.code, verified.out).toBe(0);
  }
}, 180_000);
