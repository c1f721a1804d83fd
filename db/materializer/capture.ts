/** All views at one position, as the registry hands them over: whole, although apply goes on behind it. */
import type { LogCommit } from '../wal/log.ts';
import { type PendingPart, PendingParts } from './checkpoint-store.ts';
import type { Slot } from './slot.ts';

export interface CapturedView {
  readonly name: string;
  readonly version: number;
  readonly digest: string;
  readonly parts: readonly PendingPart[];
}

/** To be released when it is written, or will not be. */
export interface Capture {
  /** The last commit all of them have applied. */
  readonly commit: Pick<LogCommit, 'sequence' | 'ordinal' | 'epoch' | 'recordedAt' | 'chain'>;
  readonly views: readonly CapturedView[];
  /** Views that are not there, with the reason. */
  readonly missing: readonly { readonly name: string; readonly reason: string }[];
}

export function captureView({ name, definition, view }: Slot): CapturedView {
  const writer = new PendingParts();
  view.checkpoint(writer);
  return { name, version: definition.version, digest: view.digest(), parts: writer.parts };
}

/** Gives back what the views hold for a capture. */
export function releaseCapture({ views }: Pick<Capture, 'views'>): void {
  for (const { parts } of views) for (const { done } of parts) done?.();
}
