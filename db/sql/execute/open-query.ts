/** From a question to its rows: the state it is about, the plan, values for its parameters. */
import type { Sequence } from '../../types.ts';
import type { AsOf, DiffStatement, ExplainStatement, SelectStatement } from '../ast.ts';
import type { Catalog, CatalogCache } from '../catalog/index.ts';
import type { SqlColumn, SqlNotice } from '../contract.ts';
import { type EvaluationContext, ParameterTypes } from '../expression/index.ts';
import { bindMoment, momentOf } from '../plan/moment.ts';
import type { Planner } from '../plan/planner.ts';
import { type DiffPlan, isPoint, type ReadPlan, type SelectPlan } from '../plan/read-plan.ts';
import { tablesBehind } from '../plan/relation.ts';
import type { StoreReader } from '../store/index.ts';
import { type Row, type SqlValue, sqlError } from '../types/index.ts';
import type { Budget } from './budget.ts';
import { diffRows } from './diff-rows.ts';
import { differenceOf, erasedNotices, historyTo, stateAt } from './erased-notices.ts';
import { explainQuery, QUERY_PLAN } from './explain.ts';
import { parameterValue } from './parameter-value.ts';
import type { Query, ReadRange } from './query.ts';
import { NO_READ_LOG, ReadRanges } from './read-log.ts';
import { commitOf, missingTable, presentPosition, resolveMoment } from './read-point.ts';
import type { Source } from './row-source.ts';
import { selectRows } from './select-rows.ts';

/** What a thread keeps from query to query. */
export interface QueryTools {
  readonly planner: Planner;
  /** Of the tenant whose store is read. */
  readonly catalogs: CatalogCache;
  /** The tables of the reader's present where they are known; null: they are read. */
  readonly present: Catalog | null;
  /** For gen_random_uuid(). */
  readonly randomUuid: () => string;
}

export interface OpenQuery {
  readonly columns: readonly SqlColumn[];
  /** Where the answer stands in the log. */
  readonly position: Sequence;
  /** Whether it is over within microseconds, whatever the tables hold. */
  readonly atOnce: boolean;
  /** First word of the command tag; of EXPLAIN it is all of it. */
  readonly verb: 'SELECT' | 'EXPLAIN';
  /** Null among the rows: a good moment to do something else. To be gone through once. */
  readonly rows: Iterable<Row | null>;
  /** What the answer rests on, once the rows have been gone through. */
  reads(): readonly ReadRange[];
  /** What the answer leaves out, once it is known how many rows it has. */
  notices(rows: number): readonly SqlNotice[];
}

/** Where in time a query looks. */
export interface ReadPoint {
  /** Null: the reader's present. */
  readonly at: Sequence | null;
  readonly position: Sequence;
  /** As of there. */
  readonly catalog: Catalog;
}

/** A query that is only to be run. */
export interface PlannedQuery {
  readonly plan: ReadPlan;
  readonly point: ReadPoint;
  /** Null: nobody wants to know. */
  readonly reads: ReadRanges | null;
  rows(): Generator<Row | null>;
  notices(rows: number): readonly SqlNotice[];
}

/** Errors: INVALID_ARGUMENT, VIEW_UNAVAILABLE; while rows are taken also TIMEOUT, CLOSED, TOO_LARGE, CORRUPT. */
export function openQuery(reader: StoreReader, query: Query, budget: Budget, tools: QueryTools): OpenQuery {
  const asking = new Asking(reader, query, budget, tools);
  const { statement } = query;
  if (statement.statement === 'explain') return openExplain(statement, asking);
  const { plan, point, reads, rows, notices } = asking.plan(statement);
  return {
    columns: plan.columns,
    position: positionOf(plan, point.position),
    atOnce: isPoint(plan, point.at !== null),
    verb: 'SELECT',
    rows: rows(),
    // The past does not change: nobody has to look after what was read there.
    reads: () => (asOfOf(statement) === null ? (reads?.all() ?? []) : []),
    notices,
  };
}

function openExplain(statement: ExplainStatement, asking: Asking): OpenQuery {
  const point = asking.pointOf(null);
  return {
    columns: QUERY_PLAN,
    position: point.position,
    atOnce: false,
    verb: 'EXPLAIN',
    rows: explainQuery(statement, asking),
    reads: () => [],
    notices: () => [],
  };
}

/** A projection that is behind answers as of where it was current. */
export function positionOf(plan: ReadPlan, position: Sequence): Sequence {
  const since = plan.plan === 'select' ? (plan.relation?.staleSince ?? null) : null;
  return since === null || since > position ? position : since;
}

function asOfOf(statement: SelectStatement | DiffStatement): AsOf | null {
  return statement.statement === 'diff' ? statement.to : statement.asOf;
}

/** One question to one state of the store. */
export class Asking {
  readonly query: Query;
  readonly budget: Budget;
  readonly #reader: StoreReader;
  readonly #tools: QueryTools;

  constructor(reader: StoreReader, query: Query, budget: Budget, tools: QueryTools) {
    this.#reader = reader;
    this.query = query;
    this.budget = budget;
    this.#tools = tools;
  }

  plan(statement: SelectStatement | DiffStatement): PlannedQuery {
    const point = this.pointOf(asOfOf(statement));
    const { text, parameterTypes, parameters } = this.query;
    const plan = this.#tools.planner.plan({
      statement,
      text,
      parameterTypes,
      parameters: parameters.length,
      catalog: point.catalog,
      missing: (table, at) => this.missing(table, point, at),
    });
    const values = plan.parameterTypes.map((type, index) => parameterValue(type, parameters[index], index));
    const context = this.context(values);
    const reads = this.query.notesReads ? new ReadRanges() : null;
    const { budget } = this;
    const source: Source = { reader: this.#reader, at: point.at, budget, reads: reads ?? NO_READ_LOG };
    const rows = (): Generator<Row | null> =>
      plan.plan === 'select'
        ? selectRows(plan, source, context)
        : this.#diff(plan, statement as DiffStatement, point, source);
    const notices = (count: number): readonly SqlNotice[] =>
      plan.plan === 'diff'
        ? this.#diffNotices(plan, statement as DiffStatement, point)
        : this.#selectNotices(plan, statement as SelectStatement, point, count);
    return { plan, point, reads, rows, notices };
  }

  /** The present has nothing of what was erased, and a row that was found by its whole key is the one there was. */
  #selectNotices(
    { relation, rows, history }: SelectPlan,
    { asOf }: SelectStatement,
    { position, catalog }: ReadPoint,
    count: number,
  ): readonly SqlNotice[] {
    if (relation === null || (asOf === null && !history)) return [];
    if (!history && rows?.path.point === true && count > 0) return [];
    const question = history ? historyTo(position) : stateAt(position);
    return erasedNotices(this.#reader, tablesBehind(catalog, relation), question);
  }

  #diffNotices({ table }: DiffPlan, { from }: DiffStatement, { position }: ReadPoint): readonly SqlNotice[] {
    return erasedNotices(this.#reader, [table], differenceOf(this.pointOf(from).position, position));
  }

  /** Errors: INVALID_ARGUMENT (22023) for a moment that has not come yet. */
  pointOf(asOf: AsOf | null): ReadPoint {
    const { at: pinned, end } = this.query;
    const { catalogs, present } = this.#tools;
    const asked = asOf === null ? null : this.#resolve(asOf);
    const at = asked ?? (pinned === 'present' ? null : pinned);
    const isPresent = present !== null && (at === null || catalogs.wasCurrent(present, at));
    return {
      at,
      position: at ?? presentPosition(this.#reader, end),
      catalog: isPresent ? present : catalogs.at(this.#reader, at),
    };
  }

  missing(table: string, point: ReadPoint, at: number | null): Error {
    return missingTable(this.#reader, table, point.at, at);
  }

  context(parameters: readonly SqlValue[]): EvaluationContext {
    const { now, user, database } = this.query;
    return { parameters, now, user, database, randomUuid: this.#tools.randomUuid };
  }

  #resolve(asOf: AsOf): Sequence {
    const { parameters, parameterTypes, end } = this.query;
    const types = new ParameterTypes(parameters.length, parameterTypes);
    const bound = bindMoment(asOf, types);
    const values = parameters.map((parameter, index) => {
      const type = types.typeOf(index, asOf.value.at);
      return type === null ? null : parameterValue(type, parameter, index);
    });
    return resolveMoment(this.#reader, end, momentOf(asOf, bound, this.context(values)));
  }

  /** Errors: INVALID_ARGUMENT: 22023 for ends the wrong way round, 42P01, 0A000 across the table's re-creation. */
  #diff(plan: DiffPlan, statement: DiffStatement, to: ReadPoint, source: Source): Generator<Row | null> {
    const from = this.pointOf(statement.from);
    const { table } = plan;
    if (from.position > to.position) {
      throw sqlError(
        '22023',
        `DIFF TABLE goes forward: position ${from.position} is after position ${to.position}; turn them round`,
      );
    }
    if (from.catalog.tableById(table.id) === null) {
      if (from.catalog.table(statement.table) === null) throw this.missing(statement.table, from, null);
      throw sqlError(
        '0A000',
        `table "${statement.table}" at position ${from.position} is another one than at position ${to.position}: it was dropped and created anew in between, at position ${commitOf(this.#reader, table.createdAt)}; compare within the life of one`,
      );
    }
    return diffRows(table, from.position, to.position, source);
  }
}
