import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { TruthError } from '../../../db/errors.ts';
import { type Disk, RealDisk } from '../../../db/io/index.ts';
import { appliedPositions, CheckpointStore, inlineRunner, Registry } from '../../../db/materializer/index.ts';
import { storeFiles } from '../../../db/sql/store/index.ts';
import type { RecordedAt, Sequence, TenantId } from '../../../db/types.ts';
import type { Log, LogCommit } from '../../../db/wal/log.ts';
import { writeLogId } from '../../../db/wal/metadata.ts';
import { MemoryLog } from '../support/memory-log.ts';
import {
  DROP_TYPE,
  PUT_TYPE,
  type StoreView,
  type StoreViewDefinition,
  storeView,
} from '../support/store-view.ts';
import { temporaryData } from '../support/temporary.ts';
import { MemoryDisk } from '../wal/memory-disk.ts';

interface Opened {
  readonly registry: Registry;
  readonly definition: StoreViewDefinition;
  readonly view: StoreView;
  readonly lines: string[];
}

function newLog(): MemoryLog {
  return new MemoryLog({ stability: 'manual', groups: 'manual' });
}

/** One commit; `7:ax` puts a value "ax" under the key "a" for tenant 7, `7:!` drops the tenant's store. */
function write(log: MemoryLog, ...entries: string[]): Sequence {
  for (const entry of entries) {
    const [tenant, text] = entry.split(':') as [string, string];
    const type = text === '!' ? DROP_TYPE : PUT_TYPE;
    const draft = { type, tenant: Number(tenant) as TenantId, partitionKey: 0n, flags: 0 };
    log.append([{ ...draft, payload: Buffer.from(text) }], 1n as RecordedAt);
  }
  log.closeGroup(true);
  log.stabilise();
  return log.stable;
}

async function open(
  log: Log,
  directory: string,
  definition = storeView(),
  disk: Disk = new RealDisk(),
): Promise<Opened> {
  const lines: string[] = [];
  const pause = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const report = (line: string): void => void lines.push(line);
  const logId = Buffer.from(log.identity.logId).toString('hex');
  const store = new CheckpointStore({ disk, directory, logId, report });
  const saver = inlineRunner(disk, pause);
  const registry = new Registry({ log, definitions: [definition], store, saver, pause, report });
  await registry.open();
  const view = definition.made.at(-1)!;
  onTestFinished(() => registry.close());
  return { registry, definition, view, lines };
}

async function deliver(log: MemoryLog, { registry }: Opened): Promise<void> {
  const from = (registry.position + 1) as Sequence;
  const commits: LogCommit[] = [];
  for await (const commit of log.read({ from, follow: false }))
    commits.push({
      ...commit,
      entries: commit.entries.map((entry) => ({ ...entry, payload: entry.payload.slice() })),
    });
  for (const commit of commits) registry.apply(commit);
}

/** The files as a process that is killed leaves them now. */
function killed(directory: string): string {
  const copy = temporaryData();
  cpSync(directory, copy, { recursive: true, filter: (path) => !path.endsWith('-shm') });
  return copy;
}

async function replayedDigest(log: Log): Promise<string> {
  const { view, registry } = await open(log, temporaryData());
  const digest = view.digest();
  registry.close();
  return digest;
}

function statusOf({ registry }: Opened): object {
  return registry.status()[0]!;
}

function files(directory: string): string[] {
  const folder = join(directory, 'views', 'tables');
  return existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith('.sqlite'))
        .sort()
    : [];
}

function setAside(directory: string): string[] {
  const folder = join(directory, 'views', 'set-aside');
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}

/** Counts from where logs are read. */
function watched(log: MemoryLog): { readonly log: MemoryLog; readonly reads: number[] } {
  const reads: number[] = [];
  const read = log.read.bind(log);
  log.read = (options) => {
    reads.push(options.from);
    return read(options);
  };
  return { log, reads };
}

/** Some commits of three tenants, seen live, with a position that counts in the middle. */
async function lived(): Promise<{ log: MemoryLog; directory: string; opened: Opened; saved: Sequence }> {
  const directory = temporaryData();
  const log = newLog();
  const opened = await open(log, directory);
  write(log, '1:aa', '2:bb', '1:cc');
  const saved = write(log, '1:ab', '3:xx');
  await deliver(log, opened);
  await opened.registry.checkpoint();
  write(log, '2:bc');
  write(log, '1:ac', '2:ba');
  await deliver(log, opened);
  return { log, directory, opened, saved };
}

describe('a view with files of its own', () => {
  test('has no files before it has something to keep, and its position counts all the same', async () => {
    const directory = temporaryData();
    const log = newLog();
    const opened = await open(log, directory);
    write(log);
    const end = write(log);
    await deliver(log, opened);
    await opened.registry.checkpoint();
    expect(existsSync(join(directory, 'views', 'tables'))).toBe(false);
    expect(statusOf(opened)).toMatchObject({ state: 'live', applied: end, checkpoint: end });
    const again = watched(log.crash());
    await open(again.log, killed(directory));
    expect(again.reads).toEqual([end + 1]);
  });

  test('is the same live, replayed from the start, and opened again', async () => {
    const { log, directory, opened } = await lived();
    const digest = opened.view.digest();
    expect(await replayedDigest(log)).toBe(digest);
    await opened.registry.checkpoint();
    opened.registry.close();
    const again = await open(log.crash(), directory);
    expect(again.view.digest()).toBe(digest);
    expect(again.view.texts(1 as TenantId, 7 as Sequence)).toEqual({ now: ['ac', 'cc'], past: ['aa', 'cc'] });
    expect(again.lines).toEqual([]);
  });

  test('goes on behind the position that counts, and its stores skip what they have', async () => {
    const { log, directory, opened, saved } = await lived();
    const digest = opened.view.digest();
    const again = watched(log.crash());
    const reopened = await open(again.log, killed(directory));
    expect(again.reads[0]).toBe(saved + 1);
    expect(reopened.view.digest()).toBe(digest);
    const versions = [
      ...reopened.view.stores
        .get(2 as TenantId)!
        .versions(16 as never, { from: null, to: null }, 0 as Sequence, log.stable),
    ];
    expect(versions.map(({ value }) => Buffer.from(value).toString())).toEqual(['bb', 'bc', 'ba']);
  });

  test('begins from nothing where nothing of it counts yet, and skips what its stores have', async () => {
    const directory = temporaryData();
    const log = newLog();
    const opened = await open(log, directory);
    write(log, '1:aa', '2:bb');
    await deliver(log, opened);
    const reopened = await open(log.crash(), killed(directory));
    expect(reopened.view.digest()).toBe(opened.view.digest());
    expect(statusOf(reopened)).toMatchObject({ state: 'live', checkpoint: 0 });
  });

  test('writes nothing of what is not stable', async () => {
    const { log, directory, opened } = await lived();
    const before = opened.view.digest();
    const rows = opened.view.stores.begin(1 as TenantId, (log.stable + 1) as Sequence)!;
    rows.put(16 as never, Buffer.from('z'), Buffer.from('zz'), (log.stable + 1) as Sequence);
    expect(opened.view.digest()).toBe(before);
    await opened.registry.checkpoint();
    const reopened = await open(log.crash(), killed(directory));
    expect(reopened.view.digest()).toBe(before);
  });

  test('stays gone for a tenant that was dropped, also where a crash comes before that counts', async () => {
    const { log, directory, opened } = await lived();
    write(log, '1:ad', '1:!');
    await deliver(log, opened);
    expect(opened.view.texts(1 as TenantId, log.stable).now).toEqual([]);
    const digest = opened.view.digest();
    expect(await replayedDigest(log)).toBe(digest);
    const reopened = await open(log.crash(), killed(directory));
    expect(reopened.view.digest()).toBe(digest);
    expect(readFileSync(join(directory, 'views', 'tables', '1.sqlite')).includes('ac')).toBe(false);
  });

  test('vouches for the log with what its files hold, before there is a log', async () => {
    const { log, directory } = await lived();
    const disk = new RealDisk();
    writeLogId(disk, directory, log.identity.logId);
    const claims = appliedPositions(disk, directory, [storeView()]);
    expect(claims).toContainEqual({ source: 'the files of view "tables"', sequence: log.stable });
  });

  test('is saved as parts where it can keep no files', async () => {
    const disk = new MemoryDisk();
    for (const folder of ['/data', '/data/metadata', '/data/views']) disk.mkdir(folder);
    const log = newLog();
    const opened = await open(log, '/data', storeView(), disk);
    write(log, '1:aa', '2:bb', '1:ab');
    const saved = write(log, '1:cc');
    await deliver(log, opened);
    await opened.registry.checkpoint();
    write(log, '2:bc');
    const again = watched(log.crash());
    const reopened = await open(again.log, '/data', storeView(), disk);
    expect(again.reads[0]).toBe(saved + 1);
    expect(reopened.lines).toEqual([]);
    expect(reopened.view.digest()).toBe(await replayedDigest(log));
  });
});

describe('files that do not fit the log', () => {
  test('ahead of it are set aside whole, and nothing may be written', async () => {
    const { log, directory, opened } = await lived();
    for (const text of ['ad', 'ae', 'af']) write(log, `1:${text}`, `1:${text}`, `1:${text}`);
    await deliver(log, opened);
    const held = opened.view.stores.get(1 as TenantId)!.position!.sequence;
    const shorter = log.lose(3);
    const copy = killed(directory);
    const reopened = await open(shorter, copy);
    expect(reopened.registry.readOnly).toMatch(/durable commits are missing/);
    expect(setAside(copy)).toEqual([`tables-ahead-${held}.files`, `tables-ahead-${held}.json`]);
    expect(readdirSync(join(copy, 'views', 'set-aside', `tables-ahead-${held}.files`))).toContain('1.sqlite');
    expect(reopened.view.digest()).toBe(await replayedDigest(shorter));
    reopened.registry.close();
    const later = await open(shorter.crash(), copy);
    expect(later.registry.readOnly).not.toBeNull();
  });

  test('of another branch are set aside, and the log may be written', async () => {
    const { log, directory } = await lived();
    const branch = log.lose(1);
    write(branch, '1:ad', '2:bd');
    write(branch, '1:ae');
    const copy = killed(directory);
    const reopened = await open(branch, copy);
    expect(reopened.registry.readOnly).toBeNull();
    expect(setAside(copy).map((name) => name.replace(/\d+/, 'N'))).toEqual([
      'tables-branch-N.files',
      'tables-branch-N.json',
    ]);
    expect(reopened.view.digest()).toBe(await replayedDigest(branch));
  });

  test('that are missing are made again, all or one', async () => {
    const { log, directory, opened } = await lived();
    const digest = opened.view.digest();
    for (const file of files(directory)) {
      const copy = killed(directory);
      for (const end of ['', '-wal']) rmSync(join(copy, 'views', 'tables', file + end), { force: true });
      const reopened = await open(log.crash(), copy);
      expect(reopened.view.digest()).toBe(digest);
      expect(reopened.lines.join()).toMatch(/goes on from 0/);
      reopened.registry.close();
    }
    const none = killed(directory);
    rmSync(join(none, 'views'), { recursive: true });
    mkdirSync(join(none, 'views'));
    expect((await open(log.crash(), none)).view.digest()).toBe(digest);
  });

  test('of another version are removed and made again', async () => {
    const { log, directory, opened } = await lived();
    const copy = killed(directory);
    const reopened = await open(log.crash(), copy, storeView(2));
    expect(reopened.lines.join()).toMatch(/other version|another version/);
    expect(setAside(copy)).toEqual([]);
    expect(reopened.view.digest()).toBe(opened.view.digest());
  });

  test('that are no SQLite files any more are set aside and made again', async () => {
    const { log, directory, opened } = await lived();
    await opened.registry.checkpoint();
    const digest = opened.view.digest();
    opened.registry.close();
    const copy = killed(directory);
    const path = join(copy, 'views', 'tables', '2.sqlite');
    const bytes = readFileSync(path);
    bytes.fill(0x55, 0, 100);
    writeFileSync(path, bytes);
    const reopened = await open(log.crash(), copy);
    expect(setAside(copy).some((name) => /^tables-damaged-\d+\.files$/.test(name))).toBe(true);
    expect(reopened.view.digest()).toBe(digest);
    expect(reopened.registry.readOnly).toBeNull();
  });

  test('in which SQLite finds damage later fail the view, and the next start makes it again', async () => {
    const { log, directory, opened } = await lived();
    for (let i = 0; i < 400; i += 1)
      write(log, `1:${String.fromCharCode(97 + (i % 26))}${'x'.repeat(90)}${i}`);
    await deliver(log, opened);
    await opened.registry.checkpoint();
    const digest = opened.view.digest();
    opened.registry.close();
    const copy = killed(directory);
    const path = join(copy, 'views', 'tables', '1.sqlite');
    const bytes = readFileSync(path);
    // Pages of rows; what the file says of itself lies in others.
    for (let page = 1; page * 4096 < bytes.length; page += 1) {
      const rows = bytes.subarray(page * 4096, (page + 1) * 4096);
      if (rows.includes('x'.repeat(90))) rows.fill(0x55);
    }
    writeFileSync(path, bytes);
    const again = log.crash();
    const damaged = await open(again, copy);
    expect(() => damaged.view.texts(1 as TenantId, 9 as Sequence)).toThrow(/SQLite reports/);
    damaged.registry.close();
    const reopened = await open(again.crash(), copy);
    expect(setAside(copy).some((name) => name.startsWith('tables-damaged-'))).toBe(true);
    expect(reopened.view.digest()).toBe(digest);
  });

  test('are taken at the word of the position that counts where the log has been pruned', async () => {
    const { log, directory, opened, saved } = await lived();
    write(log, '2:bd');
    await deliver(log, opened);
    await opened.registry.checkpoint();
    const quiet = opened.view.stores.get(3 as TenantId)!.position!.sequence;
    expect(quiet).toBe(saved);
    const digest = opened.view.digest();
    const pruned = prunedBefore(log.crash(), quiet + 1);
    const reopened = await open(pruned, killed(directory));
    expect(reopened.lines).toEqual([]);
    expect(reopened.view.digest()).toBe(digest);
  });
});

describe('after any crash', () => {
  /** Every state of the files that was ever on disk, of every tenant by itself. */
  interface Moment {
    readonly manifest: string | null;
    readonly folder: string;
    /** Position that counts; 0 while none does. */
    readonly saved: number;
  }

  async function life(seed: number): Promise<{ log: MemoryLog; moments: Moment[] }> {
    let state = seed;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
      return (state >> 8) % below;
    };
    const directory = temporaryData();
    const log = newLog();
    const opened = await open(log, directory);
    const moments: Moment[] = [];
    let saved = 0;
    for (let commit = 1; commit <= 14; commit += 1) {
      const entries = Array.from(
        { length: random(4) },
        () => `${random(3)}:${random(25) === 0 ? '!' : `${'abcd'[random(4)]}${commit}`}`,
      );
      write(log, ...entries);
      await deliver(log, opened);
      if (random(4) === 0) {
        await opened.registry.checkpoint();
        saved = log.stable;
      }
      const manifest = join(directory, 'metadata', 'views.json');
      moments.push({
        manifest: existsSync(manifest) ? readFileSync(manifest, 'utf8') : null,
        folder: join(killed(directory), 'views', 'tables'),
        saved,
      });
    }
    opened.registry.close();
    return { log, moments };
  }

  function assembled(manifest: Moment, of: (tenant: number) => Moment): string {
    const directory = temporaryData();
    if (manifest.manifest !== null)
      writeFileSync(join(directory, 'metadata', 'views.json'), manifest.manifest);
    for (const tenant of [0, 1, 2]) {
      const { folder } = of(tenant);
      for (const end of ['', '-wal']) {
        const from = join(folder, `${tenant}.sqlite${end}`);
        if (existsSync(from)) cpSync(from, join(directory, 'views', 'tables', `${tenant}.sqlite${end}`));
      }
    }
    return directory;
  }

  test('stores of any moments behind any position lead to what a replay gives, or are ahead and set aside', async () => {
    const lives = await Promise.all([3, 17, 40].map((seed) => life(seed)));
    const digests = new Map<string, string>();
    const moment = fc.nat({ max: 13 });
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: 2 }),
        moment,
        fc.tuple(moment, moment, moment),
        fc.nat({ max: 6 }),
        async (which, manifest, stores, lost) => {
          const { log, moments } = lives[which]!;
          const directory = assembled(moments[manifest]!, (tenant) => moments[stores[tenant]!]!);
          const found = lost === 0 ? log.crash() : log.lose(lost);
          const { files } = storeFiles.find(join(directory, 'views', 'tables'), log.identity.logId, 1);
          const known = Math.max(
            moments[manifest]!.saved,
            ...files.map(({ commit }) => commit?.sequence ?? 0),
          );
          const reopened = await open(found, directory);
          expect(statusOf(reopened)).toMatchObject({ state: 'live', applied: found.stable });
          const history = `${which} ${lost}`;
          if (!digests.has(history)) digests.set(history, await replayedDigest(found));
          expect(reopened.view.digest()).toBe(digests.get(history));
          expect(reopened.registry.readOnly !== null).toBe(known > found.stable);
          reopened.registry.close();
        },
      ),
      { numRuns: 30 },
    );
  }, 60_000);
});

/** As a log whose oldest segments are gone. */
function prunedBefore(log: MemoryLog, floor: number): Log {
  const gone = (from: number): void => {
    if (from < floor) throw new TruthError('PRUNED', `sequence ${from} is no longer in this log`);
  };
  const read = log.read.bind(log);
  const readBackwards = log.readBackwards.bind(log);
  log.read = async function* (options) {
    gone(options.from);
    yield* read(options);
  };
  log.readBackwards = async function* (from) {
    gone(from);
    yield* readBackwards(from);
  };
  return log;
}
