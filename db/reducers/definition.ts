/** What a reducer is, as the catalog keeps it: an entry of projections whose `detail` says more. */
import { canonicalJson } from '../sql/catalog/canonical-json.ts';
import { tableFromJson } from '../sql/catalog/catalog-store.ts';
import type { Catalog, Projection, Table } from '../sql/catalog/index.ts';
import type { Space } from '../sql/store/contract.ts';
import type { SqlType } from '../sql/types/index.ts';

export type Source =
  /** Events of all streams whose names begin with it; an empty one: of all. */
  | { readonly over: 'streams'; readonly prefix: string }
  /** Changes of a table's rows, with the columns it had when the reducer was deployed. */
  | {
      readonly over: 'table';
      readonly table: number;
      readonly columns: readonly { readonly id: number; readonly type: SqlType }[];
    };

/** One version of a reducer, with spaces of its own. */
export interface Deployment {
  /** From 1, +1 with each program. */
  readonly version: number;
  /** SHA-256 of the rewritten program, hex: where it lies among the tenant's programs. */
  readonly code: string;
  /** SHA-256 of the file it was made of, hex. */
  readonly sourceHash: string;
  readonly source: Source;
  /** What its calls may use: limits.ts. */
  readonly rules: number;
  /** The table its rows make up, as JSON of the catalog. */
  readonly table: unknown;
  readonly state: Space;
  /** Progress, the last lines of its log, and inputs that came before it had everything older. */
  readonly workings: Space;
}

export interface ReducerDetail {
  readonly kind: 'reducer';
  /** Id of the table it is over, or null. */
  readonly follows: number | null;
  /** Of the deployment that answers, or while there is none of the one to come. */
  readonly table: unknown;
  readonly current: Deployment | null;
  /** Takes in the past; answers once it has everything. */
  readonly coming: Deployment | null;
  /** Why it, or the last version that was to replace it, failed; null: nothing did. */
  readonly failure: { readonly version: number; readonly reason: string } | null;
  /** For whoever looks at projections of queries: it is none. */
  readonly live: null;
  readonly next: null;
}

const details = new WeakMap<Projection, ReducerDetail | null>();
const tables = new WeakMap<Deployment, Table>();

/** Null: a projection of a query. */
export function reducerDetail(projection: Projection): ReducerDetail | null {
  let detail = details.get(projection);
  if (detail === undefined) {
    const json = JSON.parse(projection.detail) as Partial<ReducerDetail>;
    detail = json.kind === 'reducer' ? (json as ReducerDetail) : null;
    details.set(projection, detail);
  }
  return detail;
}

export function encodeReducerDetail(detail: Omit<ReducerDetail, 'kind' | 'live' | 'next'>): string {
  return canonicalJson({ ...detail, kind: 'reducer', live: null, next: null });
}

export function outputTable(deployment: Deployment): Table {
  let table = tables.get(deployment);
  if (table === undefined) {
    table = tableFromJson(deployment.table);
    tables.set(deployment, table);
  }
  return table;
}

export interface DeployedReducer {
  readonly projection: Projection;
  readonly deployment: Deployment;
}

const deployed = new WeakMap<Catalog, readonly DeployedReducer[]>();

/** Everything that inputs reach, in the order of the catalog. */
export function deployedReducers(catalog: Catalog): readonly DeployedReducer[] {
  let list = deployed.get(catalog);
  if (list === undefined) {
    list = catalog.projections.flatMap((projection) => {
      const detail = reducerDetail(projection);
      if (detail === null || projection.state === 'failed') return [];
      return [detail.current, detail.coming]
        .filter((deployment) => deployment !== null)
        .map((deployment) => ({ projection, deployment }));
    });
    deployed.set(catalog, list);
  }
  return list;
}
