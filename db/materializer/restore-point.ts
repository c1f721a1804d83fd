/**
 * Where a view may begin that has no checkpoint of its own: copies of views kept elsewhere. The registry believes none of
 * them before the log bears out the position and the restored view has the digest it is said to have.
 */
import type { Sequence } from '../types.ts';
import type { CheckpointReader } from './materializer.ts';

export interface RestorePoint {
  /** For messages. */
  readonly name: string;
  readonly position: Sequence;
  /** Chain of the log at the position, hex. */
  readonly chain: string;
  /** The view's copy, or null when this point does not hold it in that version. */
  view(name: string, version: number): RestorableView | null;
}

export interface RestorableView {
  /** Null where only its parts are vouched for. */
  readonly digest: string | null;
  /** Its `read` throws CORRUPT where the bytes are not those written. */
  readonly reader: CheckpointReader;
}
