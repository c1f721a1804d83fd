import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { type Client, connect, TruthError } from '../../../db/client/index.ts';
import { CuttingProxy } from '../support/cutting-proxy.ts';
import { FollowerProcess } from '../support/follower-process.ts';
import { ServerProcess, type ServingLine, truthdb } from '../support/program.ts';
import { temporaryDirectory } from '../support/serving.ts';
import { pickFrom } from '../wal/support.ts';

const SEGMENT_BYTES = 1024 * 1024;
const KILLS = 20;
/** What grows the log: about a megabyte in twelve appends. */
const DATA = 'x'.repeat(900);

interface StreamedLine {
  readonly kind: string;
  readonly first?: number;
  readonly last: number;
}

const SERVE = ['--serve', '--host', '127.0.0.1', '--port', '0', '--http', 'off'];

const cleanups: (() => Promise<unknown> | unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function directory(): string {
  const made = temporaryDirectory();
  cleanups.push(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

interface Source {
  readonly process: ServerProcess;
  readonly serving: ServingLine;
  readonly data: string;
}

/** A server with small segments; on a given port when it stands in for one that was stopped. */
async function startSource(data: string, port = 0): Promise<Source> {
  const process = new ServerProcess(data, ['--segment-bytes', String(SEGMENT_BYTES), '--port', String(port)]);
  cleanups.push(() => process.stop('SIGKILL'));
  return { process, serving: await process.serving(), data };
}

function startFollower(url: string, data: string, args: readonly string[] = []): FollowerProcess {
  const follower = new FollowerProcess(url, data, args);
  cleanups.push(() => follower.stop('SIGKILL'));
  return follower;
}

async function clientOf(url: string): Promise<Client> {
  const client = await connect(url);
  cleanups.push(() => client.close());
  return client;
}

/** Some hundred at a time, because a segment is small. */
async function append(client: Client, stream: string, events: number): Promise<void> {
  for (let left = events; left > 0; left -= 500) {
    const batch = Array.from({ length: Math.min(left, 500) }, (_, n) => ({
      type: 'noted',
      data: { n, DATA },
    }));
    await client.append(stream, batch);
  }
}

function segmentNames(data: string): string[] {
  const wal = join(data, 'wal');
  const names = existsSync(wal) ? readdirSync(wal) : [];
  return names.filter((name) => !name.endsWith('.tmp')).sort();
}

function segmentsOf(data: string): Map<string, Buffer> {
  return new Map(segmentNames(data).map((name) => [name, readFileSync(join(data, 'wal', name))]));
}

/** Null when the two directories have the same segment files with the same bytes; otherwise what differs. */
function difference(source: string, copy: string): string | null {
  const [theirs, ours] = [segmentNames(source), segmentNames(copy)];
  if (theirs.join() !== ours.join()) return `${theirs.length} files and ${ours.length}`;
  const differs = theirs.find((name) => {
    const [left, right] = [source, copy].map((data) => readFileSync(join(data, 'wal', name)));
    return !left?.equals(right as Buffer);
  });
  return differs ?? null;
}

/** Of an idle source everything is stable. */
async function becomesSame(source: string, copy: string, millis = 60_000): Promise<void> {
  const deadline = performance.now() + millis;
  for (let differs = difference(source, copy); differs !== null; differs = difference(source, copy)) {
    if (performance.now() > deadline)
      throw new Error(`after ${millis} ms the copy still differs: ${differs}`);
    await sleep(100);
  }
}

async function eventually<T>(look: () => Promise<T | null> | T | null, millis = 60_000): Promise<T> {
  const deadline = performance.now() + millis;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    if (performance.now() > deadline) throw new Error(`it did not happen within ${millis} ms`);
    await sleep(50);
  }
}

/** The source's connection string by way of a proxy. */
function through(url: string, port: number): string {
  return url.replace(/:\d+\?/, `:${port}?`);
}

/** Appends without pause until told to stop, whatever becomes of the server meanwhile. */
function load(url: string): { stop(): Promise<number> } {
  let going = true;
  const done = (async () => {
    const client = await connect(url, { timeoutMillis: 60_000 });
    let appended = 0;
    while (going) {
      try {
        await append(client, `load-${appended % 7}`, 30);
        appended += 1;
        await sleep(15);
      } catch (error) {
        // A server that is closing says so.
        if (!(error instanceof TruthError) || !error.retry) throw error;
      }
    }
    await client.close();
    return appended;
  })();
  return {
    stop: () => {
      going = false;
      return done;
    },
  };
}

test('a follower killed at random points, its connection cut and its source restarted, ends with the same files', {
  timeout: 300_000,
}, async () => {
  const pick = pickFrom(20);
  const data = directory();
  const copy = join(directory(), 'copy');
  let source = await startSource(data);
  const { port } = source.serving;
  const url = source.serving.connection as string;
  const proxy = new CuttingProxy(port);
  const proxied = through(url, await proxy.listen());
  cleanups.push(() => proxy.close());
  const appending = load(url);
  for (let kill = 0; kill < KILLS; kill++) {
    const follower = startFollower(proxied, copy, kill % 4 === 1 ? SERVE : []);
    // Sometimes while it still looks at what it has.
    if (kill % 3 === 0) await sleep(pick(900));
    else await follower.firstLine();
    proxy.budget = pick(3) === 0 ? pick(4_000_000) : null;
    await sleep(pick(500));
    if (kill % 7 === 3) {
      // A new epoch begins.
      await source.process.stop(pick(2) === 0 ? 'SIGKILL' : 'SIGTERM');
      source = await startSource(data, port);
    }
    await follower.stop('SIGKILL');
  }
  const follower = startFollower(proxied, copy, SERVE);
  await sleep(500);
  expect(await appending.stop()).toBeGreaterThan(100);
  await becomesSame(data, copy);
  expect(segmentsOf(copy).size).toBeGreaterThan(5);
  const { connection } = (await follower.firstLine()) as unknown as ServingLine;
  const reader = { kind: 'unix', path: join(copy, 'truthdb.sock') } as const;
  expect(connection).toBeNull();
  const [ours, theirs] = await Promise.all(
    [reader, url].map(async (target) => {
      const client = await connect(target);
      cleanups.push(() => client.close());
      const { events, streams } = await client.status();
      return { events, streams };
    }),
  );
  expect(ours).toEqual(theirs);
  expect((await follower.stop()).code).toBe(0);
  expect((await truthdb(['wal', 'verify', '--data', copy])).code).toBe(0);
});

test('a copy is served for reading: it shows what the source has, follows it live and refuses appends', async () => {
  const source = await startSource(directory());
  const writer = await clientOf(source.serving.connection as string);
  await append(writer, 'orders', 50);
  const copy = join(directory(), 'copy');
  const follower = startFollower(source.serving.connection as string, copy, [
    ...['--serve', '--host', '127.0.0.1', '--port', '0', '--http-port', '0', '--pg-port', '0'],
  ]);
  const serving = (await follower.firstLine()) as unknown as ServingLine;
  const reader = await clientOf(serving.connection as string);
  const live = await reader.subscribe({ after: 0, stream: 'orders' });
  await append(writer, 'orders', 10);
  const seen: number[] = [];
  for await (const event of live) {
    seen.push(event.revision);
    if (seen.length === 60) break;
  }
  expect(seen).toEqual(Array.from({ length: 60 }, (_, n) => n));
  const [here, there] = await Promise.all(
    [reader, writer].map((client) => client.readAllPage({ limit: 1000 })),
  );
  expect(here?.events.map(({ id }) => id)).toEqual(there?.events.map(({ id }) => id));

  const place = `127.0.0.1:${source.serving.port}`;
  await expect(append(reader, 'orders', 1)).rejects.toMatchObject({
    code: 'READ_ONLY',
    details: { source: place },
  });
  const token = new URL((serving.connection as string).replace('truthdb:', 'http:')).username;
  const http = `http://127.0.0.1:${serving.httpPort}`;
  const posted = await fetch(`${http}/v1/streams/orders/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ events: [{ type: 'noted', data: {} }] }),
  });
  expect([posted.status, await posted.text()]).toEqual([421, expect.stringContaining(place)]);
  expect((await fetch(`${http}/readyz`)).status).toBe(200);
  const metrics = await (await fetch(`${http}/metrics`)).text();
  expect(metrics).toMatch(/^truthdb_following_connected 1$/m);
  expect(metrics).toMatch(/^truthdb_following_lag_entries \d+$/m);
  expect(metrics).toMatch(/^truthdb_following_lag_bytes \d+$/m);
  expect(metrics).toMatch(/^truthdb_following_lag_seconds \d/m);
  expect(await reader.status()).toMatchObject({
    state: 'read-only',
    following: { source: place, connected: true, problem: null },
  });
  expect(await writer.status()).toMatchObject({ copies: [{ name: 'admin', next: expect.any(Number) }] });
  expect((await truthdb(['serve', '--data', copy])).code).toBe(78);

  await source.process.stop();
  const problem = await eventually(async () => {
    const { following } = (await reader.status()) as {
      following: { connected: boolean; problem: string | null };
    };
    return following.connected ? null : following.problem;
  });
  expect(problem).toContain(place);
  expect((await reader.readStreamPage('orders', { limit: 100 })).events).toHaveLength(60);
  expect((await follower.stop()).code).toBe(0);
});

test('a copy of a copy is a copy', async () => {
  const source = await startSource(directory());
  const writer = await clientOf(source.serving.connection as string);
  await append(writer, 'orders', 1500);
  const [first, second] = [join(directory(), 'first'), join(directory(), 'second')];
  const middle = startFollower(source.serving.connection as string, first, SERVE);
  const serving = (await middle.firstLine()) as unknown as ServingLine;
  startFollower(serving.connection as string, second);
  await append(writer, 'orders', 1500);
  await becomesSame(source.data, second);
});

test('damage of a copy is healed from the source, and a copy that is ahead on an abandoned branch is left alone', async () => {
  const data = directory();
  const source = await startSource(data);
  const { port } = source.serving;
  const url = source.serving.connection as string;
  const writer = await connect(url);
  await append(writer, 'orders', 4000);
  const copy = join(directory(), 'copy');
  const follower = startFollower(url, copy);
  await becomesSame(data, copy);
  await follower.stop();

  const [first = '', second = '', third = ''] = [...segmentsOf(copy).keys()];
  const path = join(copy, 'wal', first);
  const damaged = readFileSync(path);
  damaged[500_000] = (damaged[500_000] as number) ^ 16;
  writeFileSync(path, damaged);
  rmSync(join(copy, 'wal', second));
  writeFileSync(join(copy, 'wal', third), Buffer.alloc(SEGMENT_BYTES));
  const healing = startFollower(url, copy, ['--verify']);
  await becomesSame(data, copy);
  expect(readdirSync(join(copy, 'metadata', 'torn')).sort()).toEqual([
    `${first}.damaged`,
    `${third}.damaged`,
  ]);

  const branch = join(directory(), 'branch');
  await source.process.stop();
  cpSync(data, branch, { recursive: true, filter: (from) => !from.endsWith('.sock') });
  const ours = await startSource(data, port);
  await append(writer, 'orders', 5);
  await becomesSame(data, copy);
  await writer.close();
  await Promise.all([ours.process.stop(), healing.stop()]);
  await startSource(branch, port);
  const before = segmentsOf(copy);
  const refused = startFollower(url, copy);
  const { code, err } = await refused.ended;
  expect(code).toBe(65);
  const { error } = JSON.parse(err.trim().split('\n').at(-1) as string) as { error: Record<string, unknown> };
  expect(error).toMatchObject({ code: 'FORKED', details: { copyEpoch: 2, sourceEpoch: 2 } });
  expect(error['message']).toMatch(/share their history up to sequence \d+/);
  expect(segmentsOf(copy)).toEqual(before);
});

test('the log is streamed to operators alone, as lines or as it is', async () => {
  const source = await startSource(directory());
  const url = source.serving.connection as string;
  const writer = await clientOf(url);
  await append(writer, 'orders', 1500);
  const run = (args: readonly string[], of = url) =>
    truthdb(['wal', 'stream', '--until-end', '--url', of, ...args]);
  const lines = (await run(['--json'])).out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as StreamedLine);
  const kinds = lines.map(({ kind }) => kind);
  expect(kinds[0]).toBe('segment');
  expect(kinds.filter((kind) => kind === 'seal')).toHaveLength(
    kinds.filter((kind) => kind === 'segment').length - 1,
  );
  const groups = lines.filter(({ first }) => first !== undefined);
  for (const [at, { first }] of groups.entries()) expect(first).toBe((groups[at - 1]?.last ?? 0) + 1);
  const middle = groups[5] as StreamedLine;
  const from = await run(['--json', '--from', String(middle.last)]);
  expect(JSON.parse(from.out.split('\n')[1] as string)).toEqual(middle);
  expect((await run(['--raw'])).out.length).toBeGreaterThan(1_000_000);
  const past = await run(['--json', '--from', '999999']);
  expect([past.code, past.err]).toEqual([64, expect.stringContaining('after the end')]);

  const local = await truthdb([
    'wal',
    'stream',
    '--until-end',
    '--json',
    '--socket',
    source.serving.socket as string,
  ]);
  // Each login is an entry: what is read later goes on behind what was read before.
  const later = (await run(['--json'])).out;
  const groupsOf = (out: string): string => out.slice(0, out.indexOf('{"kind":"end"'));
  expect(groupsOf(local.out).length).toBeGreaterThan(1000);
  expect(later.startsWith(groupsOf(local.out))).toBe(true);

  const { token } = (await writer.administer({
    command: 'token-create',
    name: 'app',
    role: 'writer',
    hash: null,
  })) as {
    token: string;
  };
  const refused = await run([], url.replace(/\/\/[^@]+@/, `//${token}@`));
  expect([refused.code, refused.err]).toEqual([77, expect.stringContaining('may not copy the log')]);
  const follower = startFollower(url.replace(/\/\/[^@]+@/, `//${token}@`), join(directory(), 'copy'));
  expect((await follower.ended).code).toBe(77);
});

test('a copy is not mixed with another log that answers at the address', async () => {
  const source = await startSource(directory());
  const other = await startSource(directory());
  for (const { serving } of [source, other])
    await append(await clientOf(serving.connection as string), 'orders', 5);
  const copy = join(directory(), 'copy');
  const follower = startFollower(source.serving.connection as string, copy);
  await becomesSame(source.data, copy);
  await follower.stop();
  const before = segmentsOf(copy);
  const refused = startFollower(other.serving.connection as string, copy);
  const { code, err } = await refused.ended;
  expect([code, err]).toEqual([65, expect.stringContaining('FORKED')]);
  expect(segmentsOf(copy)).toEqual(before);
});

test('the source keeps its log for a follower that is away, until somebody lets it go', {
  timeout: 60_000,
}, async () => {
  const source = await startSource(directory());
  const url = source.serving.connection as string;
  const client = await clientOf(url);
  await append(client, 'kept', 1500);
  const copy = directory();
  const follower = startFollower(url, copy, ['--name', 'north']);
  await becomesSame(source.data, copy);
  await follower.stop('SIGTERM');
  await append(client, 'kept', 3000);
  await client.administer({ command: 'snapshot-create', hold: null });
  await source.process.stop('SIGTERM');
  const again = await startSource(source.data, source.serving.port);
  const followers = async () =>
    (await (await clientOf(url)).administer({ command: 'follower-list' }))['followers'] as {
      name: string;
      next: number;
      connected: boolean;
    }[];
  const [away] = await followers();
  expect(away).toMatchObject({ name: 'north', token: 'admin', connected: false, lost: false });
  expect(away?.next).toBeGreaterThan(1400);
  const prune = ['wal', 'prune', '--before', '4000', '--without-archive', '--url', url];
  expect(await truthdb(prune)).toMatchObject({ code: 75, err: expect.stringMatching(/follower north/) });
  const catchingUp = startFollower(url, copy);
  await becomesSame(source.data, copy);
  await eventually(async () => ((await followers())[0]?.next as number) > 4000 || null);
  await catchingUp.stop('SIGTERM');
  await append(await clientOf(url), 'kept', 3000);
  const refused = await truthdb(['wal', 'prune', '--before', '7000', '--without-archive', '--url', url]);
  expect(refused.err).toMatch(/truthdb wal followers --drop north/);
  expect(await truthdb(['wal', 'followers', '--drop', 'north', '--url', url])).toMatchObject({ code: 0 });
  await again.process.stop('SIGTERM');
  expect(await truthdb(['wal', 'followers', '--data', source.data, '--json'])).toMatchObject({
    out: '{"followers":[]}\n',
  });
});

test('a follower goes on behind what its source lost, and both verify alike', {
  timeout: 60_000,
}, async () => {
  const source = await startSource(directory());
  const url = source.serving.connection as string;
  const client = await connect(url);
  await append(client, 'before', 3500);
  await client.close();
  await source.process.stop('SIGTERM');
  const name = segmentNames(source.data)[1] as string;
  const bytes = readFileSync(join(source.data, 'wal', name)).fill(0x5a, 500_000, 500_100);
  writeFileSync(join(source.data, 'wal', name), bytes);
  const isolate = (sequence: string) =>
    truthdb(['wal', 'isolate', '--segment', '2', '--sequence', sequence, '--data', source.data]);
  const [, from = ''] = /from sequence (\d+) to/.exec((await isolate('1')).err) ?? [];
  expect(await isolate(from)).toMatchObject({ code: 0 });

  const again = await startSource(source.data, source.serving.port);
  const copy = directory();
  const follower = startFollower(url, copy, SERVE);
  const { connection } = await follower.firstLine();
  const readers = await Promise.all([url, connection as string].map(clientOf));
  const events = () => Promise.all(readers.map(async (reader) => (await reader.status())['events']));
  const same = async () => {
    const [theirs, ours] = await events();
    return theirs === ours ? theirs : null;
  };
  await eventually(same);
  // What comes behind it comes live.
  await append(await clientOf(url), 'behind', 100);
  await becomesSame(source.data, copy);
  await eventually(same);
  for (const reader of readers) {
    await expect(reader.readAllPage({ from: Number(from) })).rejects.toMatchObject({ code: 'GAP' });
  }
  await becomesSame(source.data, copy);
  await again.process.stop('SIGKILL');
  await follower.stop('SIGTERM');
  const reports = await Promise.all(
    [source.data, copy].map(async (data) => (await truthdb(['wal', 'verify', '--data', data, '--json'])).out),
  );
  expect(JSON.parse(reports[0] as string)).toMatchObject({
    ok: true,
    gaps: [{ segment: 2, from: Number(from) }],
  });
  expect(reports[1]).toBe(reports[0]);
});
