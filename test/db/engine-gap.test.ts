/** A database some of whose events were lost and isolated, and whose views have to be made again. */
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { claimsOf, type Engine, initDatabase, openEngine } from '../../db/engine.ts';
import { RealDisk, realClock, realScheduler } from '../../db/io/index.ts';
import type { StreamName } from '../../db/kernel/event.ts';
import type { Revision, Sequence } from '../../db/types.ts';
import { inspectEntry, isolate } from '../../db/wal/index.ts';
import { append, eventDraft } from './support/event-drafts.ts';
import { temporaryData } from './support/temporary.ts';

const disk = new RealDisk();

/** Ten events in turns in streams a and b, each in a commit of its own; the fifth and sixth are lost, and so are the views. */
async function withGap(): Promise<{ directory: string; lost: Sequence[]; lines: string[]; engine: Engine }> {
  const directory = temporaryData();
  initDatabase({ directory, segmentBytes: 1 << 20 });
  const first = await openEngine({ directory });
  const positions: Sequence[] = [];
  for (let at = 0; at < 10; at++) {
    const { position } = await first.append(append(at % 2 === 0 ? 'a' : 'b', [eventDraft(`${at}`)]));
    positions.push(position);
  }
  await first.close();
  const lost = positions.slice(4, 6);
  const [segment] = readdirSync(join(directory, 'wal')).filter((name) => name.endsWith('.open'));
  const file = openSync(join(directory, 'wal', segment!), 'r+');
  for (const position of lost) {
    writeSync(file, Buffer.from('damage'), 0, 6, inspectEntry({ disk, directory }, position).offset + 60);
  }
  closeSync(file);
  await isolate({
    ...{ disk, directory, clock: realClock, scheduler: realScheduler, random: randomBytes, segment: 1 },
    ...{ sequence: lost[0]!, marks: claimsOf(disk, directory), progress: () => {} },
  });
  for (const part of ['views', 'metadata/views.json']) rmSync(join(directory, part), { recursive: true });
  const lines: string[] = [];
  const engine = await openEngine({ directory, progress: (line) => lines.push(line) });
  return { directory, lost, lines, engine };
}

function read(engine: Engine, stream: string, from: number) {
  return engine.readStream({
    stream: stream as StreamName,
    direction: 'forwards',
    from: from as Revision,
    limit: 10,
  });
}

test('opens, says what is lost, and keeps every event that is left at its revision', async () => {
  const { engine, lost, lines } = await withGap();
  expect(
    lines.some((line) => line.includes(`sequences ${lost[0]} to ${lost[1]! + 1} of the log are lost`)),
  ).toBe(true);
  for (const [stream, kept] of [
    ['a', ['6', '8']],
    ['b', ['7', '9']],
  ] as const) {
    const { events } = await read(engine, stream, 3);
    expect(events.map(({ revision, data }) => [revision, Buffer.from(data).toString()])).toEqual([
      [3, kept[0]],
      [4, kept[1]],
    ]);
    await expect(read(engine, stream, 2)).rejects.toMatchObject({
      code: 'GAP',
      details: { from: lost[0], to: lost[1]! + 1 },
    });
  }
  await engine.close();
});

test('goes on where its streams were, and again after a restart from checkpoints', async () => {
  const { engine, directory } = await withGap();
  const answer = await engine.append(append('a', [eventDraft('new')], { expected: 4 as Revision }));
  expect(answer).toMatchObject({ firstRevision: 5 });
  await engine.close();
  const again = await openEngine({ directory });
  expect((await read(again, 'a', 3)).events).toHaveLength(3);
  await expect(read(again, 'a', 0)).rejects.toMatchObject({ code: 'GAP' });
  await again.append(append('b', [eventDraft('new')], { expected: 4 as Revision }));
  await again.close();
});
