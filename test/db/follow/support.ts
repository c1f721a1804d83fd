/** A log that grew over several segments and epochs, its bytes as a source sends them, and a copy that takes them. */
import { Copy } from '../../../db/follow/copy.ts';
import { readCopyMark } from '../../../db/follow/copy-mark.ts';
import { examineCopy } from '../../../db/follow/examine.ts';
import { Receiver, type ReceiverStart } from '../../../db/follow/receiver.ts';
import type { LogFrame } from '../../../db/protocol/index.ts';
import type { Sequence } from '../../../db/types.ts';
import { LogBytes, type LogBytesRequest, openReader } from '../../../db/wal/index.ts';
import type { MemoryDisk } from '../wal/memory-disk.ts';
import { DIRECTORY, draft, newDisk, open, pickFrom, randomFrom } from '../wal/support.ts';

export const COPY = '/copy';

/** A closed log of some megabytes: groups of many sizes, one epoch for each time it was opened. */
export async function grownLog(seed: number, opens = 2, bytesPerOpen = 900_000): Promise<MemoryDisk> {
  const disk = newDisk({ entryBytesMax: 300_000 });
  for (let turn = 0; turn < opens; turn++) await grow(disk, seed * 31 + turn, bytesPerOpen);
  return disk;
}

/** Opens the log once more and appends. */
export async function grow(disk: MemoryDisk, seed: number, bytes: number): Promise<void> {
  const pick = pickFrom(seed);
  const { log, scheduler, clock } = await open(disk, { random: randomFrom(seed) });
  clock.advance(BigInt(seed + 1) * 1_000_000_000n);
  for (let written = 0; written < bytes; ) {
    const drafts = Array.from({ length: 1 + pick(4) }, () =>
      draft(randomFrom(seed + written)(1 + pick(pick(20) === 0 ? 200_000 : 3000))),
    );
    log.append(drafts, clock.nowNanos() as never);
    log.flush();
    scheduler.runTurn();
    written += drafts.reduce((sum, { payload }) => sum + payload.length, 0);
  }
  await log.close();
}

/** Everything a source would send now, as frames of at most `cut()` bytes. */
export async function framesOf(
  disk: MemoryDisk,
  from: LogBytesRequest['from'] = 1 as Sequence,
  cut: () => number = () => 256 * 1024,
): Promise<LogFrame[]> {
  const reader = openReader({ directory: DIRECTORY, disk });
  const log = { stable: reader.stable, onStable: () => () => undefined };
  reader.close();
  const frames: LogFrame[] = [];
  const request = { from, name: 'copy', gaps: true };
  for await (const piece of new LogBytes({ disk, directory: DIRECTORY, log }).read(request)) {
    if (piece.kind === 'gap') {
      frames.push(piece);
    } else if (piece.kind === 'end') {
      frames.push(piece);
      if (piece.caughtUp) break;
    } else if (piece.kind === 'segment') {
      frames.push({ ...piece, header: piece.header.slice() });
    } else {
      for (let at = 0; at < piece.bytes.length; ) {
        const bytes = piece.bytes.slice(at, at + cut());
        frames.push({ kind: 'bytes', offset: piece.offset + at, bytes });
        at += bytes.length;
      }
    }
  }
  return frames;
}

/** A copy opened as a follower opens it, with a receiver at its end. */
export function openCopy(disk: MemoryDisk): { copy: Copy; receiver: Receiver; start: ReceiverStart } {
  for (const folder of ['', '/wal', '/metadata']) disk.mkdir(`${COPY}${folder}`);
  const mark = readCopyMark(disk, COPY);
  const examined = examineCopy({ disk, directory: COPY, mark, everything: false, progress: () => undefined });
  if (examined.damage.length > 0) throw new Error(examined.damage[0]?.problem);
  const copy = new Copy({ disk, directory: COPY, source: 'source:9650', examined, mark, nowMillis: () => 0 });
  const start = { end: copy.end, open: copy.open, identity: copy.identity, proofs: [], gaps: examined.gaps };
  return { copy, receiver: new Receiver(start), start };
}

export function take(copy: Copy, receiver: Receiver, frames: readonly LogFrame[]): void {
  copy.settle();
  for (const frame of frames) {
    for (const received of receiver.receive(frame)) copy.apply(received);
  }
  copy.sync();
}

/** Segment files by name, with the bytes up to the last that is not zero. */
export function filesOf(disk: MemoryDisk, directory: string): Map<string, Uint8Array> {
  const wal = `${directory}/wal/`;
  const paths = disk.paths().filter((path) => path.startsWith(wal) && !path.endsWith('.tmp'));
  return new Map(paths.sort().map((path) => [path.slice(wal.length), disk.bytesOf(path)]));
}
