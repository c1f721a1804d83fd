/** A backup that is being made keeps what it still has to read. */
import { expect, test } from 'vitest';
import { createBackup, DirectoryTarget } from '../../../db/backup/index.ts';
import { holdsOf } from '../../../db/engine.ts';
import type { TruthError } from '../../../db/errors.ts';
import type { Sequence } from '../../../db/types.ts';
import { fileHolds, holdFiles } from '../../../db/wal/index.ts';
import { DIRECTORY, newDatabase, openOn, write } from '../snapshot/support.ts';
import { randomFrom } from '../wal/support.ts';
import { LARGE, laterClock, verify } from './support.ts';

const held = (from: number) => ({ name: 'being made', from: from as Sequence });

test('a backup under way holds back pruning, from its beginning or from where its base ends, and lets go at the end', async () => {
  const disk = newDatabase();
  const { engine } = await openOn(disk);
  await write(engine, ...Array.from({ length: 12 }, () => LARGE));
  await engine.snapshots.create();
  await engine.close();
  const { engine: again } = await openOn(disk);
  const refusals: TruthError[] = [];
  const prune = (): void => {
    try {
      again.retention.prune({ before: 20 as Sequence, withoutArchive: true });
    } catch (error) {
      refusals.push(error as TruthError);
    }
  };
  class Watched extends DirectoryTarget {
    override begin(): void {
      super.begin();
      prune();
    }
  }
  const options = {
    disk,
    directory: DIRECTORY,
    with: { tokens: false, tls: false, signing: false },
    clock: laterClock(),
  };
  const rest = { random: randomFrom(3), made: () => {}, progress: () => {} };
  await createBackup({ ...options, ...rest, base: null, target: new Watched(disk, '/full') });
  expect(refusals[0]).toMatchObject({
    code: 'LOCKED',
    message: expect.stringMatching(/backup being made needs it from sequence 1[;.]/),
  });
  await write(again, LARGE, LARGE);
  const base = await createBackup({
    ...options,
    ...rest,
    ...{ base: '/full', random: randomFrom(4), target: new Watched(disk, '/more') },
  });
  expect(base.kind).toBe('incremental');
  expect(refusals.slice(1)).toEqual([]);
  expect(fileHolds(disk, DIRECTORY)).toEqual([]);
  expect(verify(disk, '/full').ok).toBe(true);
  await again.close();
});

test('one that died holds nothing, and its place is used again', async () => {
  const disk = newDatabase();
  const { engine } = await openOn(disk);
  await write(engine, 'a');
  await engine.close();
  const first = holdFiles(disk, DIRECTORY, held(1), () => {});
  const second = holdFiles(disk, DIRECTORY, held(7), () => {});
  expect(fileHolds(disk, DIRECTORY).map(({ from }) => from)).toEqual([1, 7]);
  expect(holdsOf(disk, DIRECTORY)).toContainEqual({ kind: 'backup', ...held(7) });
  first.release();
  expect(fileHolds(disk, DIRECTORY).map(({ from }) => from)).toEqual([7]);
  second.release();
  holdFiles(disk, DIRECTORY, held(3), () => {});
  expect(disk.paths().filter((path) => path.includes('/readers/'))).toHaveLength(2);
  disk.killProcess();
  expect(fileHolds(disk, DIRECTORY)).toEqual([]);
});

test('a hold whose words cannot be read keeps everything', () => {
  const disk = newDatabase();
  holdFiles(disk, DIRECTORY, held(9), () => {});
  disk.bytesOf(`${DIRECTORY}/metadata/readers/1/hold.json`).fill(0x20);
  expect(fileHolds(disk, DIRECTORY)).toMatchObject([{ kind: 'backup', from: 1 }]);
});

test('where nothing can be written a backup is made all the same, and says what it does not hold back', async () => {
  const disk = newDatabase();
  const { engine } = await openOn(disk);
  await write(engine, 'a');
  await engine.close();
  disk.beforeOperation = (operation, path) => {
    if (operation !== 'open' && path.includes('/readers'))
      throw Object.assign(new Error('EROFS'), { code: 'EROFS' });
  };
  const lines: string[] = [];
  await createBackup({
    ...{
      disk,
      directory: DIRECTORY,
      with: { tokens: false, tls: false, signing: false },
      clock: laterClock(),
      base: null,
    },
    ...{ random: randomFrom(3), made: () => {}, progress: (line) => lines.push(line) },
    target: new DirectoryTarget(disk, '/full'),
  });
  expect(lines[0]).toMatch(/pruning is not held back.*EROFS/);
});
