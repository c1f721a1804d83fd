/** Tables of a tenant of its own, for trying projections. */

import type { SqlResult } from '../../../../db/sql/contract.ts';
import { formatText } from '../../../../db/sql/types/index.ts';
import { type OpenSql, sessionOf } from '../session/open-sql.ts';

export interface Tables {
  run(text: string): Promise<SqlResult>;
  /** Rows as PostgreSQL would print them, columns divided by bars. */
  texts(text: string): Promise<string[]>;
  /** Waits until nothing is built any more. */
  settled(): Promise<void>;
}

export async function tablesOf(sql: OpenSql): Promise<Tables> {
  const session = sessionOf(sql.engine, { tenant: await sql.newTenant() });
  const run = (text: string): Promise<SqlResult> => session.execute(text, []);
  return {
    run,
    texts: async (text) => {
      const { rows, columns } = await run(text);
      return rows.map((row) =>
        row.map((value, index) => (value === null ? '' : formatText(columns![index]!.type, value))).join('|'),
      );
    },
    settled: async () => {
      while (sql.engine.status().commandsWaiting > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    },
  };
}
