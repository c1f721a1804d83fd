/** All views at one position, as the registry hands them over: whole, although apply goes on behind it. */
import type { LogCommit } from '../wal/log.ts';
import type { PendingPart } from './checkpoint-store.ts';
import type { Slot } from './slot.ts';

export interface CapturedView {
  readonly name: string;
  readonly version: number;
  readonly digest: string;
  readonly parts: readonly PendingPart[];
}

export interface Capture {
  /** The last commit all of them have applied. */
  readonly commit: Pick<LogCommit, 'sequence' | 'ordinal' | 'epoch' | 'recordedAt' | 'chain'>;
  readonly views: readonly CapturedView[];
  /** Views that are not there, with the reason. */
  readonly missing: readonly { readonly name: string; readonly reason: string }[];
}

export function captureView({ name, definition, view }: Slot): CapturedView {
  const parts: PendingPart[] = [];
  view.checkpoint({ part: (part, chunks) => parts.push({ name: part, chunks }) });
  return { name, version: definition.version, digest: view.digest(), parts };
}
