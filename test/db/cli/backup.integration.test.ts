/** `truthdb backup …` as an operator uses it: of a server under load, through tar, and back into a server. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { type Client, connect } from '../../../db/client/index.ts';
import { type Ran, ServerProcess, truthdb } from '../support/program.ts';
import { temporaryDirectory } from '../support/serving.ts';

const BIN = join(import.meta.dirname, '..', '..', '..', 'db', 'bin.ts');

let directory = '';
let data = '';

beforeEach(() => {
  directory = temporaryDirectory();
  data = join(directory, 'data');
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
});

async function serve(at: string): Promise<{ server: ServerProcess; db: Client }> {
  const server = new ServerProcess(at, ['--segment-bytes', '1048576']);
  onTestFinished(async () => {
    await server.stop('SIGKILL');
  });
  const { socket } = await server.serving();
  return { server, db: await connect({ kind: 'unix', path: socket as string }) };
}

async function fill(db: Client, from: number, count: number): Promise<void> {
  for (let at = from; at < from + count; at += 100) {
    const events = Array.from({ length: 100 }, (_, index) => ({
      type: 't',
      data: { number: at + index, padding: 'x'.repeat(300) },
    }));
    await db.append(`s${at % 3}`, events);
  }
}

async function numbers(db: Client): Promise<number[]> {
  const found: number[] = [];
  for await (const event of db.readAll()) found.push((event.json() as { number: number }).number);
  return found;
}

function backup(...args: string[]): Promise<Ran> {
  return truthdb(['backup', ...args], { cwd: directory });
}

function made(ran: Ran): Record<string, unknown> {
  expect(ran.code, ran.err).toBe(0);
  return JSON.parse(ran.out) as Record<string, unknown>;
}

test('a server under load is backed up, in full and again, and restored to any of its moments', async () => {
  const { server, db } = await serve(data);
  await fill(db, 0, 3000);
  const writing = fill(db, 3000, 3000);
  const full = made(await backup('create', '--data', data, '--to', 'full', '--json'));
  await writing;
  const more = fill(db, 6000, 1000);
  const next = made(
    await backup('create', '--data', data, '--to', 'next', '--incremental', '--base', 'full', '--json'),
  );
  await more;
  const secrets = ['tokens.json', 'tls/key.pem', 'tls/certificate.pem'];
  expect(full).toMatchObject({ kind: 'full' });
  expect(
    (full['metadata'] as string[]).filter((file) => secrets.includes(file) || file.endsWith('.key')),
  ).toEqual([]);
  expect(next).toMatchObject({ kind: 'incremental' });
  expect(next['position']).toBeGreaterThan(full['position'] as number);
  expect(made(await backup('verify', 'next', '--json'))).toMatchObject({ ok: true, problems: [] });
  await db.close();
  await server.stop();

  const restored = made(await backup('restore', 'next', '--to', 'again', '--json'));
  expect(restored).toMatchObject({ position: next['position'], epoch: 2 });
  const early = made(await backup('restore', 'full', '--to', 'early', '--until', '1500', '--json'));
  expect(early['position']).toBeLessThanOrEqual(1500);
  const all = await serve(join(directory, 'again'));
  const found = await numbers(all.db);
  expect(found).toEqual(found.map((_, index) => index));
  expect(found.length).toBeGreaterThanOrEqual(6000);
  await all.db.close();
  await all.server.stop();
  const verified = await truthdb(['wal', 'verify', '--data', join(directory, 'early')]);
  expect(verified.code, verified.out).toBe(0);
}, 120_000);

test('a stream is a tar archive, and what it unpacks to is the backup, with secrets when asked for', async () => {
  const { server, db } = await serve(data);
  await fill(db, 0, 500);
  await db.close();
  await server.stop();
  const archive = join(directory, 'full.tar');
  const program = spawn(
    process.execPath,
    [BIN, 'backup', 'create', '--data', data, '--to', '-', '--with-tokens', '--with-tls'],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const chunks: Buffer[] = [];
  for await (const chunk of program.stdout) chunks.push(chunk as Buffer);
  writeFileSync(archive, Buffer.concat(chunks));
  mkdirSync(join(directory, 'unpacked'));
  execFileSync('tar', ['-x', '-f', archive, '-C', join(directory, 'unpacked')]);
  expect(made(await backup('verify', 'unpacked', '--json'))).toMatchObject({
    ok: true,
    metadata: expect.arrayContaining(['tokens.json', 'tls/key.pem', 'tls/certificate.pem']),
  });
  const text = await backup('restore', 'unpacked', '--to', 'again', '--until-time', new Date().toISOString());
  expect(text.err).toContain('cannot know what was recorded after that');
  expect((await backup('restore', 'unpacked', '--to', 'again')).code).toBe(0);
  for (const file of ['tokens.json', 'tls/key.pem', 'tls/certificate.pem']) {
    const path = join(directory, 'again', 'metadata', file);
    expect(readFileSync(path)).toEqual(readFileSync(join(data, 'metadata', file)));
    expect(statSync(path).mode & 0o777).toBe(0o600);
  }
}, 120_000);

test('damage, wrong words and half backups have their exit codes', async () => {
  const { server, db } = await serve(data);
  await fill(db, 0, 200);
  await db.close();
  await server.stop();
  await backup('create', '--data', data, '--to', 'full');
  const [piece] = readdirSync(join(directory, 'full', 'segments'));
  const path = join(directory, 'full', 'segments', piece as string);
  const bytes = readFileSync(path);
  bytes[9000]! ^= 1;
  writeFileSync(path, bytes);
  const verified = await backup('verify', 'full');
  expect([verified.code, verified.out]).toEqual([65, expect.stringContaining('SHA-256 differs')]);
  const refused = await backup('restore', 'full', '--to', 'again');
  expect([refused.code, refused.err]).toEqual([65, expect.stringContaining('nothing was restored')]);
  expect(readdirSync(directory)).not.toContain('again');
  rmSync(join(directory, 'full', 'backup.json'));
  const half = await backup('verify', 'full');
  expect([half.code, half.err]).toEqual([4, expect.stringContaining('no complete backup')]);
  const misused = [
    [['create', '--data', data, '--to', 'x', '--incremental'], '--incremental needs --base'],
    [['create', '--data', data, '--to', 'x', '--base', 'full'], 'without --incremental'],
    [['create', '--to', 'x'], '--data is missing'],
    [['restore', 'full', '--to', 'y', '--until-time', 'yesterday'], 'a moment with its zone'],
    [['restore', 'full', '--to', 'y', '--until', '3', '--until-time', '2026-01-02T03:04Z'], 'both'],
  ] as const;
  await Promise.all(
    misused.map(async ([args, why]) => {
      const ran = await backup(...args);
      expect([ran.code, ran.err]).toEqual([64, expect.stringContaining(why)]);
    }),
  );
}, 120_000);

test('killed at any moment it leaves no backup that looks like one', async () => {
  const { server, db } = await serve(data);
  await fill(db, 0, 4000);
  await db.close();
  await server.stop();
  // By what is there already, not by the clock: how long it all takes is the machine's affair.
  const moments = [
    (to: string) => existsSync(to),
    (to: string) => filesIn(join(to, 'wal')).length > 0,
    (to: string) => filesIn(join(to, 'wal')).some((file) => statSync(file).size > 100_000),
  ];
  let killed = 0;
  for (const [round, reached] of moments.entries()) {
    const to = join(directory, `killed-${round}`);
    const program = spawn(process.execPath, [BIN, 'backup', 'create', '--data', data, '--to', to]);
    let running = true;
    const ended = new Promise<void>((resolve) =>
      program.once('close', () => {
        running = false;
        resolve();
      }),
    );
    while (running && !reached(to)) await new Promise((resolve) => setImmediate(resolve));
    if (running && program.kill('SIGKILL')) killed += 1;
    await ended;
    const { code } = await backup('verify', to);
    expect([0, 4]).toContain(code);
  }
  expect(killed).toBeGreaterThan(0);
}, 120_000);

function filesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
}
