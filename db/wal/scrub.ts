/**
 * Reads sealed segments again and again, one after the other at a limited pace, so that damage is heard of while copies and
 * backups still have what is damaged. It never changes a segment. Where it is and what it found is kept in
 * `metadata/scrub.json`: a restart goes on there.
 *
 *     { "format": 1, "checked": index of the last segment checked in this pass, 0 before the first,
 *       "passEndedAt": "ISO 8601" or null, "found": [ { "index", "segment", "offset", "sequence", "problem", "next" } ] }
 */
import { join } from 'node:path';
import { z } from 'zod';
import { type Clock, type Disk, readSmallFile, type Scheduler } from '../io/index.ts';
import { listSegments } from './catalog.ts';
import { readGaps } from './gaps.ts';
import { metadataDirectory } from './metadata.ts';
import type { SegmentName } from './segment.ts';
import type { SegmentFindings, SegmentTask } from './verify-segment.ts';

const FORMAT = 1;
/** A start has better things to do. */
const FIRST_MILLIS = 10_000;
/** From the end of one pass to the beginning of the next. */
const REST_MILLIS = 24 * 3600 * 1000;
/** Kept of one segment; more says nothing more. */
const FINDINGS_MAX = 10;

const count = z.int().min(0);
const findingSchema = z.strictObject({
  index: count,
  segment: z.string(),
  offset: count,
  sequence: count.nullable(),
  problem: z.string(),
  next: count.nullable(),
});
const stateSchema = z.strictObject({
  format: z.literal(FORMAT),
  checked: count,
  passEndedAt: z.iso.datetime().nullable(),
  found: z.array(findingSchema),
});

export type ScrubFinding = z.infer<typeof findingSchema>;
type ScrubState = z.infer<typeof stateSchema>;

/** JSON-safe. */
export interface ScrubStatus {
  /** Index of the last segment checked in this pass; 0 before the first. */
  readonly checked: number;
  /** When a pass last ended, ISO 8601. */
  readonly passEndedAt: string | null;
  readonly found: readonly ScrubFinding[];
}

/** Where reading and writing is done, away from the thread that orders. */
export interface ScrubWorker {
  /** Null when the segment is no longer there under that name. */
  check(task: SegmentTask): Promise<SegmentFindings | null>;
  save(path: string, bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** The first sealed or archived segment behind the last one checked; null at the end of a pass. */
export function nextToScrub(segments: readonly SegmentName[], checked: number): SegmentName | null {
  return segments.find(({ index, state }) => index > checked && state !== 'open') ?? null;
}

export interface ScrubberOptions {
  readonly disk: Disk;
  /** The data directory. */
  readonly directory: string;
  readonly worker: ScrubWorker;
  readonly clock: Pick<Clock, 'nowNanos'>;
  readonly scheduler: Pick<Scheduler, 'after'>;
  readonly report: (line: string) => void;
}

export class Scrubber {
  readonly #options: ScrubberOptions;
  #state: ScrubState;
  #stopWaiting: () => void = () => {};
  #step: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: ScrubberOptions) {
    this.#options = options;
    this.#state = readState(options.disk, options.directory);
    for (const finding of this.#state.found) options.report(findingText(finding));
    this.#wait(Math.max(FIRST_MILLIS, this.#restLeft()));
  }

  status(): ScrubStatus {
    const { checked, passEndedAt, found } = this.#state;
    return { checked, passEndedAt, found };
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stopWaiting();
    await this.#options.worker.close();
    await this.#step;
  }

  #wait(millis: number): void {
    if (this.#stopped) return;
    this.#stopWaiting = this.#options.scheduler.after(millis, () => {
      this.#step = this.#goOn();
    });
  }

  async #goOn(): Promise<void> {
    try {
      this.#wait(await this.#checkNext());
    } catch (error) {
      if (this.#stopped) return;
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.report(`sealed segments are not being checked: ${reason}`);
      this.#wait(REST_MILLIS);
    }
  }

  /** Checks one segment, or ends the pass. Returns the milliseconds to wait before going on. */
  async #checkNext(): Promise<number> {
    const { disk, directory, worker } = this.#options;
    const { checked, found } = this.#state;
    const name = nextToScrub(listSegments(disk, directory), checked);
    if (name === null) {
      const now = Number(this.#options.clock.nowNanos() / 1_000_000n);
      // Segments that are gone have no damage any more.
      const here = new Set(listSegments(disk, directory).map(({ index }) => index));
      await this.#save({
        checked: 0,
        passEndedAt: new Date(now).toISOString(),
        found: found.filter(({ index }) => here.has(index)),
      });
      return REST_MILLIS;
    }
    const findings = await worker.check({ name, gaps: readGaps(disk, directory), last: false });
    if (findings === null) return 0;
    const news = findings.problems
      .slice(0, FINDINGS_MAX)
      .map((problem) => ({ ...problem, index: name.index }));
    for (const finding of news) this.#options.report(findingText(finding));
    await this.#save({
      ...this.#state,
      checked: name.index,
      found: [...found.filter(({ index }) => index !== name.index), ...news],
    });
    return 0;
  }

  async #save(state: Omit<ScrubState, 'format'>): Promise<void> {
    this.#state = { format: FORMAT, ...state };
    const text = `${JSON.stringify(this.#state, null, 2)}\n`;
    await this.#options.worker.save(pathIn(this.#options.directory), Buffer.from(text));
  }

  #restLeft(): number {
    const { checked, passEndedAt } = this.#state;
    if (checked > 0 || passEndedAt === null) return 0;
    const rested = Number(this.#options.clock.nowNanos() / 1_000_000n) - Date.parse(passEndedAt);
    return Math.min(Math.max(REST_MILLIS - rested, 0), REST_MILLIS);
  }
}

function findingText({ segment, offset, sequence, problem, next }: ScrubFinding): string {
  const where = `segment ${segment} is damaged at offset ${offset}${sequence === null ? '' : `, sequence ${sequence}`}`;
  const behind = next === null ? '' : `, readable again from ${next}`;
  return (
    `${where}: ${problem}${behind}. Nothing was changed. Stop the server and put the segment back from a backup, an archive ` +
    'or a follower (truthdb wal verify shows all that is damaged), or declare it lost with truthdb wal isolate; ' +
    'a copy fetches it again from its source when it starts'
  );
}

/** What cannot be read costs a pass that begins anew. */
function readState(disk: Disk, directory: string): ScrubState {
  const none: ScrubState = { format: FORMAT, checked: 0, passEndedAt: null, found: [] };
  const bytes = readSmallFile(disk, pathIn(directory));
  if (bytes === null) return none;
  try {
    return stateSchema.parse(JSON.parse(Buffer.from(bytes).toString()));
  } catch {
    return none;
  }
}

function pathIn(directory: string): string {
  return join(metadataDirectory(directory), 'scrub.json');
}
