/** What a projection is made of, as the catalog keeps it: queries as the parser hands them over, and the spaces its rows lie in. */
import type { Sequence } from '../../types.ts';
import type { SelectStatement } from '../ast.ts';
import { canonicalJson } from '../catalog/canonical-json.ts';
import type { Projection } from '../catalog/index.ts';
import type { Space } from '../store/contract.ts';

/** Rows of a source in the order of some of its columns: how a change on one side of a join finds the other. */
export interface Arrangement {
  /** Id of the table or projection whose rows it orders. */
  readonly source: number;
  /** Ids of its columns, in order. */
  readonly columns: readonly number[];
  readonly space: Space;
}

/** A source as the query knew it when it was made: columns renamed or added since mean nothing to it. */
export interface SourceDefinition {
  /** Of the table or projection; the same one may be there twice. */
  readonly id: number;
  readonly columns: readonly { readonly id: number; readonly name: string }[];
}

/** One query kept current in spaces of its own. */
export interface Target {
  /** Every `*` written out, so that a column added later changes nothing. */
  readonly query: SelectStatement;
  /** As it was written. */
  readonly text: string;
  /** The table its rows make up, as JSON of the catalog. */
  readonly table: unknown;
  /** In the order of FROM. */
  readonly sources: readonly SourceDefinition[];
  readonly output: Space;
  /** One key: how far the building is, or that the target is behind (progress.ts). */
  readonly progress: Space;
  /** Count and accumulators of each group; null without grouping. */
  readonly groups: Space | null;
  /** Values of min, max and DISTINCT with how often each is there; null when none is asked for. */
  readonly values: Space | null;
  readonly arrangements: readonly Arrangement[];
}

export interface ProjectionDetail {
  /** Table of the target that answers: `live`, or while there is none yet `next`. */
  readonly table: unknown;
  readonly live: Target | null;
  /** Being built; answers once it has taken in everything. */
  readonly next: Target | null;
  /** While `live` is no longer kept current: the last position at which it was. */
  readonly staleSince: Sequence | null;
  /** Why it has failed, or null. */
  readonly failure: string | null;
}

const details = new WeakMap<Projection, ProjectionDetail>();

/** The detail of a projection, read once. */
export function detailOf(projection: Projection): ProjectionDetail {
  let detail = details.get(projection);
  if (detail === undefined) {
    detail = JSON.parse(projection.detail) as ProjectionDetail;
    details.set(projection, detail);
  }
  return detail;
}

export function encodeDetail(detail: ProjectionDetail): string {
  return canonicalJson(detail);
}

/** Targets that changes of rows reach. */
export function targetsOf(projection: Projection): readonly Target[] {
  const { live, next } = detailOf(projection);
  return [live, next].filter((target) => target !== null);
}
