/** The log's own commands on a real log of several segments, whole and damaged, as an operator would use them. */
import { closeSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { initDatabase, openEngine } from '../../../db/engine.ts';
import { append, eventDraft } from '../support/event-drafts.ts';
import { type Ran, ServerProcess, truthdb } from '../support/program.ts';
import { temporaryDirectory } from '../support/serving.ts';
import { temporaryData } from '../support/temporary.ts';

let directory: string;

beforeAll(async () => {
  directory = temporaryDirectory();
  initDatabase({ directory, segmentBytes: 1 << 20 });
  const engine = await openEngine({ directory });
  for (let at = 0; at < 60; at++) {
    await engine.append(append('s', [eventDraft(`${at}`, { data: new Uint8Array(80_000).fill(at) })]));
  }
  await engine.close();
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

function segments(): string[] {
  return readdirSync(join(directory, 'wal'))
    .filter((name) => !name.startsWith('spare'))
    .sort();
}

function firstOf(index: number): number {
  return Number(/-(\d+)\./.exec(segments()[index]!)![1]);
}

async function json(...args: string[]): Promise<Record<string, unknown> & Ran> {
  const ran = await truthdb([...args, '--json']);
  const text = ran.code === 0 || ran.out.trim() !== '' ? ran.out : ran.err;
  return { ...ran, ...(JSON.parse(text) as Record<string, unknown>) };
}

test('a commit is shown with the entries it covers', async () => {
  // A log that waited before its first event has an empty commit there, which carries the durable mark.
  const shown: string[] = [];
  for (const ordinal of ['2', '3']) {
    const { code, out } = await truthdb(['wal', 'inspect', 'commit', ordinal, '--data', directory]);
    expect(code).toBe(0);
    shown.push(out);
  }
  expect(shown.join()).toMatch(/commit [23], 1 entries[\s\S]*sequence [34] {2}type 16[\s\S]*durableMark/);
});

test('segments are archived, verified in the archive, and pruned; pruning what is not archived is refused', async () => {
  const archive = join(temporaryData(), 'archive');
  const before = firstOf(2);
  expect(
    await json('wal', 'archive', '--before', `${before}`, '--to', archive, '--data', directory),
  ).toMatchObject({
    archived: { segments: [1, 2] },
  });
  expect(await json('wal', 'verify', '--data', archive)).toMatchObject({
    ok: true,
    lastSequence: before - 1,
  });
  const refused = await json('wal', 'prune', '--before', `${firstOf(3)}`, '--data', directory);
  expect(refused).toMatchObject({ error: { code: 'LOCKED', details: { kind: 'archive' } } });
  expect(await json('wal', 'prune', '--before', `${before}`, '--data', directory)).toMatchObject({
    pruned: { segments: [1, 2], floor: before },
  });
  expect(await json('wal', 'verify', '--data', directory)).toMatchObject({ ok: true, firstSequence: before });
});

test('damage is named, isolated where it is, and the log verifies and opens again', async () => {
  const index = 4;
  const name = segments().find((each) => each.startsWith('0000000004'))!;
  const shown = await json('wal', 'inspect', 'segment', `${index}`, '--data', directory);
  const group = (shown['groups'] as { offset: number; firstSequence: number; lastSequence: number }[])[2]!;
  const file = openSync(join(directory, 'wal', name), 'r+');
  writeSync(file, Buffer.from('damage'), 0, 6, group.offset + 1000);
  closeSync(file);

  const found = await json('wal', 'verify', '--data', directory);
  expect(found).toMatchObject({
    code: 65,
    ok: false,
    problems: [{ segment: name, sequence: group.firstSequence }],
  });
  const place = ['--segment', `${index}`, '--data', directory];
  const elsewhere = await json('wal', 'isolate', '--sequence', `${group.lastSequence + 1}`, ...place);
  expect(elsewhere).toMatchObject({
    error: { code: 'INVALID_ARGUMENT', details: { from: group.firstSequence } },
  });
  const isolated = await json('wal', 'isolate', '--sequence', `${group.firstSequence}`, ...place);
  expect(isolated).toMatchObject({ from: group.firstSequence, to: group.lastSequence });
  expect(readdirSync(join(directory, 'metadata', 'isolated'))).toHaveLength(1);
  const verified = await truthdb(['wal', 'verify', '--data', directory]);
  expect(verified.code).toBe(0);
  expect(verified.out).toContain(
    `sequences ${group.firstSequence}–${group.lastSequence} are lost; unproven across it`,
  );

  const engine = await openEngine({ directory });
  const lost = engine.readAll({ direction: 'forwards', from: group.firstSequence as never, limit: 1 });
  await expect(lost).rejects.toMatchObject({ code: 'GAP', details: { next: group.lastSequence + 1 } });
  const behind = { direction: 'forwards', from: (group.lastSequence + 1) as never, limit: 1 } as const;
  expect((await engine.readAll(behind)).events).toHaveLength(1);
  await engine.append(append('s', [eventDraft('on it goes')]));
  await engine.close();
});

test('a running server is pruned through its socket, and refuses while a snapshot needs the log', async () => {
  const data = temporaryData();
  initDatabase({ directory: data, segmentBytes: 1 << 20 });
  const engine = await openEngine({ directory: data });
  for (let at = 0; at < 40; at++) {
    await engine.append(append('s', [eventDraft(`${at}`, { data: new Uint8Array(80_000) })]));
    if (at === 25) await engine.snapshots.create();
  }
  await engine.close();
  const server = new ServerProcess(data);
  const { socket } = await server.serving();
  const prune = (before: number) =>
    json('wal', 'prune', '--before', `${before}`, '--without-archive', '--socket', socket as string);
  expect(await prune(1000)).toMatchObject({ error: { code: 'LOCKED', details: { kind: 'snapshot' } } });
  const pruned = await prune(40);
  expect(pruned).toMatchObject({ pruned: { segments: [1] } });
  const { floor } = pruned['pruned'] as { floor: number };
  const gone = await truthdb(['read', 's', '--socket', socket as string, '--json']);
  expect(gone.err).toContain('PRUNED');
  expect(gone.err).toContain(`begins at ${floor}`);
  await server.stop();
});
