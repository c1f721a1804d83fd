/** What becomes of reducers, decided from the state: deployed, replaced, done with the past, failed. */
import { TruthError } from '../errors.ts';
import { KERNEL_ENTRY } from '../kernel/entry-types.ts';
import { tableToJson } from '../sql/catalog/catalog-store.ts';
import type { Projection } from '../sql/catalog/index.ts';
import type { CatalogDraft } from '../sql/commands/catalog-draft.ts';
import type { OwnDecision } from '../sql/commands/command.ts';
import { checkName } from '../sql/commands/naming.ts';
import type { StoreReader } from '../sql/store/contract.ts';
import { SEQUENCE_NONE, type Sequence } from '../types.ts';
import { type Deployment, encodeReducerDetail, reducerDetail, type Source } from './definition.ts';
import { tableOf } from './descriptor.ts';
import { encodeReducerEntry } from './entry.ts';
import { RULES } from './limits.ts';
import type { Program } from './program.ts';
import { codeHash, hasProgram } from './programs.ts';
import { type Cursor, progressOf } from './progress.ts';

/** What a reducer is to follow, as somebody names it. */
export type NamedSource =
  | { readonly over: 'streams'; readonly prefix: string }
  | { readonly over: 'table'; readonly table: string };

const NOTHING: OwnDecision = Object.freeze({ tag: 'REDUCER', count: 0, entries: [] });
const DONE: OwnDecision = Object.freeze({ tag: 'REDUCER', count: 1, entries: [] });

/** A new reducer, or a new version of the one there is. Errors: 42P07, 42P01, 42602, 42622. */
export function deploy(
  draft: CatalogDraft,
  rows: StoreReader,
  {
    name,
    program,
    source: named,
  }: { readonly name: string; readonly program: Program; readonly source: NamedSource },
): OwnDecision {
  checkName('reducer', name);
  const existing = draft.catalog.projection(name);
  const before = existing === null ? null : reducerDetail(existing);
  if (before === null) draft.checkFree(name);
  const source = sourceOf(draft, named);
  const id = existing?.id ?? draft.takeTable();
  const code = codeHash(program.code);
  const last = Math.max(
    before?.current?.version ?? 0,
    before?.coming?.version ?? 0,
    before?.failure?.version ?? 0,
  );
  const table = tableToJson(tableOf(program.descriptor, { id, name, space: draft.takeSpace() }));
  const coming: Deployment = {
    ...{ version: last + 1, code, sourceHash: program.sourceHash, source, rules: RULES, table },
    state: draft.takeSpace(),
    workings: draft.takeSpace(),
  };
  const current = existing?.state === 'failed' ? null : (before?.current ?? null);
  put(draft, {
    ...{ id, name, createdAt: existing?.createdAt ?? SEQUENCE_NONE },
    ...{ current, coming, failure: null },
  });
  const entry = {
    type: KERNEL_ENTRY.reducer,
    payload: encodeReducerEntry({ entry: 'program', code: program.code }),
  };
  return { ...DONE, entries: hasProgram(rows, code) ? [] : [{ ...entry, subject: null }] };
}

export function drop(draft: CatalogDraft, name: string): OwnDecision {
  draft.dropProjection(reducerNamed(draft, name));
  return DONE;
}

export type NextStep =
  | { readonly step: 'none' }
  /** Something in the catalog: `settle` decides it. */
  | { readonly step: 'settle' }
  | { readonly step: 'waiting'; readonly reducer: number; readonly version: number }
  | {
      readonly step: 'past';
      readonly reducer: number;
      readonly deployment: Deployment;
      readonly cursor: Cursor;
      readonly until: Sequence;
    };

/** What the first reducer that needs something needs. */
export function nextStep(draft: Pick<CatalogDraft, 'catalog'>, rows: StoreReader): NextStep {
  for (const projection of draft.catalog.projections) {
    const detail = reducerDetail(projection);
    if (detail === null || projection.state === 'failed') continue;
    const { current, coming } = detail;
    if (current !== null && progressOf(rows, current).phase === 'failed') return { step: 'settle' };
    if (coming === null) continue;
    const progress = progressOf(rows, coming);
    const { id: reducer } = projection;
    switch (progress.phase) {
      case 'past':
        return { step: 'past', reducer, deployment: coming, cursor: progress.cursor, until: progress.until };
      case 'waiting':
        return { step: 'waiting', reducer, version: coming.version };
      case 'current':
      case 'failed':
        return { step: 'settle' };
    }
  }
  return { step: 'none' };
}

/** What has taken in everything answers from now on; what has failed answers no more. */
export function settle(draft: CatalogDraft, rows: StoreReader): OwnDecision {
  for (const projection of draft.catalog.projections) {
    const detail = reducerDetail(projection);
    if (detail === null || projection.state === 'failed') continue;
    const { current, coming } = detail;
    const [old, young] = [current, coming].map((each) => (each === null ? null : progressOf(rows, each)));
    if (young?.phase === 'current') {
      put(draft, { ...projection, current: coming, coming: null, failure: null });
      return DONE;
    }
    const [failed, progress] = old?.phase === 'failed' ? [current, old] : [coming, young];
    if (failed === null || progress?.phase !== 'failed') continue;
    const reason = `${progress.kind} at position ${progress.at}: ${progress.reason}`;
    const failure = { version: failed.version, reason };
    // A version that fails while it is built leaves the old one as it is; an old one that fails waits for the new one.
    if (failed === coming) put(draft, { ...projection, current, coming: null, failure });
    else put(draft, { ...projection, current: coming === null ? current : null, coming, failure });
    return DONE;
  }
  return NOTHING;
}

/** The log does not go back far enough any more. */
export function failPast(
  draft: CatalogDraft,
  { reducer, version }: { readonly reducer: number; readonly version: number },
  reason: string,
): OwnDecision {
  const projection = draft.catalog.projections.find(({ id }) => id === reducer);
  const detail = projection === undefined ? null : reducerDetail(projection);
  if (projection === undefined || detail?.coming?.version !== version) return NOTHING;
  put(draft, { ...projection, current: detail.current, coming: null, failure: { version, reason } });
  return DONE;
}

/** Errors: 42704, 42809. */
function reducerNamed(draft: Pick<CatalogDraft, 'catalog'>, name: string): Projection {
  const projection = draft.catalog.projection(name);
  if (projection !== null && reducerDetail(projection) !== null) return projection;
  if (draft.catalog.taken(name))
    throw new TruthError('INVALID_ARGUMENT', `"${name}" is not a reducer`, { sqlstate: '42809' });
  throw new TruthError('NOT_FOUND', `reducer "${name}" does not exist`, { sqlstate: '42704' });
}

function sourceOf({ catalog }: CatalogDraft, named: NamedSource): Source {
  if (named.over === 'streams') return named;
  const table = catalog.table(named.table);
  if (table === null)
    throw new TruthError(
      'NOT_FOUND',
      `table "${named.table}" does not exist: a reducer follows a table, or streams`,
      {
        sqlstate: '42P01',
      },
    );
  return { over: 'table', table: table.id, columns: table.columns.map(({ id, type }) => ({ id, type })) };
}

interface Wanted {
  readonly id: number;
  readonly name: string;
  readonly createdAt: Sequence;
  readonly current: Deployment | null;
  readonly coming: Deployment | null;
  readonly failure: { readonly version: number; readonly reason: string } | null;
}

/** Nothing but failed: neither a version that answers nor one to come is left. */
function put(draft: CatalogDraft, { id, name, createdAt, current, coming, failure }: Wanted): void {
  const failed = coming === null && (current === null || current.version === failure?.version);
  const shown = current ?? coming;
  const known = draft.catalog.projections.find((projection) => projection.id === id);
  const before = known === undefined ? null : reducerDetail(known);
  const source = (coming ?? current)?.source;
  const follows =
    source === undefined ? (before?.follows ?? null) : source.over === 'table' ? source.table : null;
  const table = shown?.table ?? before?.table;
  draft.putProjection({
    ...{ id, name, createdAt, text: '' },
    space: (table as { readonly space: Projection['space'] }).space,
    state: failed ? 'failed' : current === null ? 'building' : 'live',
    detail: encodeReducerDetail({ follows, table, current, coming, failure }),
  });
}
