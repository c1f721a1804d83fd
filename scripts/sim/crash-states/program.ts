/**
 * What is traced: the database with its own threads and the machine's disk, taken through a start, a rollover, an archive,
 * a snapshot and a prune. It says on its standard output what it has asked for and what it was told, each line in
 * one write, so that the trace has both in one order.
 *
 *     node program.ts prepare ROOT     makes a log of three segments and closes it
 *     node program.ts run ROOT         what is traced
 */
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Engine, initDatabase, openEngine } from '../../../db/engine.ts';
import { RealDisk } from '../../../db/io/index.ts';
import type { StreamName } from '../../../db/kernel/event.ts';
import { listSegments } from '../../../db/wal/catalog.ts';
import { archiveSegments } from '../../../db/wal/index.ts';
import { eventOf, PREPARED } from './events.ts';

const SEGMENT_BYTES = 1024 * 1024;
const ENTRY_BYTES_MAX = 200_000;
const BULK_BYTES = 150_000;
/** In which the writer prepares its spares; what it does meanwhile multiplies the states of everything else under way. */
const SPARES_MILLIS = 150;

const [mode, root = ''] = process.argv.slice(2);
const data = join(root, 'data');
let sent = 0;
await (mode === 'prepare' ? prepare() : run());

async function prepare(): Promise<void> {
  initDatabase({ directory: data, segmentBytes: SEGMENT_BYTES, entryBytesMax: ENTRY_BYTES_MAX });
  const engine = await openEngine({ directory: data });
  for (let count = 0; count < PREPARED; count++) await append(engine, BULK_BYTES);
  await engine.close();
}

async function run(): Promise<void> {
  sent = PREPARED;
  say('phase start');
  const engine = await openEngine({ directory: data });
  say(`epoch ${engine.status().log.epoch}`);
  say('phase append');
  for (let count = 0; count < 4; count++) await append(engine, 300);
  await Promise.all([append(engine, 2000), append(engine, 700)]);
  say('phase rollover');
  const { segments } = engine.status().log;
  while (engine.status().log.segments === segments) await append(engine, BULK_BYTES);
  await append(engine, 1000);
  await pause(SPARES_MILLIS);
  say('phase archive');
  const disk = new RealDisk();
  const before = listSegments(disk, data)[2]!.firstSequence;
  archiveSegments({ disk, directory: data, to: join(root, 'archive'), before, progress: () => {} });
  say('archived');
  say('phase snapshot');
  say(`snapshot ${(await engine.snapshots.create()).name}`);
  await append(engine, 500);
  say('phase prune');
  const { floor } = engine.retention.prune({ before, withoutArchive: false });
  say(`floor ${floor}`);
  await append(engine, 400);
  say('phase close');
  await engine.close();
}

async function append(engine: Engine, bytes: number): Promise<void> {
  sent += 1;
  const number = sent;
  say(`sent ${number}`);
  const events = [eventOf(number, bytes)];
  await engine.append({ stream: 'a' as StreamName, expected: 'any', events, ack: 'durable' });
  say(`acknowledged ${number}`);
}

function say(line: string): void {
  writeSync(1, `${line}\n`);
}
