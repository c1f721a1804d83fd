/** A process that is killed while it writes to tables: what was answered is there, and the tables are what the log says. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Engine, initDatabase, openEngine } from '../../../../db/engine.ts';
import { RealDisk } from '../../../../db/io/index.ts';
import { viewCommit } from '../../../../db/materializer/index.ts';
import { SqlView, sqlTables } from '../../../../db/sql/view.ts';
import { SEQUENCE_NONE, type Sequence } from '../../../../db/types.ts';
import { openReader } from '../../../../db/wal/index.ts';
import { sessionOf, told } from '../session/open-sql.ts';
import type { Stage } from './victim.ts';

const VICTIM = join(import.meta.dirname, 'victim.ts');
let directory: string;
let logId: Uint8Array;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'truthdb-crash-'));
  logId = initDatabase({ directory, segmentBytes: 2 * 1024 * 1024 }).logId;
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function open(): Promise<Engine> {
  return openEngine({ directory, ringBytes: 1 << 22 });
}

/** Ids that were answered before it died. */
async function killAt(stage: Stage, count: number, first: number): Promise<number[]> {
  const child = spawn(process.execPath, [VICTIM, directory, stage, String(count), String(first)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk;
  });
  const [code, signal] = await once(child, 'close');
  expect({ code, signal, err }).toEqual({ code: null, signal: 'SIGKILL', err: '' });
  return out.split('\n').slice(0, -1).map(Number);
}

/** Digest of the tables as their files have them. */
function digestOfFiles(): string {
  const view = new SqlView({ logId, folder: join(directory, 'views', sqlTables.name) });
  const digest = view.digest();
  view.close();
  return digest;
}

/** Digest of what the log says from its beginning on. */
async function digestOfLog(): Promise<string> {
  const log = openReader({ directory, disk: new RealDisk() });
  const view = new SqlView({ logId, folder: null });
  for await (const commit of log.read({ from: 1 as Sequence, follow: false })) {
    const { entries, ...rest } = viewCommit(commit);
    if (entries.length > 0) view.onCommit({ ...rest, entries });
  }
  view.caughtUp();
  const digest = view.digest();
  view.close();
  log.close();
  return digest;
}

describe('killed', () => {
  test.each<Stage>(['appended', 'stable', 'committed', 'answered'])('when a command is %s', async (stage) => {
    const answered: number[] = [];
    for (const count of [1, 14]) answered.push(...(await killAt(stage, count, 1000 * count)));
    const engine = await open();
    const session = sessionOf(engine);
    const rows = await told(session, 'SELECT id FROM t');
    const there = new Set((rows as readonly (readonly [number])[]).map(([id]) => id));
    // Every seventh deletes the one seven before it, answered or not.
    const missing = answered.filter((id) => !there.has(id) && id % 7 !== 0);
    expect(missing).toEqual([]);
    expect(answered.length).toBeGreaterThan(4);
    expect(await told(session, "SELECT count(*) FROM t WHERE s LIKE 'again %' AND id % 3 <> 0")).toEqual([
      [0n],
    ]);
    await told(session, "INSERT INTO t VALUES (1, 1, 'after')");
    await engine.close();
    expect(digestOfFiles()).toBe(await digestOfLog());
  });
});

describe('the digest of tables', () => {
  test('is the same live, replayed from the beginning, and from a snapshot with what came after it', async () => {
    let engine = await open();
    const session = sessionOf(engine);
    await told(session, 'CREATE TABLE t (id integer PRIMARY KEY, n integer)');
    await told(session, 'CREATE INDEX t_n ON t (n)');
    const rows = Array.from({ length: 500 }, (_, id) => `(${id}, ${id % 9})`);
    await told(session, `INSERT INTO t VALUES ${rows.join()}`);
    await told(session, 'UPDATE t SET n = n + 1 WHERE n > 3');
    const { position } = await engine.snapshots.create();
    await told(session, 'DELETE FROM t WHERE n = 2');
    await told(session, "ALTER TABLE t ADD COLUMN s text DEFAULT 'x'");
    await told(session, 'INSERT INTO t VALUES (1000, 1, NULL)');
    const counts = await told(session, 'SELECT count(*) FROM t WHERE n > 4');
    await engine.close();
    const live = digestOfFiles();
    expect(live).toBe(await digestOfLog());
    rmSync(join(directory, 'views'), { recursive: true });
    const reports: string[] = [];
    engine = await openEngine({ directory, ringBytes: 1 << 22, progress: (line) => reports.push(line) });
    expect(reports).toContainEqual(expect.stringMatching(/view "sql" begins from/));
    expect(position).toBeGreaterThan(SEQUENCE_NONE);
    expect(await told(sessionOf(engine), 'SELECT count(*) FROM t WHERE n > 4')).toEqual(counts);
    expect(await told(sessionOf(engine), 'SELECT * FROM t WHERE id = 1000')).toEqual([[1000, 1, null]]);
    await engine.close();
    expect(digestOfFiles()).toBe(live);
  });
});
