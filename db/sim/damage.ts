/**
 * Bytes changed behind the database's back, while it is not running: what disks, controllers and operators do that no
 * promise covers. The database must notice, or be right all the same.
 */
import { basename, dirname } from 'node:path';
import type { RecordedAt, TenantId } from '../types.ts';
import { openLog } from '../wal/index.ts';
import { HONEST, type Machine, SimDisk } from './disk.ts';
import { Faults } from './faults.ts';
import { PAGE_BYTES, SECTOR_BYTES, type SimFile } from './file.ts';
import { init } from './log-subject.ts';
import type { SimPlan } from './plan.ts';
import { Random } from './random.ts';
import { DIRECTORY } from './subject.ts';
import { SimTime } from './time.ts';
import { Trace } from './trace.ts';

export type DamageKind = 'bit-rot' | 'lost-write' | 'misdirected' | 'unreadable' | 'stale-segment';

/** Enough for one rollover, or two. */
const BRANCH_BYTES = 1_500_000;
/** Where a segment's header holds the chain before it. */
const CHAIN_HEAD_AT = 96;

export class Damager {
  readonly #random: Random;
  readonly #plan: SimPlan;
  #branch: [string, SimFile][] = [];

  constructor(seed: number, plan: SimPlan) {
    this.#random = new Random(seed, 'damage');
    this.#plan = plan;
  }

  /** Lets a copy of the log, or another log, go on by itself: where segments come from that do not belong here. */
  async prepareBranch(disk: SimDisk): Promise<void> {
    if (!this.#random.chance(0.6)) return;
    const machine: Machine = {
      time: new SimTime(),
      trace: new Trace(false),
      faults: new Faults(),
      random: this.#random,
      nameOrder: 'journal',
      lies: HONEST,
    };
    const foreign = this.#random.chance(0.3);
    const copy = foreign ? new SimDisk(machine) : disk.copy(machine);
    try {
      await this.#goOn(copy, machine.time);
      this.#branch = copy.files().filter(([path]) => dirname(path) === `${DIRECTORY}/wal`);
    } catch {
      // What is not a log yet has no branches.
    }
  }

  /** Does one damage. Null where there is nothing to damage. */
  damage(disk: SimDisk): DamageKind | null {
    const kind = this.#random.weighted<DamageKind>({
      'bit-rot': 4,
      'lost-write': 4,
      misdirected: 2,
      unreadable: 2,
      'stale-segment': this.#branch.length > 0 ? 12 : 0,
    });
    if (this.#do(kind, disk)) return kind;
    return this.#do('bit-rot', disk) ? 'bit-rot' : null;
  }

  #do(kind: DamageKind, disk: SimDisk): boolean {
    switch (kind) {
      case 'bit-rot':
        return this.#onPage(disk, (file, page) => {
          const content = file.page(page).slice();
          const bit = this.#random.below(PAGE_BYTES * 8);
          content[bit >> 3] = (content[bit >> 3] ?? 0) ^ (1 << (bit & 7));
          file.damage(page, content);
        });
      case 'unreadable':
        return this.#onPage(disk, (file, page) =>
          file.makeUnreadable(
            (page * PAGE_BYTES) / SECTOR_BYTES + this.#random.below(PAGE_BYTES / SECTOR_BYTES),
          ),
        );
      case 'lost-write':
        return this.#loseWrites(disk);
      case 'misdirected':
        return this.#misdirect(disk);
      case 'stale-segment':
        return this.#swapSegment(disk);
    }
  }

  async #goOn(disk: SimDisk, time: SimTime): Promise<void> {
    const random = (bytes: number): Uint8Array => this.#random.bytes(bytes);
    disk.mkdir(DIRECTORY);
    init(disk, random, this.#plan.entryBytesMax);
    const log = await openLog({
      directory: DIRECTORY,
      disk,
      clock: time,
      scheduler: time,
      random,
      ringBytes: this.#plan.ringBytes,
      inline: true,
    });
    const payload = this.#random.bytes(this.#plan.entryBytesMax);
    for (let written = 0; written < BRANCH_BYTES; written += payload.length) {
      log.append(
        [{ type: 16, tenant: 0 as TenantId, partitionKey: 7n, flags: 0, payload }],
        0n as RecordedAt,
      );
      log.flush();
    }
    await log.close();
  }

  #onPage(disk: SimDisk, act: (file: SimFile, page: number) => void): boolean {
    const place = this.#place(disk);
    if (place === null) return false;
    act(place.file, place.page);
    return true;
  }

  /** A page with content: mostly of segments, sometimes of the files beside them. */
  #place(disk: SimDisk): { readonly file: SimFile; readonly page: number } | null {
    const folder = this.#random.weighted({ '/wal/': 8, '/metadata/': 1, '/views/': 1 });
    const files = disk.files().filter(([path, file]) => path.includes(folder) && file.pages().length > 0);
    const [, file] = files[this.#random.below(files.length)] ?? [];
    if (file === undefined) return null;
    const pages = file.pages();
    return { file, page: pages[this.#random.below(pages.length)] ?? 0 };
  }

  /** The disk said that it had written, and had not. */
  #loseWrites(disk: SimDisk): boolean {
    const { overwrites } = disk;
    if (overwrites.length === 0) return false;
    const first = this.#random.below(overwrites.length);
    const lost = overwrites.slice(first, first + this.#random.between(1, 4));
    for (const { file, page, before } of lost.toReversed()) file.damage(page, before);
    return true;
  }

  /** What was meant for one place went to another, in the same file or a different one. */
  #misdirect(disk: SimDisk): boolean {
    const { overwrites } = disk;
    const write = overwrites[this.#random.below(overwrites.length)];
    const place = this.#place(disk);
    if (write === undefined || place === null) return false;
    write.file.damage(write.page, write.before);
    place.file.damage(place.page, write.after);
    return true;
  }

  /** A segment of another branch, or of another log, in the place of the one with its index. */
  #swapSegment(disk: SimDisk): boolean {
    const segments = disk.files().filter(([path]) => path.startsWith(`${DIRECTORY}/wal/0`));
    const last = segments
      .map(([path]) => basename(path))
      .sort()
      .at(-1);
    const swaps = this.#branch.flatMap(([path, stale]) => {
      const index = basename(path).slice(0, 10);
      const [name, there] = segments.find(([each]) => basename(each).startsWith(index)) ?? [];
      if (name === undefined || there === undefined) return [];
      // What continues the same chain at the end is another history of the log, which nothing in it can tell from this one.
      const tells = basename(name) === last ? !sameChainBefore(there, stale) : !samePages(there, stale);
      return tells ? [{ path, stale, there: name }] : [];
    });
    const swap = swaps[this.#random.below(swaps.length)];
    if (swap === undefined) return false;
    disk.place(swap.there, null);
    disk.place(swap.path, swap.stale);
    return true;
  }
}

/** Whether the headers of two segments say that the same chain comes before them. */
function sameChainBefore(a: SimFile, b: SimFile): boolean {
  const chainBefore = (file: SimFile): Uint8Array => file.page(0).subarray(CHAIN_HEAD_AT, CHAIN_HEAD_AT + 32);
  return Buffer.compare(chainBefore(a), chainBefore(b)) === 0;
}

function samePages(a: SimFile, b: SimFile): boolean {
  return [...a.pages(), ...b.pages()].every((page) => Buffer.compare(a.page(page), b.page(page)) === 0);
}
