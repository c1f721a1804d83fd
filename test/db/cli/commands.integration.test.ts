import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { COMMANDS, helpOf } from '../../../db/cli/index.ts';
import { type Ran, ServerProcess, type ServingLine, truthdb } from '../support/program.ts';
import { temporaryDirectory } from '../support/serving.ts';

let directory = '';
let server: ServerProcess;
let serving: ServingLine;

beforeAll(async () => {
  directory = temporaryDirectory();
  server = new ServerProcess(join(directory, 'data'));
  serving = await server.serving();
});

afterAll(async () => {
  await server.stop('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

/** Through the local socket, as somebody on the machine would. */
function local(args: readonly string[], input?: string | Buffer): Promise<Ran> {
  return truthdb([...args, '--socket', serving.socket as string], input === undefined ? {} : { input });
}

function lines(ran: Ran): Record<string, unknown>[] {
  return ran.out
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

test.each(COMMANDS.map((entry) => [entry.name, entry] as const))(
  'truthdb %s --help explains it with an example',
  async (name, entry) => {
    const command = await entry.load();
    const help = helpOf(command);
    expect(help).toContain(`truthdb ${name}`);
    expect(help).toMatch(/Example:\n {2}truthdb /);
    for (const { flag } of command.options) expect(help).toContain(`--${flag}`);
    expect(help).toContain('--json');
  },
);

test('the help of a command is asked for behind it', async () => {
  const { code, out } = await truthdb(['token', 'create', '--help']);
  expect(code).toBe(0);
  expect(out).toContain('truthdb token create NAME');
});

test('append names whom a stream is about, and is refused where nothing could be erased', async () => {
  const event = ['append', 'visits-17', '--type', 'visit', '--data', '1'];
  const { code, err } = await local([...event, '--subject', 'p-17']);
  expect(code).not.toBe(0);
  expect(err).toContain('cannot be about a person: the tenant is not encrypted');
});

test('truthdb --help lists every command, --version tells what this is', async () => {
  const help = await truthdb(['--help']);
  for (const { name } of COMMANDS) expect(help.out).toContain(`  ${name} `);
  const version = JSON.parse((await truthdb(['--version', '--json'])).out) as Record<string, unknown>;
  expect(version).toMatchObject({ node: process.versions.node, formats: { log: 1, protocol: 5 } });
});

test.each([
  [[], 64, 'COMMAND'],
  [['frobnicate'], 64, 'no command "frobnicate"'],
  [['wal'], 64, 'wal inspect, wal verify'],
  [['append'], 64, 'STREAM is missing'],
  [['append', 's'], 64, '--type is missing'],
  [['append', 's', 'more', '--type', 't'], 64, '"more" is one argument too many'],
  [['read', '--frm', '1'], 64, "'--frm'"],
  [['read', '--from', 'x'], 64, '--from is "x"'],
  [['import'], 64, 'FILE'],
  [['wal', 'inspect', 'segment', 'x', '--data', '/nowhere'], 64, '"x" is no number'],
  [['wal', 'verify', '--data', '/nowhere'], 4, '/nowhere'],
  [['wal', 'verify', '--data', '/dev/null'], 74, 'ENOTDIR'],
  [['snapshot', 'verify'], 64, '--data is missing'],
  [['snapshot', 'hold', 'x'], 64, '--reason is missing'],
  [['backup'], 64, 'backup create, backup verify, backup restore'],
  [['backup', 'verify', '/nowhere'], 4, 'no complete backup'],
  [['follow', '--data', '/nowhere'], 64, 'URL of the source is missing'],
  [['follow', 'truthdb://t@127.0.0.1:1'], 64, '--data is missing'],
  [['follow', 'nonsense', '--data', '/nowhere'], 64, 'connection string'],
  [['wal', 'stream', '--from', '0'], 64, '--from is "0"'],
  [['wal', 'stream', '--url', 'truthdb://t@127.0.0.1:1'], 69, '127.0.0.1:1'],
  [['status', '--url', 'truthdb://t@127.0.0.1:1'], 69, '127.0.0.1:1'],
  [['status'], 69, 'no server is named'],
  [['status', '--url', 'nonsense'], 64, 'connection string'],
])('truthdb %j ends with %i and says why', async (args, code, why) => {
  const ran = await truthdb(args);
  expect(ran.err + ran.out).toContain(why);
  expect(ran.code).toBe(code);
});

test('append, read and their JSON', async () => {
  const first = await local([
    'append',
    'orders',
    '--type',
    'placed',
    '--data',
    '{"id":1}',
    '--expected',
    'none',
    '--json',
  ]);
  expect(first.code).toBe(0);
  expect(lines(first)[0]).toMatchObject({ stream: 'orders', firstRevision: 0, duplicate: false });
  const piped = await local(
    ['append', 'orders', '--type', 'noted', '--metadata', '{"by":"me"}'],
    '"from a pipe"',
  );
  expect(piped.out).toMatch(/^orders@1 at position \d+\n$/);
  await local(['append', 'orders', '--type', 'bytes', '--binary'], Buffer.from([0, 255, 10]));
  const read = lines(await local(['read', 'orders', '--json']));
  expect(read.map(({ type, data, dataBase64, metadata }) => ({ type, data, dataBase64, metadata }))).toEqual([
    { type: 'placed', data: { id: 1 } },
    { type: 'noted', data: 'from a pipe', metadata: { by: 'me' } },
    { type: 'bytes', dataBase64: 'AP8K' },
  ]);
  const back = await local(['read', 'orders', '--backwards', '--limit', '1']);
  expect(back.out).toContain('orders@2  bytes  3 bytes');
  const missing = await local(['read', 'nobody', '--json']);
  expect(missing.code).toBe(4);
  expect(JSON.parse(missing.err)).toMatchObject({ error: { code: 'NOT_FOUND' } });
});

test('an expected revision that is wrong has an exit code of its own', async () => {
  await local(['append', 'expecting', '--type', 't', '--data', '1']);
  const wrong = await local([
    'append',
    'expecting',
    '--type',
    't',
    '--data',
    '1',
    '--expected',
    'none',
    '--json',
  ]);
  expect(wrong.code).toBe(3);
  expect(JSON.parse(wrong.err)).toMatchObject({
    error: { code: 'WRONG_EXPECTED_REVISION', details: { actual: 0 } },
  });
});

test('what an event holds cannot command the terminal of who reads it', async () => {
  await local(['append', 'evil', '--type', 't', '--data', '"\\u001b[2J and \\u0007"']);
  await local(['append', 'evil', '--type', 't', '--binary'], Buffer.from('\x1b[2J'));
  const { out } = await local(['read', 'evil']);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there.
  expect(out).not.toMatch(/[\x00-\x09\x0b-\x1f]/);
});

test('tail prints what comes, over the network with the connection string', async () => {
  const url = serving.connection as string;
  const tailing = truthdb(['tail', 'tailed', '--after', '0', '--limit', '3', '--json', '--url', url]);
  for (let index = 0; index < 3; index++) {
    await local(['append', 'tailed', '--type', 't', '--data', String(index)]);
  }
  const { code, out } = await tailing;
  expect(code).toBe(0);
  expect(
    out
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { data: number }).data),
  ).toEqual([0, 1, 2]);
});

test('status in JSON and for people', async () => {
  const { code, out } = await local(['status', '--json']);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ state: 'serving', protocol: 5, log: { durability: 'group_sync' } });
  expect((await local(['status'])).out).toMatch(/^log\.stable {2,}\d+$/m);
});

test('an import can be repeated and continued, and adds only what is new', async () => {
  const file = join(directory, 'events.jsonl');
  const line = (index: number) => JSON.stringify({ stream: `i-${index % 7}`, type: 't', data: { index } });
  const content = (count: number) => Array.from({ length: count }, (_, index) => `${line(index)}\n`).join('');
  writeFileSync(file, content(1000));
  expect(lines(await local(['import', file, '--json']))[0]).toMatchObject({
    events: 1000,
    appended: 1000,
    known: 0,
  });
  expect(lines(await local(['import', file, '--json']))[0]).toMatchObject({
    events: 1000,
    appended: 0,
    known: 1000,
  });
  writeFileSync(file, content(1700));
  expect(lines(await local(['import', file, '--json']))[0]).toMatchObject({
    events: 1700,
    appended: 700,
    known: 1000,
  });
  const stream = lines(await local(['read', 'i-3', '--json']));
  const indexes = stream.map(({ data }) => (data as { index: number }).index);
  expect(indexes).toEqual(
    Array.from({ length: 1700 }, (_, index) => index).filter((index) => index % 7 === 3),
  );
});

test('what read prints import takes, and it is the same', async () => {
  await local([
    'append',
    'copied',
    '--type',
    't',
    '--data',
    '{"n":12345678901234567890}',
    '--metadata',
    '[1]',
  ]);
  await local(['append', 'copied', '--type', 'b', '--binary'], Buffer.from([1, 2, 3]));
  const { out } = await local(['read', 'copied', '--json']);
  const imported = await local(
    ['import', '-', '--json'],
    out.replaceAll('"copied"', '"copy"').replaceAll(/"id":"./g, '"id":"f'),
  );
  expect(lines(imported)[0]).toMatchObject({ events: 2, appended: 2 });
  const strip = (text: string) =>
    text.replaceAll(/"(stream|id|position|recordedAt|revision)":("[^"]*"|\d+),/g, '');
  expect(strip((await local(['read', 'copy', '--json'])).out)).toBe(strip(out));
});

test.each([
  ['{"stream":"s","type":"t","dta":1}', 'line 2 of stdin has the unknown key "dta"'],
  ['{"stream":"s"}', 'line 2 of stdin has no "type"'],
  ['[]', 'line 2 of stdin is not a JSON object'],
  ['{', 'line 2 of stdin is not JSON'],
  ['{"stream":"$s","type":"t"}', 'kept for streams of the system'],
])('an import of the line %s stops and names it', async (line, why) => {
  const ran = await local(['import', '-'], `{"stream":"fine","type":"t"}\n${line}\n`);
  expect(ran.code).toBe(64);
  expect(ran.err).toContain(why);
});

test('the history of a git repository becomes one stream per file', async () => {
  const repository = join(directory, 'repository');
  mkdirSync(repository);
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', repository, '-c', 'user.name=A B', '-c', 'user.email=a@b', ...args]);
  git('init', '-q');
  writeFileSync(join(repository, 'one ü.txt'), '1');
  git('add', '.');
  git('commit', '-q', '-m', 'First');
  writeFileSync(join(repository, 'one ü.txt'), '2');
  writeFileSync(join(repository, 'two.txt'), '2');
  git('add', '.');
  git('commit', '-q', '-m', 'Second: change and add');
  git('rm', '-q', 'two.txt');
  git('commit', '-q', '-m', 'Third');
  expect(lines(await local(['import', '--git', repository, '--json']))[0]).toMatchObject({
    events: 4,
    appended: 4,
  });
  expect(lines(await local(['import', '--git', repository, '--json']))[0]).toMatchObject({
    events: 4,
    known: 4,
  });
  const one = lines(await local(['read', 'git/one ü.txt', '--json']));
  expect(one.map(({ type }) => type)).toEqual(['file-added', 'file-changed']);
  expect(one[1]?.['data']).toMatchObject({
    path: 'one ü.txt',
    author: 'A B',
    subject: 'Second: change and add',
  });
  const two = lines(await local(['read', 'git/two.txt', '--json']));
  expect(two.map(({ type }) => type)).toEqual(['file-added', 'file-deleted']);
  const none = await local(['import', '--git', directory]);
  expect(none.code).toBe(64);
  expect(none.err).toContain('git history');
});

test('tokens are made, listed without their secrets, used and revoked', async () => {
  const made = await local(['token', 'create', 'app', '--role', 'reader', '--json']);
  const [created] = lines(made);
  const url = (serving.connection as string).replace(/\/\/.*@/, `//${created?.['token']}@`);
  expect((await truthdb(['read', '--limit', '1', '--url', url])).code).toBe(0);
  const denied = await truthdb(['append', 's', '--type', 't', '--data', '1', '--url', url]);
  expect(denied.code).toBe(77);
  const list = await local(['token', 'list', '--json']);
  expect(lines(list).map(({ name, role }) => `${name} ${role}`)).toEqual(['admin operator', 'app reader']);
  expect(list.out).not.toContain(created?.['token'] as string);
  expect((await local(['token', 'revoke', 'app'])).out).toContain('is revoked');
  expect((await truthdb(['read', '--url', url])).code).toBe(77);
  expect((await local(['token', 'revoke', 'app'])).code).toBe(4);
  expect((await local(['token', 'create', 'x', '--role', 'king'])).code).toBe(64);
});

test('the target comes from the environment too', async () => {
  const env = { TRUTHDB_URL: serving.connection as string };
  expect((await truthdb(['status'], { env })).code).toBe(0);
  expect((await truthdb(['status'], { env: { TRUTHDB_SOCKET: serving.socket as string } })).code).toBe(0);
  expect((await truthdb(['status'], { cwd: directory })).code).toBe(0);
});

test('a reader of the pipe that has had enough ends the command quietly', async () => {
  const bin = join(import.meta.dirname, '..', '..', '..', 'db', 'bin.ts');
  const command = `${process.execPath} ${bin} read --socket ${serving.socket} | head -n 1`;
  expect(
    String(execFileSync('bash', ['-c', `set -o pipefail; ${command}`]))
      .trim()
      .split('\n'),
  ).toHaveLength(1);
});

test('wal verify and inspect show the files, and find a flipped bit', async () => {
  const data = join(directory, 'wal-data');
  const own = new ServerProcess(data);
  const { socket } = await own.serving();
  let position = 0;
  for (let index = 0; index < 5; index++) {
    const appended = ['append', 's', '--type', 't', '--data', String(index), '--socket', socket as string];
    position = (JSON.parse((await truthdb([...appended, '--json'])).out) as { position: number }).position;
  }
  await own.stop();
  const report = JSON.parse((await truthdb(['wal', 'verify', '--data', data, '--json'])).out) as {
    ok: boolean;
  };
  expect(report.ok).toBe(true);
  const segment = await truthdb(['wal', 'inspect', 'segment', '1', '--data', data]);
  expect(segment.out).toContain('firstSequence');
  const entry = JSON.parse(
    (await truthdb(['wal', 'inspect', 'entry', String(position), '--data', data, '--json'])).out,
  ) as {
    offset: number;
    type: string;
  };
  expect(entry.type).toBe('16');
  const [name] = readdirSync(join(data, 'wal')).filter((file) => file.endsWith('.open'));
  const path = join(data, 'wal', name as string);
  const bytes = readFileSync(path);
  bytes[entry.offset + 50] = (bytes[entry.offset + 50] as number) ^ 1;
  writeFileSync(path, bytes);
  const damaged = await truthdb(['wal', 'verify', '--data', data]);
  expect(damaged.code).toBe(65);
  expect(damaged.out).toContain('PROBLEM');
  const refused = await truthdb(['wal', 'inspect', 'entry', String(position), '--data', data]);
  expect(refused.code).toBe(65);
});
