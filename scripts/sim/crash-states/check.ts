/** Starts the database over a crash state, on a disk in memory, and compares what it shows with what it had promised. */
import { openEngine, VIEWS } from '../../../db/engine.ts';
import type { StreamName } from '../../../db/kernel/event.ts';
import { HONEST, SimDisk } from '../../../db/sim/disk.ts';
import { Faults } from '../../../db/sim/faults.ts';
import { SimFile } from '../../../db/sim/file.ts';
import { Names, type SimNode } from '../../../db/sim/names.ts';
import { Random } from '../../../db/sim/random.ts';
import { SimTime } from '../../../db/sim/time.ts';
import { Trace } from '../../../db/sim/trace.ts';
import { SnapshotStore, verifySnapshot } from '../../../db/snapshot/index.ts';
import type { Sequence } from '../../../db/types.ts';
import { listSegments } from '../../../db/wal/catalog.ts';
import { type VerifyReport, verifyLog } from '../../../db/wal/index.ts';
import { type Content, digestOf } from './content.ts';
import { eventOf, numberOf } from './events.ts';
import type { CrashState, Image } from './states.ts';

const DATA = '/data';
const ARCHIVE = '/archive';
const PAGE_EVENTS = 1000;

/** What a start found, for counting. */
export interface Found {
  /** Why a promise is broken, or null. */
  readonly broken: string | null;
  readonly snapshots: number;
  readonly tornTail: boolean;
  readonly pruned: boolean;
  readonly events: number;
}

export async function checkState(state: CrashState): Promise<Found> {
  const found = { snapshots: 0, tornTail: false, pruned: false, events: 0 };
  try {
    await check(state, found);
    return { ...found, broken: null };
  } catch (error) {
    return { ...found, broken: error instanceof Error ? error.message : String(error) };
  }
}

async function check(
  { image, claims }: CrashState,
  found: { -readonly [K in keyof Found]?: Found[K] },
): Promise<void> {
  const disk = diskOf(image);
  const lines: string[] = [];
  const random = new Random(1, 'restart');
  const options = { directory: DATA, disk, random: (bytes: number) => random.bytes(bytes), inline: true };
  const engine = await openEngine({ ...options, progress: (line) => lines.push(line) });
  const { readOnly, log } = engine.status();
  must(log.epoch > claims.epoch, `epoch ${log.epoch} is begun after epoch ${claims.epoch} was written in`);
  must(readOnly === null, `nothing can be written: ${readOnly}`);
  found.tornTail = lines.some((line) => line.includes('torn'));

  const numbers: number[] = [];
  for (let from = firstSequence(disk); ; ) {
    const page = await engine.readAll({ direction: 'forwards', from, limit: PAGE_EVENTS });
    for (const event of page.events) {
      const number = numberOf(event);
      numbers.push(number);
      must(sameBytes(event.data, number), `event ${number} has other bytes than were sent`);
    }
    if (page.end) break;
    from = page.next as Sequence;
  }
  const first = numbers[0] ?? 1;
  found.events = numbers.length;
  found.pruned = first > 1;
  must(
    numbers.every((number, at) => number === first + at),
    `events ${numbers} are not in order, or not all`,
  );
  const last = numbers.at(-1) ?? 0;
  must(last >= claims.acknowledged, `event ${claims.acknowledged} was acknowledged, the last is ${last}`);
  must(last <= claims.sent, `event ${last} is there, only ${claims.sent} was sent`);
  must(first === 1 || claims.pruning, `the log begins with event ${first} before anything was pruned`);
  if (first > 1 || claims.archived) checkArchive(disk, image, first);
  found.snapshots = checkSnapshots(disk, claims.snapshot);

  await engine.append({
    stream: 'a' as StreamName,
    expected: 'any',
    events: [eventOf(1_000_000, 300)],
    ack: 'durable',
  });
  await engine.close();
  const report = verifyLog({ disk, directory: DATA });
  must(report.ok, `the log does not verify: ${report.problems[0]?.problem}`);
  must(report.tornTail === null, 'a torn tail after a clean close');
}

/** Everything before the first event that the log still has, every byte proven. */
function checkArchive(disk: SimDisk, image: Image, first: number): void {
  const report = archiveReport(disk, image);
  must(report.ok, `the archive does not verify: ${report.problems[0]?.problem}`);
  must(report.firstSequence === 1, 'the archive does not begin at the beginning');
  const kept = firstSequence(disk);
  must(
    report.lastSequence >= kept - 1,
    `the archive ends with ${report.lastSequence}, the log begins with ${kept} (event ${first})`,
  );
}

const archives = new Map<string, VerifyReport>();

/** The same bytes need not be read again for each state that has them. */
function archiveReport(disk: SimDisk, image: Image): VerifyReport {
  const parts = [...image].filter(([path]) => path.startsWith(`${ARCHIVE}/`));
  const key = parts.map(([path, node]) => `${path} ${node === 'directory' ? '' : digestOf(node)}`).join();
  const report = archives.get(key) ?? verifyLog({ disk, directory: ARCHIVE });
  archives.set(key, report);
  return report;
}

function firstSequence(disk: SimDisk): Sequence {
  return listSegments(disk, DATA)[0]!.firstSequence;
}

function checkSnapshots(disk: SimDisk, promised: string | null): number {
  const names = new SnapshotStore(disk, DATA).list().map(({ name }) => name);
  must(promised === null || names.includes(promised), `snapshot ${promised} was promised and is not there`);
  for (const name of names) {
    const { ok, problems } = verifySnapshot({ disk, directory: DATA, name, definitions: VIEWS });
    must(ok, `snapshot ${name} is there and not whole: ${problems[0]}`);
  }
  return names.length;
}

function must(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}

const sent = new Map<string, Uint8Array>();

function sameBytes(data: Uint8Array, number: number): boolean {
  const key = `${number} ${data.length}`;
  const known = sent.get(key) ?? eventOf(number, data.length).data;
  sent.set(key, known);
  return Buffer.compare(known, data) === 0;
}

function diskOf(image: Image): SimDisk {
  const machine = {
    time: new SimTime(),
    trace: new Trace(false),
    faults: new Faults(),
    random: new Random(1, 'disk'),
    nameOrder: 'any',
    lies: HONEST,
  } as const;
  const files = new Map<Content, SimFile>();
  const nodes = [...image].map(([path, content]): [string, SimNode] => {
    if (content === 'directory') return [path, content];
    const file = files.get(content) ?? new SimFile(content.pages, content.size);
    files.set(content, file);
    return [path, file];
  });
  const names = new Names(machine.nameOrder, nodes);
  return new SimDisk(machine, { names, freeBytes: Number.POSITIVE_INFINITY, overwrites: [], writes: 0 });
}
