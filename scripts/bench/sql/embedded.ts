/** A database in this process for the parts that measure what SQL itself costs, without a network. */
import { type Engine, type EngineOptions, initDatabase, openEngine } from '../../../db/engine.ts';
import type { SqlResult, SqlSession } from '../../../db/sql/contract.ts';
import type { SqlValue } from '../../../db/sql/types/sql-type.ts';
import type { TenantId } from '../../../db/types.ts';

/** Rows a statement of many carries: well below 65,535 parameters. */
export const BATCH_ROWS = 1000;

/** Makes a database and opens it. */
export function newDatabase(directory: string, options: Partial<EngineOptions> = {}): Promise<Engine> {
  initDatabase({ directory });
  return openEngine({ directory, ...options });
}

export function sessionOf(engine: Engine, tenant = 0): SqlSession {
  return engine.sql.session({ tenant: tenant as TenantId, actor: 'bench', mayWrite: true, mayDefine: true });
}

/** A statement prepared once: call it with values. */
export function prepared(
  session: SqlSession,
  text: string,
): (...values: readonly SqlValue[]) => Promise<SqlResult> {
  const statement = session.prepare(text);
  return (...values) =>
    session.execute(
      statement,
      values.map((value) => ({ given: 'value', value })),
    );
}

/** Inserts rows in statements of a thousand, some of them under way at once. */
export async function fill(
  session: SqlSession,
  table: string,
  rows: number,
  row: (number: number) => readonly SqlValue[],
): Promise<void> {
  const inserts = new Map<number, (...values: readonly SqlValue[]) => Promise<SqlResult>>();
  for (let first = 0; first < rows; first += BATCH_ROWS) {
    const batch = Array.from({ length: Math.min(BATCH_ROWS, rows - first) }, (_, at) => row(first + at));
    const insert =
      inserts.get(batch.length) ?? prepared(session, insertText(table, batch.length, batch[0]?.length ?? 0));
    inserts.set(batch.length, insert);
    await insert(...batch.flat());
  }
}

export function insertText(table: string, rows: number, columns: number): string {
  const places = Array.from({ length: rows }, (_, row) => {
    const own = Array.from({ length: columns }, (__, column) => `$${row * columns + column + 1}`);
    return `(${own.join(', ')})`;
  });
  return `INSERT INTO ${table} VALUES ${places.join(', ')}`;
}

/** CPU time of this thread so far, in microseconds: what other programs of the machine do is not in it. */
export function threadMicros(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}
