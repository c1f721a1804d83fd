/**
 * Tables in a program of one's own, in three words: `open(path)`, `tenant(id)`, `execute`. Thin over the engine's sessions:
 * texts and plain values come in, rows as objects go out, as the client over the network has them. It may import the engine,
 * SQL's contract and what the client makes of values and results.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { QueryResult } from '../client/query-result.ts';
import { parameterOf, type SqlInput } from '../client/sql-values.ts';
import { type Engine, type EngineOptions, initDatabase, openEngine } from '../engine.ts';
import { TruthError } from '../errors.ts';
import type { SqlResult, SqlSession } from '../sql/contract.ts';
import type { TenantId } from '../types.ts';

type Plain = Readonly<Record<string, unknown>>;

export interface OpenOptions extends Omit<EngineOptions, 'directory'> {
  /** Who writes, as HISTORY shows it: 1 to 128 bytes. Default `embedded`. */
  readonly actor?: string;
}

/** What may be asked in a transaction too. */
export interface TenantQueries {
  /** One statement, or several without parameters. Errors: TruthErrors whose details carry `sqlstate`. */
  execute<R = Plain>(text: string, parameters?: readonly SqlInput[]): Promise<QueryResult<R>>;
  /** The same, for its rows. */
  query<R = Plain>(text: string, parameters?: readonly SqlInput[]): Promise<readonly R[]>;
}

export interface TenantTables extends TenantQueries {
  /** One SELECT, upon the state after the last commit at or before a position: that of any result. */
  queryAt<R = Plain>(position: number, text: string, parameters?: readonly SqlInput[]): Promise<readonly R[]>;
  /** Runs `work` between BEGIN and COMMIT; a throw undoes it. Errors: its own, 40001 when others changed what it read. */
  transaction<Result>(work: (tables: TenantQueries) => Promise<Result>): Promise<Result>;
}

/** An open database. */
export interface OpenDatabase {
  /** Everything else there is: streams, snapshots, tenants, status. */
  readonly engine: Engine;
  /** The tables of a tenant; 0 is always there. */
  tenant(id: number): TenantTables;
  /** Answers what is in flight and closes the database. */
  close(): Promise<void>;
}

/** Opens the database in a directory, which is made into one when nothing is there. Errors: those of initDatabase and openEngine. */
export async function open(path: string, options: OpenOptions = {}): Promise<OpenDatabase> {
  const { actor = 'embedded', ...rest } = options;
  if (!existsSync(join(path, 'metadata'))) initDatabase({ directory: path });
  const engine = await openEngine({ directory: path, ...rest });
  const session = (tenant: number): SqlSession =>
    engine.sql.session({ tenant: tenant as TenantId, actor, mayWrite: true, mayDefine: true });
  return {
    engine,
    tenant: (id) => new Tables(() => session(id)),
    close: () => engine.close(),
  };
}

class Tables implements TenantTables {
  readonly #newSession: () => SqlSession;

  constructor(newSession: () => SqlSession) {
    this.#newSession = newSession;
  }

  /** A session for each call: nobody's BEGIN is another's, and calls run beside each other. */
  execute<R = Plain>(text: string, parameters: readonly SqlInput[] = []): Promise<QueryResult<R>> {
    return executed<R>(this.#newSession(), text, parameters);
  }

  async query<R = Plain>(text: string, parameters: readonly SqlInput[] = []): Promise<readonly R[]> {
    return (await this.execute<R>(text, parameters)).rows;
  }

  async queryAt<R = Plain>(
    position: number,
    text: string,
    parameters: readonly SqlInput[] = [],
  ): Promise<readonly R[]> {
    const session = this.#newSession();
    const [statement, another] = session.split(text);
    if (statement === undefined || another !== undefined) {
      const details = { sqlstate: '42601' };
      throw new TruthError('INVALID_ARGUMENT', 'a position is for one SELECT; give one', details);
    }
    const asOf = `${statement}\nAS OF POSITION ${position}`;
    return (await executed<R>(session, asOf, parameters)).rows;
  }

  async transaction<Result>(work: (tables: TenantQueries) => Promise<Result>): Promise<Result> {
    const session = this.#newSession();
    const execute: TenantQueries['execute'] = (text, parameters = []) => executed(session, text, parameters);
    try {
      await session.execute('BEGIN', []);
      const result = await work({
        execute,
        query: async <R>(text: string, parameters?: readonly SqlInput[]) =>
          (await execute<R>(text, parameters)).rows,
      });
      await session.execute('COMMIT', []);
      return result;
    } finally {
      session.close();
    }
  }
}

async function executed<R>(
  session: SqlSession,
  text: string,
  parameters: readonly SqlInput[],
): Promise<QueryResult<R>> {
  const { columns, ...result }: SqlResult = await session.execute(text, parameters.map(parameterOf));
  return new QueryResult<R>({ ...result, columns: columns ?? [] });
}
