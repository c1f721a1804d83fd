/**
 * What of a log may be moved away, decided from plain facts: mechanism only, somebody else says when. Whole sealed segments
 * go, from the oldest on; the one that is written never does. Nothing goes that a holder still needs, and the refusal names
 * every one.
 */
import { TruthError } from '../errors.ts';
import type { Sequence } from '../types.ts';
import type { SegmentName } from './segment.ts';

/** Somebody who still needs the log from a sequence on. */
export interface Hold {
  readonly kind: 'view' | 'snapshot' | 'reader' | 'follower' | 'backup';
  /** As an operator knows it. */
  readonly name: string;
  /** First sequence needed. */
  readonly from: Sequence;
  /** Command that makes the holder let go, where there is one. */
  readonly release?: string;
}

/** Sealed segments that are not archived yet and end before a sequence, oldest first. `segments`: all, in order. */
export function segmentsToArchive(segments: readonly SegmentName[], before: Sequence): SegmentName[] {
  return endingBefore(segments, before).filter(({ state }) => state === 'sealed');
}

/**
 * Segments that go when everything before a sequence may: those that end before it. Throws LOCKED (details: kind, holder,
 * from, possible) where a holder needs one of them, or one is not archived and `withoutArchive` does not declare its loss.
 */
export function segmentsToPrune(options: {
  readonly segments: readonly SegmentName[];
  readonly before: Sequence;
  readonly holds: readonly Hold[];
  readonly withoutArchive: boolean;
}): SegmentName[] {
  const { segments, before, holds, withoutArchive } = options;
  const going = endingBefore(segments, before);
  const kept = segments[going.length];
  if (going.length === 0 || kept === undefined) return [];
  const holding = holds.filter(({ from }) => from < kept.firstSequence).sort((a, b) => a.from - b.from);
  if (holding.length > 0) throw held(holding, before);
  const unarchived = going.find(({ state }) => state !== 'archived');
  if (unarchived === undefined || withoutArchive) return going;
  throw new TruthError(
    'LOCKED',
    `segment ${unarchived.index} (from sequence ${unarchived.firstSequence}) is in no archive: archive it first ` +
      `(truthdb wal archive --before ${before} --to DIR), or declare its loss with --without-archive`,
    {
      kind: 'archive',
      holder: 'archive',
      from: unarchived.firstSequence,
      possible: unarchived.firstSequence,
    },
  );
}

/** The last segment is never among them: it is written, or will be. */
function endingBefore(segments: readonly SegmentName[], before: Sequence): SegmentName[] {
  const kept = segments.findIndex(
    (_, at) => (segments[at + 1]?.firstSequence ?? Number.POSITIVE_INFINITY) > before,
  );
  return segments.slice(0, Math.max(kept, 0));
}

function held(holding: readonly Hold[], before: Sequence): TruthError {
  const [first] = holding as readonly [Hold, ...Hold[]];
  const names = holding.map(
    ({ kind, name, from, release }) =>
      `${kind} ${name} needs it from sequence ${from}${release === undefined ? '' : ` (${release} gives that up)`}`,
  );
  return new TruthError(
    'LOCKED',
    `the log cannot be pruned before ${before}: ${names.join('; ')}. Nothing was removed; up to ${first.from} is possible.`,
    { kind: first.kind, holder: first.name, from: first.from, possible: first.from },
  );
}
