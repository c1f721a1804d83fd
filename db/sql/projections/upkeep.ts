/**
 * What projections still need, decided from their state: steps of building, the change to what has been built, a refresh of
 * what could not follow, a mark on what has failed. Each is a command of its own, so that all copies do the same at the same
 * place of the log.
 */
import { TruthError } from '../../errors.ts';
import { invariant } from '../../kernel/index.ts';
import type { Sequence } from '../../types.ts';
import type { Projection } from '../catalog/index.ts';
import type { StoreReader } from '../store/contract.ts';
import { type ProjectionDraft, renewedTarget } from './create.ts';
import { detailOf, encodeDetail, targetsOf } from './definition.ts';
import { progressOf } from './progress.ts';

export type Upkeep =
  | { readonly upkeep: 'none' }
  /** An entry that takes in more rows (step-entry.ts). */
  | { readonly upkeep: 'step'; readonly projection: Projection }
  /** The draft has been changed. */
  | { readonly upkeep: 'catalog' };

/** The next thing to be done; the oldest projection first, because younger ones may be made of it. */
export function decideUpkeep(draft: ProjectionDraft, rows: StoreReader): Upkeep {
  for (const projection of draft.catalog.projections) {
    const { live, next } = detailOf(projection);
    if (projection.state === 'failed') continue;
    if (next !== null) {
      const progress = progressOf(rows, next);
      if (progress.phase === 'current') return settle(draft, projection);
      if (progress.phase === 'failed') return fail(draft, projection, progress.reason);
      return { upkeep: 'step', projection };
    }
    if (live === null) continue;
    const progress = progressOf(rows, live);
    if (progress.phase === 'failed') return fail(draft, projection, progress.reason);
    if (progress.phase === 'behind') return refresh(draft, projection, progress.since);
  }
  return { upkeep: 'none' };
}

/** What was built answers from now on; what is made of the projection is made anew, for its rows have all changed. */
function settle(draft: ProjectionDraft, projection: Projection): Upkeep {
  const { next, live } = detailOf(projection);
  invariant(next !== null, 'what settles has been built');
  draft.putProjection({
    ...projection,
    text: next.text,
    space: next.output,
    state: 'live',
    detail: encodeDetail({ table: next.table, live: next, next: null, staleSince: null, failure: null }),
  });
  if (live !== null) {
    for (const other of draft.catalog.projections) {
      const uses = targetsOf(other).some(({ sources }) => sources.some(({ id }) => id === projection.id));
      if (uses && other.state !== 'failed') refresh(draft, other, 0 as Sequence);
    }
  }
  return { upkeep: 'catalog' };
}

/** The old rows answer as of `since` until new ones are built. */
function refresh(draft: ProjectionDraft, projection: Projection, since: Sequence): Upkeep {
  const { live, table } = detailOf(projection);
  const next = renewedTarget(draft, projection);
  draft.putProjection({
    ...projection,
    state: live === null ? 'building' : 'stale',
    detail: encodeDetail({
      table: live === null ? next.table : table,
      live,
      next,
      staleSince: live === null ? null : since,
      failure: null,
    }),
  });
  return { upkeep: 'catalog' };
}

function fail(draft: ProjectionDraft, projection: Projection, reason: string): Upkeep {
  const detail = detailOf(projection);
  draft.putProjection({
    ...projection,
    state: 'failed',
    detail: encodeDetail({ ...detail, next: null, failure: reason }),
  });
  return { upkeep: 'catalog' };
}

/** For commands that would take away what a projection is made of. Throws 2BP01. */
export function refuseIfUsed(
  projections: readonly Projection[],
  what: string,
  table: number,
  column: number | null,
): void {
  for (const projection of projections) {
    const used = targetsOf(projection).some((target) =>
      target.sources.some(
        ({ id, columns }) => id === table && (column === null || columns.some((each) => each.id === column)),
      ),
    );
    if (!used) continue;
    throw new TruthError(
      'INVALID_ARGUMENT',
      `cannot ${what} because projection ${projection.name} depends on it: drop or replace the projection first`,
      { sqlstate: '2BP01' },
    );
  }
}
