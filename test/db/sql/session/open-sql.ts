/** A database in a directory of its own, and sessions on its tables that take plain values and give plain rows. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Engine, type EngineOptions, initDatabase, openEngine } from '../../../../db/engine.ts';
import { TruthError } from '../../../../db/errors.ts';
import type { SqlIdentity, SqlResult, SqlSession } from '../../../../db/sql/contract.ts';
import { TENANT_DEFAULT, type TenantId } from '../../../../db/types.ts';

export interface OpenSql {
  readonly engine: Engine;
  readonly directory: string;
  /** A tenant without tables: a test's own part of a database that many share. */
  newTenant(): Promise<TenantId>;
  close(): Promise<void>;
}

export async function openSql(options: Partial<EngineOptions> = {}): Promise<OpenSql> {
  const directory = mkdtempSync(join(tmpdir(), 'truthdb-sql-'));
  initDatabase({ directory, segmentBytes: 4 * 1024 * 1024 });
  const engine = await openEngine({ directory, ringBytes: 1 << 22, ...options });
  let tenants = 0;
  return {
    engine,
    directory,
    newTenant: async () => (await engine.tenants.create(`tenant-${++tenants}`, { encrypted: false })).id,
    close: async () => {
      await engine.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export function sessionOf(engine: Engine, identity: Partial<SqlIdentity> = {}): SqlSession {
  return engine.sql.session({
    ...{ tenant: TENANT_DEFAULT, actor: 'tester', mayWrite: true, mayDefine: true },
    ...identity,
  });
}

/** Executes one text; a refusal's SQLSTATE is its answer. */
export async function told(
  session: SqlSession,
  text: string,
  ...parameters: readonly (string | null)[]
): Promise<SqlResult['rows'] | string> {
  try {
    const given = parameters.map((value) => ({ given: 'text', text: value }) as const);
    const result = await session.execute(text, given);
    return result.columns === null ? result.tag : result.rows;
  } catch (error) {
    if (!(error instanceof TruthError)) throw error;
    return String(error.details['sqlstate'] ?? error.code);
  }
}
