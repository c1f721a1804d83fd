/**
 * Reducers deployed, dropped, asked about; and what they need in the background: the past out of the log, page by page, and what
 * follows from how far they are. Everything is a command on the tables' path, so it is decided in one order with all others.
 */
import { TruthError } from '../errors.ts';
import { KERNEL_ENTRY } from '../kernel/entry-types.ts';
import {
  deploy,
  drop,
  encodeReducerEntry,
  failPast,
  type NamedSource,
  nextStep,
  PastReader,
  programOf,
  type ReducerStatus,
  reducerStatus,
  reducerStatuses,
  settle,
} from '../reducers/index.ts';
import type { CommandAnswer, OwnCommand, OwnDecision, SqlView } from '../sql/index.ts';
import type { Sequence, TenantId } from '../types.ts';
import type { Log } from '../wal/log.ts';
import type { SqlPath } from './sql-path.ts';

/** Commits of the log looked through before others of the thread have their turn. */
const COMMITS_AT_ONCE = 64;
const UPKEEP_ACTOR = 'reducers';

export interface ReducerDeployment {
  readonly tenant: TenantId;
  /** Who acts, 1 to 128 bytes. */
  readonly actor: string;
  readonly name: string;
  /** A WebAssembly module, 1 MiB at most. */
  readonly file: Uint8Array;
  readonly source: NamedSource;
}

/** Projections that somebody wrote as WebAssembly. */
export interface EngineReducers {
  /**
   * A new reducer, or the next version of the one there is: that one answers until the new one has taken in everything. Resolves
   * when the deployment is durable, before the past is taken in. Errors: INVALID_ARGUMENT (42P13: what is refused of the program;
   * 42P07), NOT_FOUND (42P01), TOO_LARGE, and those of commands on tables.
   */
  deploy(deployment: ReducerDeployment): Promise<{ readonly position: Sequence }>;
  /** Errors: NOT_FOUND. */
  drop(tenant: TenantId, actor: string, name: string): Promise<void>;
  list(tenant: TenantId): readonly ReducerStatus[];
  /** Errors: NOT_FOUND. */
  status(tenant: TenantId, name: string): ReducerStatus;
}

export interface ReducerPathOptions {
  readonly path: SqlPath;
  readonly log: Log;
  readonly view: () => SqlView;
  readonly pause: () => Promise<void>;
  readonly closing: AbortSignal;
  /** The person a stream is about, or null. */
  readonly subjectOf: (tenant: TenantId, stream: string) => string | null;
  /** Throws when tables cannot be read. */
  readonly checkReadable: () => void;
  readonly report: (line: string) => void;
}

type PastStep = Extract<ReturnType<typeof nextStep>, { step: 'past' }>;

export class ReducerPath implements EngineReducers {
  readonly #options: ReducerPathOptions;
  /** Tenants whose reducers are being looked after, and whether to look again. */
  readonly #running = new Map<TenantId, boolean>();

  constructor(options: ReducerPathOptions) {
    this.#options = options;
  }

  async deploy({ tenant, actor, name, file, source }: ReducerDeployment): Promise<{ position: Sequence }> {
    const program = programOf(file);
    const decide: OwnCommand['decide'] = (draft, rows) => deploy(draft, rows, { name, program, source });
    const { position } = await this.#submit({ kind: 'own', tenant, actor, database: '', decide });
    return { position };
  }

  async drop(tenant: TenantId, actor: string, name: string): Promise<void> {
    await this.#submit({ kind: 'own', tenant, actor, database: '', decide: (draft) => drop(draft, name) });
  }

  list(tenant: TenantId): readonly ReducerStatus[] {
    return this.#reading(tenant, (view, reader) => reducerStatuses(view.catalog(tenant), reader));
  }

  status(tenant: TenantId, name: string): ReducerStatus {
    return this.#reading(tenant, (view, reader) => reducerStatus(view.catalog(tenant), reader, name));
  }

  /** Looks whether reducers of the tenant need something, and does it in the background. */
  look(tenant: TenantId): void {
    if (this.#running.has(tenant)) {
      this.#running.set(tenant, true);
      return;
    }
    this.#running.set(tenant, false);
    void this.#lookAfter(tenant);
  }

  async #lookAfter(tenant: TenantId): Promise<void> {
    try {
      for (;;) {
        this.#running.set(tenant, false);
        await this.#options.pause();
        if (this.#options.closing.aborted) return;
        const worked = await this.#step(tenant);
        if (!worked && this.#running.get(tenant) === false) return;
      }
    } catch (error) {
      // The next command of the tenant, or the next start, looks again.
      if (!this.#options.closing.aborted)
        this.#options.report(`reducers of tenant ${tenant} wait: ${String(error)}`);
    } finally {
      this.#running.delete(tenant);
    }
  }

  /** Whether there was something to do. */
  async #step(tenant: TenantId): Promise<boolean> {
    const { catalog, rows } = this.#options.view().writer(tenant);
    const next = nextStep({ catalog }, rows);
    switch (next.step) {
      case 'none':
        return false;
      case 'settle':
        await this.#upkeep(tenant, settle);
        return true;
      case 'waiting': {
        const { reducer, version } = next;
        await this.#upkeep(tenant, () =>
          entry(encodeReducerEntry({ entry: 'waiting', reducer, version }), null),
        );
        return true;
      }
      case 'past':
        await this.#takePast(tenant, next);
        return true;
    }
  }

  async #takePast(tenant: TenantId, step: PastStep): Promise<void> {
    const { reducer, deployment } = step;
    const { version } = deployment;
    try {
      const { inputs, to, subject } = await this.#pastPage(tenant, step);
      const payload = encodeReducerEntry({ entry: 'past', reducer, version, to, inputs });
      await this.#upkeep(tenant, () => entry(payload, subject));
    } catch (error) {
      if (!(error instanceof TruthError) || (error.code !== 'PRUNED' && error.code !== 'GAP')) throw error;
      const reason = `what was recorded before it is not in the log any more: ${error.message}`;
      await this.#upkeep(tenant, (draft) => failPast(draft, { reducer, version }, reason));
    }
  }

  async #pastPage(
    tenant: TenantId,
    { deployment, cursor, until }: PastStep,
  ): Promise<ReturnType<PastReader['page']>> {
    const { log, pause, closing, view, subjectOf } = this.#options;
    const { catalog, rows } = view().writer(tenant);
    const reader = new PastReader({
      ...{ tenant, deployment, cursor, until, catalog, rows },
      subjectOf: (stream) => subjectOf(tenant, stream),
    });
    const from = Math.max(1, cursor.position) as Sequence;
    let commits = 0;
    for await (const commit of log.read({ from, follow: false, signal: closing })) {
      if (!reader.take(commit)) break;
      commits += 1;
      if (commits % COMMITS_AT_ONCE === 0) await pause();
    }
    return reader.page();
  }

  #upkeep(tenant: TenantId, decide: OwnCommand['decide']): Promise<CommandAnswer> {
    return this.#submit({ kind: 'own', tenant, actor: UPKEEP_ACTOR, database: '', decide });
  }

  #submit(command: OwnCommand): Promise<CommandAnswer> {
    return new Promise((resolve, reject) => {
      this.#options.path.submit(command, (outcome) =>
        outcome instanceof Error ? reject(outcome) : resolve(outcome),
      );
    });
  }

  #reading<T>(
    tenant: TenantId,
    read: (view: SqlView, reader: ReturnType<SqlView['glance']>['reader']) => T,
  ): T {
    this.#options.checkReadable();
    const view = this.#options.view();
    const { reader, done } = view.glance(tenant);
    try {
      return read(view, reader);
    } finally {
      done();
    }
  }
}

function entry(payload: Uint8Array, subject: string | null): OwnDecision {
  return { tag: 'REDUCER', count: 1, entries: [{ type: KERNEL_ENTRY.reducer, payload, subject }] };
}
