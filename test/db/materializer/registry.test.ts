import { beforeEach, describe, expect, test } from 'vitest';
import {
  CheckpointStore,
  inlineRunner,
  Registry,
  type ViewDefinition,
} from '../../../db/materializer/index.ts';
import type { RecordedAt, Sequence, TenantId } from '../../../db/types.ts';
import type { LogCommit } from '../../../db/wal/log.ts';
import { MemoryLog } from '../support/memory-log.ts';
import { type TextViewDefinition, textView } from '../support/text-view.ts';
import { MemoryDisk } from '../wal/memory-disk.ts';

const DIRECTORY = '/data';

let disk: MemoryDisk;
let lines: string[];

beforeEach(() => {
  disk = newDisk();
  lines = [];
});

function newDisk(): MemoryDisk {
  const made = new MemoryDisk();
  for (const folder of ['/data', '/data/metadata', '/data/views']) made.mkdir(folder);
  return made;
}

function newLog(): MemoryLog {
  return new MemoryLog({ stability: 'manual', groups: 'manual' });
}

/** A stable commit of one entry per text; of none at all without texts. */
function write(log: MemoryLog, ...texts: string[]): Sequence {
  for (const text of texts) {
    const payload = Buffer.from(text);
    log.append([{ type: 20, tenant: 0 as TenantId, partitionKey: 0n, flags: 0, payload }], 1n as RecordedAt);
  }
  log.closeGroup(true);
  log.stabilise();
  return log.stable;
}

async function open(
  log: MemoryLog,
  definitions: readonly ViewDefinition[],
  on: MemoryDisk = disk,
): Promise<Registry> {
  const pause = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const report = (line: string): void => void lines.push(line);
  const logId = Buffer.from(log.identity.logId).toString('hex');
  const store = new CheckpointStore({ disk: on, directory: DIRECTORY, logId, report });
  const saver = inlineRunner(on, pause);
  const registry = new Registry({ log, definitions, store, saver, pause, report });
  await registry.open();
  return registry;
}

/** Hands over live what became stable since. */
async function deliver(log: MemoryLog, registry: Registry): Promise<void> {
  const commits: LogCommit[] = [];
  for await (const commit of log.read({ from: (registry.position + 1) as Sequence, follow: false })) {
    commits.push({
      ...commit,
      entries: commit.entries.map((entry) => ({ ...entry, payload: new Uint8Array(entry.payload) })),
    });
  }
  for (const commit of commits) registry.apply(commit);
}

function digestOf(definition: TextViewDefinition): string {
  return definition.made.at(-1)!.digest();
}

async function freshDigest(log: MemoryLog): Promise<string> {
  const definition = textView('fresh');
  await open(log, [definition], newDisk());
  return digestOf(definition);
}

/** A log of some commits, a view of it that was live for them, its checkpoint on the disk. */
async function savedView(
  name = 'notes',
): Promise<{ log: MemoryLog; definition: TextViewDefinition; saved: Sequence }> {
  const log = newLog();
  const definition = textView(name);
  const registry = await open(log, [definition]);
  write(log, 'a', 'b');
  write(log);
  const saved = write(log, 'c');
  await deliver(log, registry);
  await registry.checkpoint();
  return { log, definition, saved };
}

function statusOf(registry: Registry, name: string) {
  return registry.status().find((status) => status.name === name)!;
}

describe('a view', () => {
  test('is the same live, replayed from zero, and restored with the tail replayed', async () => {
    const { log, definition } = await savedView();
    const registry = await open(log, [definition]);
    write(log, 'd');
    write(log, 'e', 'f');
    await deliver(log, registry);
    const live = digestOf(definition);
    expect(definition.made.at(-1)!.lines).toHaveLength(6);
    expect(await freshDigest(log)).toBe(live);
    const restored = textView('notes');
    await open(log, [restored]);
    expect(digestOf(restored)).toBe(live);
    expect(lines).toEqual([]);
  });

  test('is restored from its checkpoint, not replayed, where it has one', async () => {
    const { log, saved } = await savedView();
    let firstRead = 0;
    const read = log.read.bind(log);
    log.read = (options) => {
      firstRead ||= options.from;
      return read(options);
    };
    await open(log, [textView('notes')]);
    expect(firstRead).toBe(saved + 1);
  });

  test('is not told of empty commits, but its position moves with them', async () => {
    const log = newLog();
    const definition = textView('notes');
    const registry = await open(log, [definition]);
    const end = write(log);
    await deliver(log, registry);
    expect(definition.made[0]!.lines).toEqual([]);
    expect(statusOf(registry, 'notes')).toMatchObject({ state: 'live', applied: end });
  });

  test('never gets a commit twice, even when it is offered twice', async () => {
    const log = newLog();
    const definition = textView('notes');
    const registry = await open(log, [definition]);
    write(log, 'a');
    const commits: LogCommit[] = [];
    for await (const commit of log.read({ from: 3 as Sequence, follow: false })) commits.push(commit);
    registry.apply(commits[0]!);
    registry.apply(commits[0]!);
    expect(definition.made[0]!.lines).toHaveLength(1);
  });

  test('keeps the position of its commit, in status and in its handle', async () => {
    const { log, definition, saved } = await savedView();
    const registry = await open(log, [definition]);
    expect(statusOf(registry, 'notes')).toEqual({
      name: 'notes',
      version: 1,
      scope: 'global',
      state: 'live',
      applied: saved,
      checkpoint: saved,
      memory: null,
      error: null,
    });
    expect(registry.handle(definition)).toMatchObject({ state: 'live', applied: saved, error: null });
  });
});

describe('a view is rebuilt', () => {
  test('when its folder was deleted', async () => {
    const { log, definition } = await savedView();
    for (const path of disk.paths()) if (path.startsWith('/data/views/')) disk.unlink(path);
    const again = textView('notes');
    await open(log, [again]);
    expect(digestOf(again)).toBe(digestOf(definition));
    expect(lines.join()).toContain('is missing');
  });

  test('when the manifest was deleted', async () => {
    const { log, definition } = await savedView();
    disk.unlink('/data/metadata/views.json');
    const again = textView('notes');
    await open(log, [again]);
    expect(digestOf(again)).toBe(digestOf(definition));
  });

  test.each(['', 'no json', '{"format":2}', '{"format":1,"logId":"00","views":[]}'])(
    'when the manifest holds %j instead',
    async (text) => {
      const { log, definition } = await savedView();
      disk.cut('/data/metadata/views.json', 0);
      const handle = disk.open('/data/metadata/views.json', 'write');
      disk.pwrite(handle, Buffer.from(text), 0);
      const again = textView('notes');
      await open(log, [again]);
      expect(digestOf(again)).toBe(digestOf(definition));
      expect(lines.join()).toContain('views.json cannot be read');
    },
  );

  test('when the manifest is of another log', async () => {
    await savedView();
    const other = new MemoryLog({ stability: 'manual', groups: 'manual', logId: new Uint8Array(16).fill(9) });
    write(other, 'z');
    const again = textView('notes');
    await open(other, [again]);
    expect(digestOf(again)).toBe(await freshDigest(other));
    expect(lines.join()).toContain('belongs to log');
  });

  test('when this release makes another version of it; the old files go', async () => {
    const { log } = await savedView();
    const newer = textView('notes', { version: 2 });
    const registry = await open(log, [newer]);
    expect(digestOf(newer)).toBe(await freshDigest(log));
    expect(lines.join()).toContain('has version 1, this release makes 2');
    expect(statusOf(registry, 'notes').checkpoint).toBe(0);
    expect(disk.paths().filter((path) => path.startsWith('/data/views/notes/'))).toEqual([]);
  });

  test('when any single bit of any of its files has flipped', async () => {
    const { log, definition } = await savedView();
    const parts = disk.paths().filter((path) => path.startsWith('/data/views/notes/'));
    expect(parts).toHaveLength(1);
    const bits = disk.bytesOf(parts[0]!).length * 8;
    for (let bit = 0; bit < bits; bit += 5) {
      const damaged = disk.copy();
      damaged.bytesOf(parts[0]!)[bit >> 3]! ^= 1 << (bit & 7);
      const again = textView('notes');
      lines = [];
      await open(log, [again], damaged);
      expect(digestOf(again)).toBe(digestOf(definition));
      expect(lines.join()).toContain('checksum');
    }
  });

  test('behind the opening when nothing requires it, meeting the live commits without a gap or an overlap', async () => {
    const log = newLog();
    for (let commit = 0; commit < 3000; commit++) write(log, `old ${commit}`, `and ${commit}`);
    const slow = textView('slow', { required: false });
    const needed = textView('needed');
    const registry = await open(log, [needed, slow]);
    expect(statusOf(registry, 'needed').state).toBe('live');
    expect(statusOf(registry, 'slow').state).toBe('rebuilding');
    let commits = 0;
    while (statusOf(registry, 'slow').state === 'rebuilding') {
      write(log, `new ${commits++}`);
      await deliver(log, registry);
      await new Promise((resolve) => setImmediate(resolve));
    }
    write(log, 'last');
    await deliver(log, registry);
    expect(commits).toBeGreaterThan(0);
    expect(statusOf(registry, 'slow')).toMatchObject({ state: 'live', applied: log.stable });
    expect(digestOf(slow)).toBe(digestOf(needed));
  });

  test('and a rebuild in the background ends when the registry stops', async () => {
    const log = newLog();
    for (let commit = 0; commit < 5000; commit++) write(log, `old ${commit}`);
    const slow = textView('slow', { required: false });
    const registry = await open(log, [slow]);
    await registry.stop();
    expect(statusOf(registry, 'slow').state).toBe('rebuilding');
    expect(slow.made[0]!.lines.length).toBeLessThan(5000);
  });
});

describe('a view that throws', () => {
  test('stays at the commit before, is reported, and stops neither the log nor the others', async () => {
    const log = newLog();
    const good = textView('good');
    const bad = textView('bad');
    const registry = await open(log, [bad, good]);
    const before = write(log, 'a');
    const at = write(log, 'b');
    const after = write(log, 'c');
    bad.made[0]!.throwAt = at;
    await deliver(log, registry);
    expect(statusOf(registry, 'bad')).toMatchObject({ state: 'failed', applied: before });
    expect(statusOf(registry, 'bad').error).toContain(
      `threw at the commit at ${at}: this view does not like`,
    );
    expect(statusOf(registry, 'good')).toMatchObject({ state: 'live', applied: after });
    expect(bad.made[0]!.lines).toHaveLength(1);
    expect(lines).toEqual([expect.stringContaining(`view "bad" stays at ${before}`)]);
    expect(registry.position).toBe(after);
  });

  test('is not saved any more: what it saved while it was sound stays', async () => {
    const log = newLog();
    const bad = textView('bad');
    const registry = await open(log, [bad]);
    const sound = write(log, 'a');
    await deliver(log, registry);
    await registry.checkpoint();
    bad.made[0]!.throwAt = write(log, 'b');
    await deliver(log, registry);
    await registry.checkpoint();
    expect(statusOf(registry, 'bad')).toMatchObject({ checkpoint: sound, applied: sound });
    const again = textView('bad');
    expect(statusOf(await open(log, [again]), 'bad')).toMatchObject({ state: 'live', applied: log.stable });
    expect(digestOf(again)).toBe(await freshDigest(log));
  });

  test('while it is rebuilt holds nobody up either', async () => {
    const log = newLog();
    const before = write(log, 'a');
    const at = write(log, 'b');
    const bad = textView('bad', { throwAt: at });
    const background = textView('background', { throwAt: at, required: false });
    const good = textView('good');
    const registry = await open(log, [bad, background, good]);
    while (statusOf(registry, 'background').state === 'rebuilding')
      await new Promise((resolve) => setImmediate(resolve));
    expect(statusOf(registry, 'bad')).toMatchObject({ state: 'failed', applied: before });
    expect(statusOf(registry, 'background')).toMatchObject({ state: 'failed', applied: before });
    expect(statusOf(registry, 'good')).toMatchObject({ state: 'live', applied: at });
  });
});

describe('a view ahead of the log', () => {
  test('is set aside whole, never deleted, and forbids writing at this opening and the next', async () => {
    const { log, definition, saved } = await savedView();
    const shorter = log.lose(2);
    expect(shorter.stable).toBeLessThan(saved);
    for (let opening = 0; opening < 2; opening++) {
      const again = textView('notes');
      const registry = await open(shorter, [again]);
      expect(registry.readOnly).toContain(`holds commits up to ${saved}`);
      expect(registry.readOnly).toContain('/data/views/set-aside/notes-ahead-');
      expect(statusOf(registry, 'notes')).toMatchObject({ state: 'live', applied: shorter.stable });
      await registry.checkpoint();
    }
    const kept = disk.bytesOf(`/data/views/set-aside/notes-ahead-${saved}.lines-3`);
    expect(Buffer.from(kept).toString('latin1')).toBe(definition.made[0]!.lines.join('\n'));
    expect(disk.paths()).toContain(`/data/views/set-aside/notes-ahead-${saved}.json`);
  });

  test('no longer forbids it when the log has the commits again', async () => {
    const { log } = await savedView();
    await open(log.lose(2), [textView('notes')]);
    expect((await open(log, [textView('notes')])).readOnly).toBeNull();
  });

  test('no longer forbids it when an operator has moved the folder away', async () => {
    const { log, saved } = await savedView();
    await open(log.lose(2), [textView('notes')]);
    for (const path of disk.paths()) {
      if (path.startsWith(`/data/views/set-aside/notes-ahead-${saved}.`))
        disk.rename(path, `/elsewhere${path}`);
    }
    expect((await open(log.lose(2), [textView('notes')])).readOnly).toBeNull();
  });

  test('set aside in a crash at any moment ends set aside', async () => {
    const { log, saved } = await savedView();
    for (let crashBefore = 1; ; crashBefore++) {
      const crashing = disk.copy();
      crashing.crashBefore = crashBefore;
      let done = true;
      await open(log.lose(2), [textView('notes')], crashing).catch(() => {
        done = false;
      });
      const found = crashing.crash((bound) => (crashBefore * 7) % bound);
      const registry = await open(log.lose(2), [textView('notes')], found);
      expect(registry.readOnly, `crash before operation ${crashBefore}`).not.toBeNull();
      expect(found.paths().filter((path) => path.endsWith('lines-3')).length).toBe(1);
      expect(found.paths().some((path) => path.includes(`ahead-${saved}.lines-3`))).toBe(true);
      if (done) break;
    }
  });
});

describe('a view of another branch of the log', () => {
  test('is set aside and rebuilt: its chain is not the log’s any more', async () => {
    const { log, saved } = await savedView();
    const branch = log.lose(1);
    for (let commit = 0; commit < 5; commit++) write(branch, `other ${commit}`);
    expect(branch.stable).toBeGreaterThan(saved);
    const again = textView('notes');
    const registry = await open(branch, [again]);
    expect(digestOf(again)).toBe(await freshDigest(branch));
    expect(lines.join()).toContain('another branch');
    expect(registry.readOnly).toBeNull();
    expect(disk.paths()).toContain(`/data/views/set-aside/notes-branch-${saved}.lines-3`);
  });
});

describe('a checkpoint', () => {
  test('counts wholly or not at all, at whatever operation the power fails', async () => {
    const { log, definition } = await savedView();
    const before = disk.copy();
    write(log, 'd', 'e');
    write(log, 'f');
    const wanted = await freshDigest(log);
    const outcomes = new Set<number>();
    for (let crashBefore = 1; ; crashBefore++) {
      const crashing = before.copy();
      const registry = await open(log, [textView('notes')], crashing);
      crashing.crashBefore = crashing.operations + crashBefore;
      let done = true;
      await registry.checkpoint().catch(() => {
        done = false;
      });
      for (let way = 0; way < 4; way++) {
        const found = crashing.crash((bound) => (crashBefore * 13 + way * 5) % bound);
        const again = textView('notes');
        lines = [];
        const registryAfter = await open(log, [again], found);
        expect(lines).toEqual([]);
        expect(digestOf(again)).toBe(wanted);
        outcomes.add(statusOf(registryAfter, 'notes').checkpoint);
      }
      if (done) break;
    }
    expect(outcomes.size).toBe(2);
    expect(definition.made).toHaveLength(1);
  });

  test('removes the parts that no longer count, and only those', async () => {
    const { log } = await savedView();
    const registry = await open(log, [textView('notes')]);
    write(log, 'd');
    await deliver(log, registry);
    await registry.checkpoint();
    expect(disk.paths().filter((path) => path.startsWith('/data/views/'))).toEqual([
      '/data/views/notes/lines-4',
    ]);
  });

  test('is not written again while nothing has changed', async () => {
    const { log } = await savedView();
    const registry = await open(log, [textView('notes')]);
    const { operations } = disk;
    await registry.checkpoint();
    expect(disk.operations).toBe(operations);
  });

  test('keeps a part that was there before without asking for its bytes', async () => {
    const log = newLog();
    const asked: string[] = [];
    const definition = {
      ...textView('parts'),
      create: () => {
        const view = textView('parts').create({ logId: log.identity.logId, folder: null });
        view.checkpoint = (writer) => {
          for (const name of ['old', `new-${view.lines.length}`]) {
            writer.part(name, () => {
              asked.push(name);
              return [Buffer.from(name)];
            });
          }
        };
        return view;
      },
    };
    const registry = await open(log, [definition]);
    for (const text of ['a', 'b']) {
      write(log, text);
      await deliver(log, registry);
      await registry.checkpoint();
    }
    expect(asked).toEqual(['old', 'new-1', 'new-2']);
  });

  test('waits for one that is being written', async () => {
    const { log } = await savedView();
    const registry = await open(log, [textView('notes')]);
    write(log, 'd');
    await deliver(log, registry);
    await Promise.all([registry.checkpoint(), registry.checkpoint(), registry.checkpoint()]);
    expect(statusOf(registry, 'notes').checkpoint).toBe(log.stable);
  });
});

describe('registering', () => {
  test.each(['', 'Upper', 'a b', '../x', 'set-aside', 'log-index', '-a'])(
    'refuses the name %j',
    async (name) => {
      await expect(open(newLog(), [textView(name)])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    },
  );

  test('refuses two views of one name', async () => {
    await expect(open(newLog(), [textView('a'), textView('a')])).rejects.toThrow('two views are named "a"');
  });

  test('gives handles only to what was registered', async () => {
    const registry = await open(newLog(), [textView('a')]);
    expect(() => registry.handle(textView('a'))).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
  });
});
