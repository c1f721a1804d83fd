/** Snapshots of a view that keeps files of its own, on a real disk. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Engine, initDatabase, openEngine, VIEWS } from '../../../db/engine.ts';
import { RealDisk } from '../../../db/io/index.ts';
import type { StreamName } from '../../../db/kernel/event.ts';
import { restoreSnapshot, verifySnapshot } from '../../../db/snapshot/index.ts';
import { type Space, StoreSet } from '../../../db/sql/store/index.ts';
import type { CommitOrdinal, Epoch, RecordedAt, Sequence, TenantId } from '../../../db/types.ts';
import { eventDraft } from '../support/event-drafts.ts';
import { type StoreViewDefinition, storeView } from '../support/store-view.ts';
import { temporaryData } from '../support/temporary.ts';

async function opened(directory: string): Promise<{
  readonly engine: Engine;
  readonly definition: StoreViewDefinition;
  readonly lines: string[];
}> {
  const definition = storeView();
  const lines: string[] = [];
  const engine = await openEngine({
    directory,
    inline: true,
    ringBytes: 1 << 22,
    views: [definition],
    progress: (line) => lines.push(line),
  });
  onTestFinished(() => engine.close());
  return { engine, definition, lines };
}

function newDatabase(): string {
  const directory = temporaryData();
  initDatabase({ directory, segmentBytes: 1 << 20 });
  return directory;
}

async function append(engine: Engine, count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    const events = [eventDraft(`event ${i}`)];
    await engine.append({ stream: `s${i % 3}` as StreamName, expected: 'any', events, ack: 'applied' });
  }
}

function digestOf(definition: StoreViewDefinition): string {
  return definition.made.at(-1)!.digest();
}

describe('a snapshot of a view with files of its own', () => {
  test('holds what was at its position, whatever is applied while it is written', async () => {
    const directory = newDatabase();
    const { engine, definition } = await opened(directory);
    await append(engine, 20);
    const digest = digestOf(definition);
    const taking = engine.snapshots.create();
    await append(engine, 20);
    const { name, views } = await taking;
    const now = digestOf(definition);
    expect(views.find((view) => view.name === 'tables')?.digest).toBe(digest);
    expect(now).not.toBe(digest);
    const place = { disk: new RealDisk(), directory, name, definitions: [...VIEWS, storeView()] };
    expect(verifySnapshot(place)).toMatchObject({ ok: true, problems: [] });
    await engine.close();
    rmSync(join(directory, 'views'), { recursive: true });
    rmSync(join(directory, 'metadata', 'views.json'));
    const again = await opened(directory);
    expect(again.lines.join('\n')).toContain(`view "tables" begins from snapshot ${name}`);
    expect(digestOf(again.definition)).toBe(now);
  });

  test('is put in place of the files, which are then those of its position', async () => {
    const directory = newDatabase();
    const { engine, definition } = await opened(directory);
    await append(engine, 10);
    const digest = digestOf(definition);
    const { name } = await engine.snapshots.create();
    await append(engine, 10);
    const now = digestOf(definition);
    await engine.close();
    const definitions = [...VIEWS, storeView()];
    const { views } = await restoreSnapshot({ disk: new RealDisk(), directory, name, definitions });
    expect(views).toContain('tables');
    const context = { logId: Buffer.alloc(16), folder: join(directory, 'views', 'tables') };
    expect(readdirSync(context.folder)).toContain('0.sqlite');
    const again = await opened(directory);
    expect(digestOf(again.definition)).toBe(now);
    expect(digest).not.toBe(now);
  });
});

describe('a large store', () => {
  const TENANT = 5 as TenantId;
  const TABLE = 16 as Space;
  const ROWS = 200_000;

  function commit(sequence: number) {
    return {
      sequence: sequence as Sequence,
      ordinal: sequence as CommitOrdinal,
      epoch: 1 as Epoch,
      recordedAt: BigInt(sequence) as RecordedAt,
    };
  }

  function put(set: StoreSet, from: number, rows: number, at: number): void {
    const store = set.begin(TENANT, at as Sequence)!;
    const key = Buffer.alloc(4);
    const value = Buffer.alloc(80, 1);
    for (let row = from; row < from + rows; row += 1) {
      key.writeUInt32BE(row);
      value.writeUInt32BE(at);
      store.put(TABLE, key, value, at as Sequence);
    }
    set.committed(commit(at + 1), [TENANT]);
    set.commitAll(commit(at + 1));
  }

  test('is handed over in steps of some milliseconds while it is written on, and is the same when it is filled again', () => {
    const logId = Buffer.alloc(16, 9);
    const set = new StoreSet({ folder: null, logId, version: 1 });
    onTestFinished(() => set.close());
    set.caughtUp();
    put(set, 0, ROWS, 1);
    put(set, 0, 1000, 3);
    const digest = set.digest();
    const parts = new Map<string, () => Iterable<Uint8Array>>();
    set.checkpoint({ part: (name, chunks) => void parts.set(name, chunks) });
    expect([...parts.keys()]).toEqual([`tenant-${TENANT}-at-4`]);
    const micros: number[] = [];
    const chunks: Uint8Array[] = [];
    const iterator = parts.get(`tenant-${TENANT}-at-4`)!()[Symbol.iterator]();
    for (let at = 5; ; ) {
      const before = process.threadCpuUsage();
      const step = iterator.next();
      const { user, system } = process.threadCpuUsage(before);
      micros.push(user + system);
      if (step.done === true) break;
      chunks.push(step.value);
      if (chunks.length % 50 !== 0) continue;
      put(set, at * 10, 20, at);
      at += 2;
    }
    expect(set.digest()).not.toBe(digest);
    expect(Math.max(...chunks.map(({ length }) => length))).toBeLessThan(128 * 1024);
    micros.sort((a, b) => a - b);
    // Collections of garbage fall into a step now and then.
    expect(micros[Math.floor(micros.length * 0.99)]).toBeLessThan(10_000);
    expect(micros.at(-1)).toBeLessThan(50_000);
    const copy = new StoreSet({ folder: null, logId, version: 1 });
    onTestFinished(() => copy.close());
    copy.restore({
      parts: [...parts.keys()],
      read: () => new Uint8Array(),
      chunks: () => chunks,
    });
    expect(copy.digest()).toBe(digest);
    expect(copy.get(TENANT)!.count(TABLE)).toBe(ROWS);
  }, 120_000);

  test('of which no part is written any more holds no state open', () => {
    const set = new StoreSet({ folder: null, logId: Buffer.alloc(16, 9), version: 1 });
    onTestFinished(() => set.close());
    set.caughtUp();
    put(set, 0, 10, 1);
    const done: (() => void)[] = [];
    set.checkpoint({ part: (_name, _chunks, end) => void done.push(end!) });
    put(set, 0, 10, 3);
    const store = set.begin(TENANT, 5 as Sequence)!;
    store.erase(TABLE, Buffer.from([0, 0, 0, 1]));
    set.committed(commit(6), [TENANT]);
    set.commitAll(commit(6));
    expect(set.residual).toEqual([TENANT]);
    for (const end of done) end();
    put(set, 0, 1, 7);
    expect(set.residual).toEqual([]);
  });
});
