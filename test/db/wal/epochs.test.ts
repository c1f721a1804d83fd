import { expect, test } from 'vitest';
import { writeSmallFile } from '../../../db/io/index.ts';
import type { RecordedAt, Sequence } from '../../../db/types.ts';
import { findEpochs, type OpenedLog, readEpochs, writeEpochs } from '../../../db/wal/index.ts';
import type { MemoryDisk } from './memory-disk.ts';
import { collect, DIRECTORY, draft, newDisk, open, randomFrom, texts } from './support.ts';

const NOW = 0n as RecordedAt;

test('whoever prepares payloads is told their first sequence, and what is filled in then is what the log has', async () => {
  const { log } = await open(newDisk());
  const first = new Uint8Array(8);
  const second = new Uint8Array(3);
  const told: Sequence[] = [];
  const range = log.append([draft(first), draft(second)], NOW, undefined, {
    prepare: (sequence) => {
      told.push(sequence);
      first.fill(sequence);
      second.fill(sequence + 1);
    },
  });
  log.flush();
  expect(told).toEqual([range.first]);
  const [commit] = await collect(log.read({ from: range.first, follow: false }));
  expect(commit?.entries.map(({ payload }) => [...payload])).toEqual([
    new Array(8).fill(range.first),
    new Array(3).fill(range.first + 1),
  ]);
});

test('the place is the right one behind the end of a group and of a segment', async () => {
  const { log } = await open(newDisk());
  for (let command = 0; command < 40; command++) {
    const payload = new Uint8Array(50_000);
    let told = 0;
    const { first } = log.append([draft(payload)], NOW, undefined, {
      prepare: (sequence) => {
        told = sequence;
        payload.fill(sequence);
      },
    });
    log.flush();
    expect(told).toBe(first);
    expect(log.entryAt(first)?.payload[7]).toBe(first % 256);
  }
  expect(log.status().segments).toBeGreaterThan(1);
});

test('a refused command is not prepared, and one whose preparation throws leaves nothing behind', async () => {
  const { log } = await open(newDisk({ entryBytesMax: 1000 }));
  const prepare = (): never => {
    throw new Error('no key');
  };
  expect(() => log.append([draft(new Uint8Array(1001))], NOW, undefined, { prepare })).toThrowError(
    expect.objectContaining({ code: 'TOO_LARGE' }),
  );
  const { next } = log;
  expect(() => log.append([draft('a')], NOW, undefined, { prepare })).toThrowError('no key');
  expect(log.append([draft('b')], NOW).first).toBe(next);
  log.flush();
  expect(await texts(log)).toEqual(['b']);
});

test('random bytes of epochs are kept once asked for, before the first use of each, and found again when lost', async () => {
  const disk = newDisk();
  const opened = (seed: number) => open(disk, { random: randomFrom(seed) });
  const first = await opened(11);
  await first.log.close();
  expect(readEpochs(disk, DIRECTORY)).toBeNull();
  const second = await opened(12);
  writeEpochs(disk, DIRECTORY, [second.log.begun!]);
  await second.log.close();
  const third = await opened(13);
  expect(readEpochs(disk, DIRECTORY)).toEqual([second, third].map(plain));
  await third.log.close();
  lose(disk);
  const fourth = await opened(14);
  expect(await findEpochs(fourth.log, 1 as Sequence)).toEqual([first, second, third, fourth].map(plain));
  await fourth.log.close();
});

function plain({ log }: { readonly log: OpenedLog }) {
  const { epoch, after, random } = log.begun!;
  return {
    epoch,
    after,
    random: expect.toSatisfy((bytes: Uint8Array) => Buffer.compare(bytes, random) === 0),
  };
}

function lose(disk: MemoryDisk): void {
  writeSmallFile(disk, `${DIRECTORY}/metadata/epochs.json`, Buffer.from('nonsense'));
  expect(readEpochs(disk, DIRECTORY)).toBeNull();
}
