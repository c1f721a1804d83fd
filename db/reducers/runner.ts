/**
 * Hands every reducer its inputs, within the transaction that brings them. One that stops is marked as failed there and then, at
 * the same input in every replay; the others go on.
 */
import { decodeEvent } from '../kernel/event-entry.ts';
import type { Catalog, CatalogEntry, Table } from '../sql/catalog/index.ts';
import type { RowChange, TableEntry } from '../sql/rows/evolve.ts';
import type { ReducingListener } from '../sql/rows/reducing.ts';
import type { StoreWriter } from '../sql/store/contract.ts';
import type { Row } from '../sql/types/index.ts';
import type { Sequence } from '../types.ts';
import { CallState } from './call-state.ts';
import { type Deployment, deployedReducers, outputTable, reducerDetail, type Source } from './definition.ts';
import { decodeReducerEntry, type ReducerEntry } from './entry.ts';
import { eventInput, rowInput } from './input.ts';
import { FUEL_PER_CALL, LOG_LINES } from './limits.ts';
import { putProgram, ReadyPrograms } from './programs.ts';
import {
  type Cursor,
  logOf,
  noteLog,
  noteProgress,
  progressOf,
  putWaiting,
  takeWaiting,
  waitingInputs,
} from './progress.ts';

/** What one step may spend: then others of the thread have their turn. */
const STEP_FUEL = 2 * FUEL_PER_CALL;
const STEP_INPUTS = 256;
/** Whom HISTORY names for rows that came of events, or of the past. */
const ACTOR = 'reducers';

interface Input {
  readonly cursor: Cursor;
  readonly input: Uint8Array;
}

export class ReducerRunner implements ReducingListener {
  readonly #programs = new ReadyPrograms();
  #wanted = false;

  takeWanted(): boolean {
    const wanted = this.#wanted;
    this.#wanted = false;
    return wanted;
  }

  wants(catalog: Catalog, table: Table): boolean {
    return deployedReducers(catalog).some(({ deployment: { source } }) => isOver(source, table));
  }

  wantsEvents(catalog: Catalog): boolean {
    return deployedReducers(catalog).some(({ deployment: { source } }) => source.over === 'streams');
  }

  wanted(catalog: Catalog, events: readonly TableEntry[]): readonly TableEntry[] {
    const prefixes = deployedReducers(catalog).flatMap(({ deployment: { source } }) =>
      source.over === 'streams' ? [source.prefix] : [],
    );
    return events.filter(({ payload, sequence }) => {
      const { stream } = decodeEvent(payload, sequence);
      return prefixes.some((prefix) => stream.startsWith(prefix));
    });
  }

  rowsChanged(store: StoreWriter, catalog: Catalog, changes: readonly RowChange[], at: Sequence): void {
    const table = changes[0]!.table;
    for (const { deployment } of deployedReducers(catalog)) {
      const { source } = deployment;
      if (!isOver(source, table) || source.over !== 'table') continue;
      const types = source.columns.map(({ type }) => type);
      const shown = rowsOf(source, table);
      const inputs = changes.map(({ before, after }, done) => ({
        cursor: { position: at, done },
        input: rowInput(types, shown(before), shown(after), at),
      }));
      this.#feed(store, deployment, inputs, at);
    }
  }

  eventsRecorded(store: StoreWriter, catalog: Catalog, events: readonly TableEntry[], at: Sequence): void {
    store.wrote(at, ACTOR);
    const named = events.map(({ payload, sequence }) => ({
      stream: decodeEvent(payload, sequence).stream,
      cursor: { position: sequence, done: 0 },
      input: eventInput(payload, sequence),
    }));
    for (const { deployment } of deployedReducers(catalog)) {
      const { source } = deployment;
      if (source.over !== 'streams') continue;
      const inputs = named.filter(({ stream }) => stream.startsWith(source.prefix));
      if (inputs.length > 0) this.#feed(store, deployment, inputs, at);
    }
  }

  catalogChanged(
    store: StoreWriter,
    before: Catalog,
    catalog: Catalog,
    _entry: CatalogEntry,
    at: Sequence,
  ): void {
    const old = deploymentsIn(before);
    const now = deploymentsIn(catalog);
    for (const [key, deployment] of now) {
      if (old.has(key)) continue;
      const cursor = { position: 0 as Sequence, done: 0 };
      noteProgress(store, deployment, { phase: 'past', cursor, until: at }, at);
    }
    for (const [key, { workings }] of old) if (!now.has(key)) store.drop(workings);
    if (now.size > 0) this.#wanted = true;
  }

  stepped(): void {}

  reducerEntry(store: StoreWriter, catalog: Catalog, { payload, sequence }: TableEntry): void {
    const entry = decodeReducerEntry(payload, sequence);
    if (entry.entry === 'program') {
      putProgram(store, entry.code, sequence);
      return;
    }
    this.#wanted = true;
    store.wrote(sequence, ACTOR);
    const found = deployedReducers(catalog).find(
      ({ projection: { id }, deployment: { version } }) => id === entry.reducer && version === entry.version,
    );
    if (found === undefined) return;
    if (entry.entry === 'past') this.#takePast(store, found.deployment, entry, sequence);
    else this.#takeWaiting(store, found.deployment, sequence);
  }

  /** What cannot be handed over yet waits. */
  #feed(store: StoreWriter, deployment: Deployment, inputs: readonly Input[], at: Sequence): void {
    const { phase } = progressOf(store, deployment);
    if (phase === 'failed') return;
    if (phase !== 'current') {
      for (const { cursor, input } of inputs) putWaiting(store, deployment, cursor, input, at);
      return;
    }
    for (const { input } of inputs) if (this.#call(store, deployment, input, at) === null) return;
  }

  #takePast(
    store: StoreWriter,
    deployment: Deployment,
    { to, inputs }: Extract<ReducerEntry, { entry: 'past' }>,
    at: Sequence,
  ): void {
    const progress = progressOf(store, deployment);
    if (progress.phase !== 'past') return;
    let { cursor } = progress;
    let spent = 0;
    for (const { position, input } of inputs) {
      const fuel = this.#call(store, deployment, input, at);
      if (fuel === null) return;
      cursor = { position, done: position === cursor.position ? cursor.done + 1 : 1 };
      spent += fuel;
      if (spent <= STEP_FUEL) continue;
      noteProgress(store, deployment, { ...progress, cursor }, at);
      return;
    }
    const done = to.position >= progress.until;
    noteProgress(store, deployment, done ? { phase: 'waiting' } : { ...progress, cursor: to }, at);
  }

  #takeWaiting(store: StoreWriter, deployment: Deployment, at: Sequence): void {
    if (progressOf(store, deployment).phase !== 'waiting') return;
    const waiting = waitingInputs(store, deployment, STEP_INPUTS);
    let spent = 0;
    for (const each of waiting) {
      const fuel = this.#call(store, deployment, each.input, at);
      if (fuel === null) return;
      takeWaiting(store, deployment, each, at);
      spent += fuel;
      if (spent > STEP_FUEL) return;
    }
    if (waiting.length < STEP_INPUTS) noteProgress(store, deployment, { phase: 'current' }, at);
  }

  /** Returns what the call spent; null: the reducer has failed, and nothing of the call is left. */
  #call(store: StoreWriter, deployment: Deployment, input: Uint8Array, at: Sequence): number | null {
    const state = new CallState(store, deployment.state, outputTable(deployment));
    const outcome = this.#programs.get(store, deployment.code).apply(input, state);
    if (state.lines.length > 0) {
      const lines = [...logOf(store, deployment), ...state.lines].slice(-LOG_LINES);
      noteLog(store, deployment, lines, at);
    }
    if (outcome.outcome === 'done') {
      state.write(at);
      return outcome.fuel;
    }
    const { kind, reason } = outcome;
    noteProgress(store, deployment, { phase: 'failed', at, kind, reason }, at);
    this.#wanted = true;
    return null;
  }
}

function isOver(source: Source, table: Table): boolean {
  return source.over === 'table' && source.table === table.id;
}

/** Rows as the table has them now, in the columns the reducer was deployed with; one that is gone is NULL. */
export function rowsOf(
  { columns }: Extract<Source, { over: 'table' }>,
  table: Table,
): (row: Row | null) => Row | null {
  const places = columns.map(({ id }) => table.columns.findIndex((column) => column.id === id));
  return (row) => (row === null ? null : places.map((place) => (place < 0 ? null : row[place]!)));
}

function deploymentsIn(catalog: Catalog): ReadonlyMap<string, Deployment> {
  const found = new Map<string, Deployment>();
  for (const projection of catalog.projections) {
    const detail = reducerDetail(projection);
    for (const deployment of [detail?.current ?? null, detail?.coming ?? null])
      if (deployment !== null) found.set(`${projection.id} ${deployment.version}`, deployment);
  }
  return found;
}
