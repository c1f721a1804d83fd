import { describe, expect, test } from 'vitest';
import { verifyLog } from '../../../db/wal/index.ts';
import { DIRECTORY, newDatabase, openOn, write } from '../snapshot/support.ts';
import { SimulatedCrash } from '../wal/memory-disk.ts';
import { pickFrom } from '../wal/support.ts';
import {
  backUp,
  commonBytes,
  LARGE,
  linesOf,
  linesUpTo,
  live,
  outcomeOf,
  place,
  RESTORED,
  restore,
  segmentsOf,
  verify,
} from './support.ts';

describe('a full backup', () => {
  test('of a live database is, restored, the same log byte for byte and gives the same views', async () => {
    const { disk, engine, idle, lines } = await live();
    await write(engine, 'one', LARGE, LARGE, LARGE, LARGE, LARGE, LARGE, 'two');
    await idle();
    const created = await backUp(disk, '/full');
    await write(engine, 'too late');
    expect(verify(disk, '/full')).toMatchObject({ ok: true, problems: [], position: created.position });
    const restored = await restore(disk, '/full');
    expect(restored).toMatchObject({ position: created.position, epoch: 2, segments: 2 });
    for (const [name, bytes] of segmentsOf(disk, RESTORED)) {
      const source = segmentsOf(disk, DIRECTORY).get(name)!;
      const pieces = verifyLog({ disk, directory: RESTORED }).segments;
      const sealed = pieces.find((piece) => piece.name.startsWith(name))!.state === 'sealed';
      expect(commonBytes(bytes, source)).toBeGreaterThanOrEqual(sealed ? bytes.length : 4096);
    }
    expect(await linesOf(disk, RESTORED)).toEqual(linesUpTo(lines(), created.position));
    await engine.close();
  });

  test('holds what was acknowledged before it, once the log had a moment to mark it', async () => {
    const { disk, engine, idle } = await live();
    await write(engine, 'a');
    const { stable } = engine.status().log;
    await idle();
    expect((await backUp(disk, '/full')).position).toBeGreaterThanOrEqual(stable);
    await engine.close();
  });

  test('of a closed database holds all of it', async () => {
    const { disk, engine } = await live();
    await write(engine, 'a', 'b');
    await engine.close();
    const { position } = await backUp(disk, '/full');
    expect(position).toBe(verifyLog({ disk, directory: DIRECTORY }).lastSequence);
  });

  test('takes secrets only where it is told to, and brings them back', async () => {
    const { disk, engine } = await live();
    await engine.close();
    for (const folder of ['metadata/tls']) disk.mkdir(`${DIRECTORY}/${folder}`);
    for (const file of ['tokens.json', 'tls/key.pem', 'tls/certificate.pem'])
      place(disk, `${DIRECTORY}/metadata/${file}`, `secret of ${file}`);
    expect((await backUp(disk, '/bare')).metadata).toEqual([]);
    expect(disk.paths().filter((path) => path.startsWith('/bare/metadata'))).toEqual([]);
    const full = await backUp(disk, '/full', null, true);
    expect(full.metadata).toEqual(['tokens.json', 'tls/key.pem', 'tls/certificate.pem']);
    await restore(disk, '/full');
    for (const file of full.metadata) {
      const bytes = disk.bytesOf(`${RESTORED}/metadata/${file}`);
      expect(Buffer.from(bytes).toString()).toBe(`secret of ${file}`);
    }
  });

  test('is not made of a damaged log', async () => {
    const { disk, engine } = await live();
    await write(engine, 'one', LARGE, 'two');
    await engine.close();
    const [path] = disk.paths().filter((each) => each.includes('/wal/0'));
    disk.bytesOf(path!)[50_000]! ^= 1;
    await expect(backUp(disk, '/full')).rejects.toMatchObject({
      code: 'CORRUPT',
      details: { offset: expect.any(Number), segment: expect.any(String) },
    });
    expect(disk.paths().filter((each) => each.startsWith('/full'))).toEqual([]);
  });

  test('is not made of a log that was damaged while it was open: commits behind the damage know that it was durable', async () => {
    const { disk, engine, idle } = await live();
    await write(engine, 'one', 'two', 'three', 'four');
    await idle();
    const [path] = disk.paths().filter((each) => each.includes('/wal/0'));
    disk.bytesOf(path!)[4700]! ^= 1;
    await expect(backUp(disk, '/full')).rejects.toMatchObject({ code: 'CORRUPT' });
    disk.bytesOf(path!)[4700]! ^= 1;
    expect(await backUp(disk, '/full')).toMatchObject({ kind: 'full' });
    await engine.close();
  });

  test('of what a power cut left holds everything that was marked before it', async () => {
    const { disk, engine, idle, lines } = await live();
    await write(engine, 'one', 'two');
    await idle();
    const marked = engine.status().log.stable - 1;
    await write(engine, 'three');
    for (let seed = 0; seed < 20; seed++) {
      const found = disk.crash(pickFrom(seed));
      const { position } = await backUp(found, '/full');
      expect(position).toBeGreaterThanOrEqual(marked);
      expect(verify(found, '/full').problems).toEqual([]);
      await restore(found, '/full');
      expect(await linesOf(found, RESTORED)).toEqual(linesUpTo(lines(), position));
    }
    await engine.close();
  });

  test('of a log in which nothing is durable yet is refused', async () => {
    await expect(backUp(newDatabase(), '/full')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('goes only where nothing is yet', async () => {
    const { disk, engine } = await live();
    await engine.close();
    await backUp(disk, '/full');
    await expect(backUp(disk, '/full')).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  });

  test('that was interrupted anywhere is no backup, or a whole one', async () => {
    const { disk, engine } = await live();
    await write(engine, 'one', 'two');
    await engine.close();
    const outcomes = new Set<string>();
    for (let cut = 0; outcomes.size < 2 && cut < 500; cut++) {
      const machine = disk.copy();
      machine.crashBefore = cut;
      await backUp(machine, '/full').catch((error) => expect(error).toBeInstanceOf(SimulatedCrash));
      const found = machine.crash(pickFrom(cut));
      outcomes.add(outcomeOf(() => (verify(found, '/full').ok ? 'whole' : 'half')));
    }
    expect(outcomes).toEqual(new Set(['NOT_FOUND', 'whole']));
  });
});

describe('incremental backups', () => {
  test('hold only what came since, and restore with those they continue', async () => {
    const { disk, engine, idle, lines } = await live();
    await write(engine, 'one', LARGE);
    await idle();
    const full = await backUp(disk, '/full');
    await write(engine, LARGE, LARGE, LARGE, LARGE, LARGE, 'two');
    await idle();
    const first = await backUp(disk, '/first', '/full');
    await write(engine, 'three');
    await idle();
    const second = await backUp(disk, '/second', '/first');
    expect([first.kind, second.kind]).toEqual(['incremental', 'incremental']);
    expect(second.bytes).toBeLessThan(3000);
    expect(first.position).toBeGreaterThan(full.position);
    expect(verify(disk, '/second')).toMatchObject({ ok: true, bases: ['/full', '/first'] });
    const { position } = await restore(disk, '/second');
    expect(position).toBe(second.position);
    expect(await linesOf(disk, RESTORED)).toEqual(linesUpTo(lines(), position));
    await engine.close();
  });

  test('whose base is gone say which one is missing and take it from where they are told', async () => {
    const { disk, engine, idle } = await live();
    await write(engine, 'one');
    await idle();
    await backUp(disk, '/place/full');
    await write(engine, 'two');
    await engine.close();
    await backUp(disk, '/first', '/place/full');
    for (const path of disk.paths().filter((each) => each.startsWith('/place/full')))
      disk.rename(path, path.replace('/place/full', '/moved/elsewhere'));
    for (const folder of ['/moved', '/moved/elsewhere']) disk.mkdir(folder);
    expect(() => verify(disk, '/first')).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
    expect(verify(disk, '/first', '/moved/elsewhere').ok).toBe(true);
  });

  test('continue no backup of another history', async () => {
    const { disk, engine } = await live();
    await write(engine, 'one');
    await engine.close();
    const other = disk.copy();
    const { engine: there } = await openOn(other, undefined, 77);
    await write(there, 'there');
    await there.close();
    await backUp(other, '/base');
    const { engine: here } = await openOn(disk, undefined, 78);
    await write(here, 'here', 'and more', 'and more');
    await here.close();
    for (const path of other.paths().filter((each) => each.startsWith('/base/backup')))
      place(disk, path, Buffer.from(other.bytesOf(path)).toString());
    await expect(backUp(disk, '/next', '/base')).rejects.toMatchObject({ code: 'FORKED' });
  });
});

describe('verifying', () => {
  test('finds a flipped bit in any file of a backup or of its base, and restoring refuses', async () => {
    const { disk, engine, idle } = await live();
    await write(engine, 'one');
    await idle();
    await backUp(disk, '/full');
    await write(engine, 'two');
    await engine.close();
    await backUp(disk, '/next', '/full');
    expect(verify(disk, '/next').ok).toBe(true);
    const files = disk.paths().filter((path) => path.startsWith('/full/') || path.startsWith('/next/'));
    expect(files).toHaveLength(4);
    for (const path of files) {
      const size = disk.bytesOf(path).length;
      for (let at = 0; at < size; at += 1 + Math.floor(size / 300)) {
        disk.bytesOf(path)[at]! ^= 1 << (at % 8);
        const found = outcomeOf(() => (verify(disk, '/next').ok ? 'ok' : 'damaged'));
        expect(found, `${path} byte ${at}`).not.toBe('ok');
        if (at % 50 === 0) await expect(restore(disk, '/next')).rejects.toThrow();
        disk.bytesOf(path)[at]! ^= 1 << (at % 8);
      }
    }
    expect(disk.paths().filter((path) => path.startsWith(RESTORED))).toEqual([]);
    expect(verify(disk, '/next').ok).toBe(true);
  });

  test('finds a file that is missing or cut short', async () => {
    const { disk, engine } = await live();
    await engine.close();
    await backUp(disk, '/full');
    const [piece] = disk.paths().filter((path) => path.startsWith('/full/segments/'));
    disk.cut(piece!, 4200);
    expect(verify(disk, '/full').problems).toEqual([expect.stringContaining('has 4200 bytes')]);
    disk.unlink(piece!);
    expect(verify(disk, '/full').problems).toEqual([expect.stringContaining('cannot be opened')]);
  });
});
