/** Sealed entries against somebody who can change every byte around them, and logs whose keys are elsewhere. */
import { expect, test } from 'vitest';
import { Epochs, KeyRing, SealedLog } from '../../../db/tenancy/index.ts';
import type { RecordedAt, Sequence, TenantId } from '../../../db/types.ts';
import type { EntryDraft, Log, LogCommit, LogEntry, OpenedLog } from '../../../db/wal/index.ts';
import type { MemoryDisk } from '../wal/memory-disk.ts';
import { collect, DIRECTORY, newDisk, open, randomFrom } from '../wal/support.ts';

const TENANT = 7 as TenantId;
const OTHER = 8 as TenantId;
const KEYS = { from: 'file', path: '/secrets/kek' } as const;

function draft(text: string, tenant = TENANT, subject: string | null = null, type = 16): EntryDraft {
  return { type, tenant, partitionKey: 5n, flags: 0, payload: Buffer.from(text), subject };
}

async function sealed(
  seed = 1,
): Promise<{ disk: MemoryDisk; below: OpenedLog; ring: KeyRing; epochs: Epochs; log: SealedLog }> {
  const disk = newDisk();
  disk.mkdir('/secrets');
  const { log: below } = await open(disk, { random: randomFrom(seed) });
  const { logId } = below.identity;
  const ring = new KeyRing({ disk, directory: DIRECTORY, logId, source: KEYS, random: randomFrom(seed + 1) });
  const epochs = new Epochs(disk, DIRECTORY, () => below.begun);
  epochs.keep();
  ring.create(TENANT);
  ring.create(OTHER);
  return {
    disk,
    below,
    ring,
    epochs,
    log: new SealedLog({ log: below, ring, epochs, unknownKeys: 'refuse' }),
  };
}

function append(log: SealedLog, below: OpenedLog, ...drafts: EntryDraft[]): Sequence {
  const { first } = log.append(drafts, 0n as RecordedAt);
  below.flush();
  return first;
}

/** The log below, with what `change` makes of its entries. */
function changed(below: Log, change: (entry: LogEntry) => LogEntry): Log {
  return new Proxy(below, {
    get(target, name) {
      if (name === 'entryAt')
        return (at: Sequence) => {
          const entry = target.entryAt(at);
          return entry === null ? null : { ...entry, ...change(entry) };
        };
      if (name === 'read')
        return async function* (options: Parameters<Log['read']>[0]): AsyncGenerator<LogCommit> {
          for await (const commit of target.read(options))
            yield { ...commit, entries: commit.entries.map(change) };
        };
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

async function texts(log: Log, from = 1): Promise<string[]> {
  const commits = await collect(log.read({ from: from as Sequence, follow: false }));
  return commits.flatMap(({ entries }) =>
    entries.filter(({ type }) => type >= 16).map(({ payload }) => Buffer.from(payload).toString()),
  );
}

test('entries come back as they were, singly, forwards and backwards, whatever shares their message', async () => {
  const { below, log, ring } = await sealed();
  const words = Array.from({ length: 150 }, (_, at) => `word ${at}`);
  const first = append(
    log,
    below,
    ...words.map((word, at) => draft(word, TENANT, at % 10 === 3 ? 'alice' : null, 16 + (at % 2))),
  );
  append(log, below, draft('of another', OTHER), draft('of none', 9 as TenantId), draft('again'));
  const expected = [...words, 'of another', 'of none', 'again'];
  expect(await texts(log)).toEqual(expected);
  for (const at of [0, 3, 4, 63, 64, 100, 149]) {
    const entry = log.entryAt((first + at) as Sequence);
    expect([Buffer.from(entry!.payload).toString(), entry!.type, entry!.flags & 1]).toEqual([
      words[at],
      16 + (at % 2),
      0,
    ]);
  }
  const backwards = await collect(log.readBackwards(log.stable));
  expect(backwards.flatMap(({ entries }) => entries.filter(({ type }) => type >= 16)).length).toBe(
    expected.length,
  );
  const raw = (await texts(below)).join();
  expect(raw).toContain('of none');
  for (const word of ['word 3', 'of another', 'again']) expect(raw).not.toContain(word);
  ring.destroy([ring.subjectKey(TENANT, ring.handle(TENANT, 'alice'))]);
  log.forget();
  expect(await texts(log)).toEqual(expected.filter((_, at) => at >= 150 || at % 10 !== 3));
  expect(log.entryAt((first + 3) as Sequence)).toBeNull();
});

test('any changed byte, place, type, tenant or neighbour is noticed', async () => {
  const { below, ring, epochs, log } = await sealed();
  const first = append(log, below, draft('one'), draft('two'), draft('three'));
  const second = append(log, below, draft('four', OTHER));
  const through = (change: (entry: LogEntry) => LogEntry): SealedLog =>
    new SealedLog({ log: changed(below, change), ring, epochs, unknownKeys: 'refuse' });
  const { payload } = below.entryAt(first)!;
  const changes: ((entry: LogEntry) => LogEntry)[] = [];
  for (let at = 8; at < payload.length; at++) {
    changes.push((entry) =>
      entry.sequence !== first
        ? entry
        : { ...entry, payload: entry.payload.map((byte, index) => (index === at ? byte ^ 1 : byte)) },
    );
  }
  const at = (sequence: Sequence, more: Partial<LogEntry>) => (entry: LogEntry) =>
    entry.sequence === sequence ? { ...entry, ...more } : entry;
  changes.push(at(first, { type: 17 }), at(second, { tenant: TENANT }), at(first, { tenant: OTHER }));
  // Another's payload in its place; two of one message exchanged.
  changes.push(at(second, { payload: below.entryAt(first)!.payload }));
  const [one, two] = [first, (first + 1) as Sequence].map((sequence) => below.entryAt(sequence)!.payload);
  changes.push((entry) =>
    entry.sequence === first
      ? { ...entry, payload: two! }
      : entry.sequence === first + 1
        ? { ...entry, payload: one! }
        : entry,
  );
  for (const change of changes) {
    const log = through(change);
    const failure = expect.objectContaining({ code: expect.stringMatching(/^(CORRUPT|KEY_UNAVAILABLE)$/) });
    await expect(texts(log)).rejects.toEqual(failure);
    expect(() => [first, second].map((sequence) => log.entryAt(sequence))).toThrow(failure);
  }
});

test('an original whose key is missing says so; a copy without keys goes on with what it can read', async () => {
  const { disk, below, log } = await sealed();
  append(log, below, draft('sealed'), draft('open', 9 as TenantId));
  const { logId } = below.identity;
  const empty = new KeyRing({
    ...{ disk: newDisk(), directory: DIRECTORY, logId, source: null, random: randomFrom(9) },
  });
  const epochs = new Epochs(disk, DIRECTORY, () => null);
  const original = new SealedLog({ log: below, ring: empty, epochs, unknownKeys: 'refuse' });
  await expect(texts(original)).rejects.toMatchObject({ code: 'KEY_UNAVAILABLE' });
  const copy = new SealedLog({ log: below, ring: empty, epochs, unknownKeys: 'skip' });
  expect(await texts(copy)).toEqual(['open']);
});

test('epochs are found again in the log when their file is lost', async () => {
  const { disk, below, log } = await sealed();
  const first = append(log, below, draft('before'));
  await below.close();
  disk.unlink(`${DIRECTORY}/metadata/epochs.json`);
  const { log: reopened } = await open(disk, { random: randomFrom(77) });
  const { logId } = reopened.identity;
  const ring = new KeyRing({ disk, directory: DIRECTORY, logId, source: KEYS, random: randomFrom(78) });
  const epochs = new Epochs(disk, DIRECTORY, () => reopened.begun);
  await epochs.load(reopened);
  const again = new SealedLog({ log: reopened, ring, epochs, unknownKeys: 'refuse' });
  append(again, reopened, draft('behind'));
  expect(await texts(again)).toEqual(['before', 'behind']);
  expect(Buffer.from(again.entryAt(first)!.payload).toString()).toBe('before');
});
