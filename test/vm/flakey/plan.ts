/** What the host asks of the guest, and what the guest answers, one JSON line each. */

/**
 * `drop-writes`: the disk goes on saying yes and keeps nothing, until the power is cut.
 * `error-writes`: the disk refuses every write.
 * `exposed`: the disk refuses for a moment, and the server is started again over what the page cache still holds; what it
 * then shows is a promise, and the power is cut on it.
 * `log-writes`: the disk is recorded, and made again up to a random place of the recording.
 * `async`: as `drop-writes`, but the answers promised nothing. That this loses shows that the others could.
 */
export type CutKind = 'drop-writes' | 'error-writes' | 'exposed' | 'log-writes' | 'async';

/** A run that ends with its one cut. */
export interface PlannedCut {
  readonly kind: Exclude<CutKind, 'log-writes'>;
  readonly seed: number;
}

/** A run from whose recording any number of cuts are made. With an even seed the log overwrites written space. */
export interface PlannedRecording {
  readonly kind: 'log-writes';
  readonly seed: number;
  readonly cuts: number;
}

export type PlannedRun = PlannedCut | PlannedRecording;

export interface Plan {
  readonly runs: readonly PlannedRun[];
}

/** One cut and what the database made of it. Counts are of requests, of which each is one event or several. */
export interface CutReport {
  readonly kind: CutKind;
  readonly seed: number;
  readonly issued: number;
  /** Acknowledged in all, also after the cut by a disk that lied. */
  readonly acknowledged: number;
  /** Acknowledged while the disk kept its word: these must be there. */
  readonly promised: number;
  readonly found: number;
  /** What is wrong with the events found, as a sentence; null when nothing is. */
  readonly problem: string | null;
  /** As `problem`, were every answer a promise, also those of a disk that lied or of clients that came later. */
  readonly lost: string | null;
  /** Exit status with which the server ended when the disk refused; null where it was killed. */
  readonly serverExit: number | null;
  /** Under `exposed`: the file system gave up along with the server, so that nothing was shown but what the disk had. */
  readonly shutDown: boolean;
  /** Codes with which clients were refused. */
  readonly refusals: readonly string[];
  /** Exit status of `truthdb wal verify` on what the cut left. */
  readonly verified: number;
  /** Whether every byte of the log checks out after recovery, more appends and a clean stop. */
  readonly recovered: boolean;
  /** Whether a torn tail lay behind the log's end. */
  readonly torn: boolean;
  readonly seconds: number;
}

/** How the guest ended: `failure` is null unless something got in the way of the cuts themselves. */
export interface End {
  readonly end: true;
  readonly failure: string | null;
}
