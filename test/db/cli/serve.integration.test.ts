import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Client, connect } from '../../../db/client/index.ts';
import { ServerProcess, truthdb } from '../support/program.ts';
import { temporaryDirectory } from '../support/serving.ts';

let directory = '';
let data = '';
const servers: ServerProcess[] = [];

beforeEach(() => {
  directory = temporaryDirectory();
  data = join(directory, 'data');
});

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.child.kill('SIGKILL');
    await server.ended;
  }
  rmSync(directory, { recursive: true, force: true });
});

/** The server on a disk whose fdatasync fails from the thirtieth call on. */
function spawnFailing(directoryOfData: string): ServerProcess {
  const inject = [
    '-f',
    '-qq',
    '-o',
    '/dev/null',
    '-e',
    'trace=fdatasync',
    '-e',
    'inject=fdatasync:error=EIO:when=30+',
  ];
  const server = new ServerProcess(directoryOfData, [], {}, ['strace', ...inject]);
  servers.push(server);
  return server;
}

function start(args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): ServerProcess {
  const server = new ServerProcess(data, args, env);
  servers.push(server);
  return server;
}

test('a first start needs no decision: it makes everything and prints one connection string, once', async () => {
  const first = start();
  const { connection, socket } = await first.serving();
  expect(connection).toMatch(/^truthdb:\/\/[\w-]{43}@127\.0\.0\.1:\d+\?fp=[0-9a-f]{64}$/);
  const db = await connect(connection as string);
  await db.append('s', { type: 't', data: 1 });
  await db.close();
  expect(readdirSync(data).sort()).toEqual(['metadata', 'snapshots', 'truthdb.sock', 'views', 'wal']);
  expect(statSync(join(data, 'metadata', 'tls', 'key.pem')).mode & 0o077).toBe(0);
  expect(statSync(socket as string).mode & 0o777).toBe(0o600);
  const { code, out, err } = await first.stop();
  expect(code).toBe(0);
  const token = (connection as string).slice(10, 53);
  expect(out.split(token)).toHaveLength(2);
  expect(err).not.toContain(token);
  const again = start();
  const second = await again.serving();
  expect(second.connection).toBeNull();
  const same = await connect((connection as string).replace(/:\d+\?/, `:${second.port}?`));
  expect((await same.readStreamPage('s')).events).toHaveLength(1);
  await same.close();
});

test('a first start that cannot listen still shows the one token it made', async () => {
  const other = start();
  const { port, httpPort } = await other.serving();
  data = join(directory, 'second');
  for (const taken of [
    ['--port', String(port)],
    ['--http-port', String(httpPort)],
  ]) {
    rmSync(data, { recursive: true, force: true });
    const refused = await truthdb(['serve', '--data', data, '--host', '127.0.0.1', ...taken]);
    expect(refused.code).toBe(78);
    expect(refused.err).toContain('in use by another program');
    expect(refused.err).toContain('--http-port');
    expect(refused.out).toMatch(/^truthdb:\/\/[\w-]{43}@127\.0\.0\.1:\d+\?fp=[0-9a-f]{64}\n$/);
    const { port: chosen } = await start().serving();
    const db = await connect(refused.out.trim().replace(/:\d+\?/, `:${chosen}?`));
    await db.append('s', { type: 't', data: 1 });
    await db.close();
    await servers.at(-1)?.stop();
  }
});

test('init prints one object that is enough to serve and connect', async () => {
  const made = await truthdb(['init', '--data', data, '--json', '--host-names', 'db.example.org,10.1.2.3']);
  expect(made.code).toBe(0);
  const result = JSON.parse(made.out) as Record<string, string>;
  expect(Object.keys(result)).toEqual(['logId', 'fingerprint', 'adminToken', 'connection']);
  expect(result['connection']).toBe(
    `truthdb://${result['adminToken']}@db.example.org:9650?fp=${result['fingerprint']}`,
  );
  const { port, fingerprint, connection } = await start().serving();
  expect(connection).toBeNull();
  expect(fingerprint).toBe(result['fingerprint']);
  const db = await connect(`truthdb://${result['adminToken']}@127.0.0.1:${port}?fp=${fingerprint}`);
  expect((await db.status())['logId']).toBe(result['logId']);
  await db.close();
  const again = await truthdb(['init', '--data', data, '--json']);
  expect(again.code).toBe(73);
  expect(JSON.parse(again.err)).toMatchObject({ error: { code: 'ALREADY_EXISTS' } });
});

test('init with the hash of a token keeps no secret and prints none', async () => {
  const hash = execFileSync('sha256sum', { input: 'my own token' }).toString().slice(0, 64);
  const made = await truthdb(['init', '--data', data, '--json', '--admin-token-hash', hash]);
  expect(Object.keys(JSON.parse(made.out) as object)).toEqual(['logId', 'fingerprint']);
  const { port, fingerprint } = await start().serving();
  const db = await connect(`truthdb://my%20own%20token@127.0.0.1:${port}?fp=${fingerprint}`);
  expect(await db.ping()).toBeGreaterThan(0);
  await db.close();
});

test('a directory with other things in it is left alone', async () => {
  execFileSync('mkdir', ['-p', data]);
  writeFileSync(join(data, 'thesis.txt'), 'x');
  const made = await truthdb(['init', '--data', data]);
  expect(made.code).toBe(64);
  expect(made.err).toContain('thesis.txt');
  expect(readdirSync(data)).toEqual(['thesis.txt']);
});

test('a set-up that was interrupted is finished by the next start', async () => {
  const made = JSON.parse((await truthdb(['init', '--data', data, '--json'])).out) as { fingerprint: string };
  rmSync(join(data, 'metadata', 'tokens.json'));
  const { connection, fingerprint } = await start().serving();
  expect(fingerprint).toBe(made.fingerprint);
  const db = await connect(connection as string);
  expect(await db.ping()).toBeGreaterThan(0);
  await db.close();
});

test('a second server on the same directory is told LOCKED and changes nothing', async () => {
  await start().serving();
  const second = await start(['--socket', 'off']).ended;
  expect(second.code).toBe(75);
  expect(JSON.parse(second.err.trim().split('\n').at(-1) as string)).toMatchObject({
    error: { code: 'LOCKED' },
  });
});

test('a port in use is named', async () => {
  const { port } = await start().serving();
  const other = join(directory, 'other');
  const second = new ServerProcess(other, ['--port', String(port)]);
  servers.push(second);
  const { code, err } = await second.ended;
  expect(code).toBe(78);
  expect(err).toContain(`127.0.0.1:${port}`);
  expect(err).toContain('in use');
});

test('SIGTERM under load: what was acknowledged is there, the rest was refused, exit 0', async () => {
  const server = start();
  const { connection } = await server.serving();
  const db = await connect(connection as string, { reconnect: false });
  const acknowledged = await appendUntilRefused(db, async () => {
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect((await server.stop('SIGTERM')).code).toBe(0);
  });
  expect(acknowledged.size).toBeGreaterThan(10);
  await expectAll(acknowledged, connection as string);
  const verified = await truthdb(['wal', 'verify', '--data', data, '--json']);
  expect(verified.code).toBe(0);
});

test('kill -9 in the middle, three times over: every acknowledged event is there, in order, once', async () => {
  let connection: string | null = null;
  const acknowledged = new Set<number>();
  for (let round = 0; round < 3; round++) {
    const server = start();
    const serving = await server.serving();
    connection = (serving.connection ?? connection) as string;
    const db = await connect(connection.replace(/:\d+\?/, `:${serving.port}?`), { reconnect: false });
    const known = await appendUntilRefused(
      db,
      async () => {
        await new Promise((resolve) => setTimeout(resolve, 300));
        await server.stop('SIGKILL');
      },
      round * 1_000_000,
    );
    expect(known.size).toBeGreaterThan(10);
    for (const value of known) acknowledged.add(value);
  }
  await expectAll(acknowledged, connection as string);
});

test('a disk that fails ends the server with an exit code of its own; nothing acknowledged is lost', async () => {
  const { connection: url } = await (async () => {
    const first = start();
    const serving = await first.serving();
    await first.stop();
    return serving;
  })();
  const failing = spawnFailing(data);
  const { port } = await failing.serving();
  const address = (url as string).replace(/:\d+\?/, `:${port}?`);
  const db = await connect(address, { reconnect: false });
  const errors = new Set<string>();
  const acknowledged = new Set<number>();
  for (let value = 0; errors.size === 0; value++) {
    try {
      await db.append('s', { type: 't', data: value });
      acknowledged.add(value);
    } catch (error) {
      errors.add((error as { code: string }).code);
    }
  }
  const { code, err } = await failing.ended;
  expect(code).toBe(71);
  expect(err).toContain('cannot be written any more');
  expect([...errors][0]).toMatch(/WRITER_FAILED|CLOSED|CONNECTION/);
  expect(acknowledged.size).toBeGreaterThan(5);
  await expectAll(acknowledged, url as string);
});

/** Appends as fast as answers come until the server refuses or is gone; returns what was acknowledged. */
async function appendUntilRefused(db: Client, end: () => Promise<void>, first = 0): Promise<Set<number>> {
  const acknowledged = new Set<number>();
  let next = first;
  const worker = async (stream: string) => {
    try {
      while (true) {
        const value = next++;
        await db.append(stream, { type: 't', data: value });
        acknowledged.add(value);
      }
    } catch {
      // The end that was waited for.
    }
  };
  const workers = Array.from({ length: 20 }, (_, index) => worker(`s-${index}`));
  await end();
  await Promise.all(workers);
  return acknowledged;
}

async function expectAll(acknowledged: ReadonlySet<number>, connection: string): Promise<void> {
  const { port } = await start().serving();
  const db = await connect(connection.replace(/:\d+\?/, `:${port}?`));
  const found: number[] = [];
  const streams = new Map<string, number>();
  for await (const event of db.readAll()) {
    found.push(event.json<number>());
    expect(event.revision).toBe((streams.get(event.stream) ?? -1) + 1);
    streams.set(event.stream, event.revision);
  }
  await db.close();
  expect(new Set(found).size).toBe(found.length);
  const present = new Set(found);
  expect([...acknowledged].filter((value) => !present.has(value))).toEqual([]);
}

test('systemd is told when the server is ready, only when it asked, and only then', async () => {
  const told = join(directory, 'told');
  const tool = join(directory, 'systemd-notify');
  writeFileSync(tool, `#!/bin/sh\necho "$@" > ${told}\n`);
  chmodSync(tool, 0o755);
  const PATH = `${directory}:${process.env['PATH']}`;
  const silent = start([], { PATH });
  await silent.serving();
  expect(existsSync(told)).toBe(false);
  await silent.stop();
  const asked = start([], { PATH, NOTIFY_SOCKET: '/run/systemd/notify' });
  await asked.serving();
  expect(readFileSync(told, 'utf8')).toMatch(/^--ready --status=serving /);
});

test('a token is not printed into the journal', async () => {
  const journal = join(directory, 'journal');
  writeFileSync(journal, '');
  const { dev, ino } = statSync(journal);
  const command = `JOURNAL_STREAM=${dev}:${ino} exec "$@" >> ${journal}`;
  const server = new ServerProcess(data, [], {}, ['bash', '-c', command, 'bash']);
  servers.push(server);
  while (!readFileSync(journal, 'utf8').includes('\n'))
    await new Promise((resolve) => setTimeout(resolve, 20));
  const { err } = await server.stop();
  expect(JSON.parse(readFileSync(journal, 'utf8'))).toMatchObject({ connection: null });
  expect(err).toContain('not written to the journal');
});

test('settings come from file, environment and flags; a wrong key stops the start and is named', async () => {
  const file = join(directory, 'truthdb.json');
  writeFileSync(file, JSON.stringify({ http: { server: 'off' }, socket: 'off' }));
  const fromFile = start(['--config', file]);
  expect(await fromFile.serving()).toMatchObject({ httpPort: null, socket: null });
  await fromFile.stop();
  const overridden = start(['--config', file], { TRUTHDB_HTTP_SERVER: 'on', TRUTHDB_LISTEN_PROT: '1' });
  expect((await overridden.serving()).httpPort).toBeGreaterThan(0);
  expect((await overridden.stop()).err).toContain('TRUTHDB_LISTEN_PROT means nothing');
  writeFileSync(file, JSON.stringify({ listen: { prot: 1 } }));
  const wrong = await start(['--config', file]).ended;
  expect(wrong.code).toBe(78);
  expect(wrong.err).toContain('unknown key listen.prot');
});

test('a token cannot cross the network readable', async () => {
  const ran = await truthdb(['serve', '--data', data, '--tls', 'off', '--host', '0.0.0.0']);
  expect(ran.code).toBe(78);
  expect(ran.err).toContain('readable');
  expect(existsSync(data)).toBe(false);
});

test('HTTP is plain on the loopback by default, and HTTPS with the pinned certificate when wanted', async () => {
  const server = start(['--http-tls', 'on']);
  const { httpPort, httpTls } = await server.serving();
  expect(httpTls).toBe(true);
  const certificate = join(data, 'metadata', 'tls', 'certificate.pem');
  const said = execFileSync('curl', ['-s', '--cacert', certificate, `https://localhost:${httpPort}/readyz`]);
  expect(JSON.parse(String(said))).toEqual({ ok: true });
  await server.stop();
  const plain = await start().serving();
  expect(plain.httpTls).toBe(false);
  expect((await fetch(`http://127.0.0.1:${plain.httpPort}/readyz`)).status).toBe(200);
});
