/**
 * Finds single entries. The group that was validated last stays in the window of a scanner of its own, with the places of
 * its entries: neighbours, and the entries of a command that is repeated, cost one validation together and not one each. A
 * lookup a little further on walks on from there instead of from the nearest indexed group.
 */
import type { Disk } from '../io/index.ts';
import type { Sequence } from '../types.ts';
import { decodeEntryIn, entryOffsets } from './decode.ts';
import type { LogEntry } from './log.ts';
import { type ScanBreak, type ScannedCommit, Scanner, type ScanStart } from './scanner.ts';
import type { OpenedSegment } from './segment.ts';

/** Where a walk to a sequence may begin: the group that contains it or one before it. */
export interface LookupPlace {
  readonly segment: OpenedSegment;
  readonly offset: number;
  readonly start: () => ScanStart;
}

interface HeldGroup {
  /** As it was open then: another handle means the scanner's is closed. */
  readonly segment: OpenedSegment;
  readonly commit: ScannedCommit;
  /** Where in the group each entry begins; made for the second entry that is asked for. */
  offsets: Uint32Array | null;
}

/** Where a walk to `wanted` goes on behind damage. Throws when there is no such place. */
type PastDamage = (scanner: Scanner, segment: OpenedSegment, found: ScanBreak, wanted: Sequence) => ScanStart;

export class EntryLookup {
  readonly #disk: Disk;
  readonly #pastDamage: PastDamage;
  #scanner: Scanner | null = null;
  #held: HeldGroup | null = null;

  constructor(disk: Disk, pastDamage: PastDamage) {
    this.#disk = disk;
    this.#pastDamage = pastDamage;
  }

  /** The entry's commit and payload (a copy); null where the sequence is a commit's or a seal's own. */
  find(sequence: Sequence, place: () => LookupPlace): { entry: LogEntry; commit: ScannedCommit } | null {
    if (this.#held === null || !holds(this.#held, sequence)) {
      const found = this.#walkTo(sequence, place());
      if (found === null) return null;
      this.#held = found;
    }
    const { commit } = this.#held;
    if (sequence === commit.sequence) return null;
    return { commit, entry: decodeEntryIn(commit, offsetIn(this.#held, sequence)) };
  }

  /** The group that contains the sequence; null when that is the seal. */
  #walkTo(sequence: Sequence, { segment, offset, start }: LookupPlace): HeldGroup | null {
    this.#scanner ??= new Scanner(this.#disk);
    const scanner = this.#scanner;
    const held = this.#held;
    this.#held = null;
    let goingOn =
      held !== null &&
      held.segment === segment &&
      held.commit.sequence < sequence &&
      held.commit.end >= offset;
    if (!goingOn) scanner.start(segment, start());
    for (;;) {
      const scanned = scanner.next();
      if (scanned.kind === 'break') {
        // A scanner that goes on may have read this far before it was written.
        const again = goingOn ? start() : this.#pastDamage(scanner, segment, scanned, sequence);
        goingOn = false;
        scanner.start(segment, again);
        continue;
      }
      if (scanned.kind === 'seal') {
        if (scanned.sequence === sequence) return null;
        throw new Error(`sequence ${sequence} lies behind the seal of its segment`);
      }
      if (scanned.sequence >= sequence) return { segment, commit: scanned, offsets: null };
    }
  }
}

function holds({ commit }: HeldGroup, sequence: Sequence): boolean {
  return sequence >= commit.firstSequence && sequence <= commit.sequence;
}

function offsetIn(held: HeldGroup, sequence: Sequence): number {
  held.offsets ??= entryOffsets(held.commit);
  return held.offsets[sequence - held.commit.firstSequence]!;
}
