/** What goes to a reader's thread and comes back: plain values. */
import type { PlainError } from '../../errors.ts';
import type { Micros } from '../../ranking/ground.ts';
import type { AsOf } from '../../ranking/retrieve/bind/index.ts';
import type { Kek } from '../../tenancy/index.ts';
import type { Sequence } from '../../types.ts';
import type { EpochBeginning } from '../../wal/index.ts';
import type { RankingFound, RankingQuestion } from '../ranking-answers.ts';

/** What a thread is started with. */
export interface ReaderStart {
  /** Whether it answers about the past, or follows the log and answers about now. */
  readonly role: 'past' | 'live';
  /** Of a `StableMark`: how far a live one has come, written by it. */
  readonly applied: SharedArrayBuffer;
  readonly directory: string;
  /** 16 bytes. */
  readonly logId: Uint8Array;
  /** Of a `StableMark`. */
  readonly stable: SharedArrayBuffer;
  readonly keks: readonly Kek[];
  readonly epochs: readonly EpochBeginning[];
  readonly unknownKeys: 'skip' | 'refuse';
  /** Absolute path of a folder for scratch files that nobody else uses. */
  readonly scratch: string;
  /** What its views may take of the memory; what they seldom read lies in scratch files then. */
  readonly memoryBytes: number;
}

export interface PastQuestion extends RankingQuestion {
  readonly at: AsOf;
  /** Last commit that the asking thread knew: nothing behind it is looked at. */
  readonly last: Sequence;
}

export interface LiveQuestion extends RankingQuestion {
  /** The views must have everything up to here. */
  readonly least: Sequence;
  readonly now: Micros;
}

export interface ReaderJob<Question> {
  readonly id: number;
  readonly question: Question;
}

export type ReaderNews =
  | { readonly news: 'answer'; readonly id: number; readonly found: RankingFound }
  | { readonly news: 'failed'; readonly id: number; readonly error: PlainError }
  | { readonly news: 'report'; readonly line: string };
