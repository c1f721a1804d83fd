/** Tables as the doors see them: sessions over the view for reading and over the pipeline for writing. */
import type { Clock, Scheduler } from '../io/index.ts';
import {
  type CommandAnswer,
  type LogEnd,
  type QueryRunner,
  Session,
  type SessionLimits,
  type SqlBackend,
  type SqlCommand,
  type SqlDatabase,
  type SqlIdentity,
  type SqlSession,
  type SqlView,
} from '../sql/index.ts';
import type { SqlPath } from './sql-path.ts';

export interface SqlDoorOptions {
  readonly path: SqlPath;
  readonly view: () => SqlView;
  /** Throws when tables cannot be read. */
  readonly checkReadable: () => void;
  readonly end: () => LogEnd | null;
  readonly queries: QueryRunner;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: (bytes: number) => Uint8Array;
  readonly limits: SessionLimits;
}

export class SqlDoor implements SqlDatabase {
  readonly #backend: SqlBackend;
  readonly #view: () => SqlView;

  constructor({ path, view, ...options }: SqlDoorOptions) {
    this.#view = view;
    this.#backend = {
      ...options,
      submit: (command) => submitted(path, command),
      catalog: (tenant) => view().catalog(tenant),
      catalogs: (tenant) => view().catalogs(tenant),
      snapshot: (tenant) => view().snapshot(tenant),
      glance: (tenant) => view().glance(tenant),
      path: (tenant) => view().path(tenant),
    };
  }

  session(identity: SqlIdentity): SqlSession {
    return new Session(this.#backend, identity);
  }

  catalog(tenant: SqlIdentity['tenant']): ReturnType<SqlView['catalog']> {
    this.#backend.checkReadable();
    return this.#view().catalog(tenant);
  }
}

function submitted(path: SqlPath, command: SqlCommand): Promise<CommandAnswer> {
  return new Promise((resolve, reject) => {
    path.submit(command, (outcome) => (outcome instanceof Error ? reject(outcome) : resolve(outcome)));
  });
}
