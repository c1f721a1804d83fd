/**
 * Tables with an eye on who reads them: a SqlDatabase that tells the audit trail which tables an answer was read from. What is
 * written needs no telling: it is in the log with its actor. What is refused the doors tell, with all else they refuse.
 */
import type { FromReference, Statement } from '../sql/ast.ts';
import type {
  ExecuteOptions,
  SqlDatabase,
  SqlIdentity,
  SqlParameter,
  SqlResult,
  SqlSession,
  SqlStatement,
} from '../sql/contract.ts';
import { readStatements } from '../sql/session/parser.ts';
import type { SqlType } from '../sql/types/sql-type.ts';
import type { AuditTrail } from './audit-trail.ts';

/** Texts whose tables are remembered. */
const TEXTS_MAX = 1000;

export class AuditedSql implements SqlDatabase {
  readonly #tables: SqlDatabase;
  readonly #audit: AuditTrail;
  readonly #read = new Map<string, readonly string[]>();

  constructor(tables: SqlDatabase, audit: AuditTrail) {
    this.#tables = tables;
    this.#audit = audit;
  }

  session(identity: SqlIdentity): SqlSession {
    const { actor: name, tenant } = identity;
    return new AuditedSession(this.#tables.session(identity), (text) => {
      for (const table of this.#tablesOf(text)) this.#audit.read({ name, tenant }, `table ${table}`, null);
    });
  }

  catalog(tenant: SqlIdentity['tenant']): ReturnType<SqlDatabase['catalog']> {
    return this.#tables.catalog(tenant);
  }

  /** A text reads the same tables each time, whatever its parameters. */
  #tablesOf(text: string): readonly string[] {
    const known = this.#read.get(text);
    if (known !== undefined) return known;
    if (this.#read.size >= TEXTS_MAX) this.#read.clear();
    const tables = tablesReadBy(text);
    this.#read.set(text, tables);
    return tables;
  }
}

class AuditedSession implements SqlSession {
  readonly #session: SqlSession;
  readonly #answered: (text: string) => void;

  constructor(session: SqlSession, answered: (text: string) => void) {
    this.#session = session;
    this.#answered = answered;
  }

  get transaction(): SqlSession['transaction'] {
    return this.#session.transaction;
  }

  prepare(text: string, parameterTypes?: readonly (SqlType | null)[]): SqlStatement {
    return this.#session.prepare(text, parameterTypes);
  }

  execute(
    statement: SqlStatement | string,
    parameters: readonly SqlParameter[],
    options?: ExecuteOptions,
  ): Promise<SqlResult> {
    const text = typeof statement === 'string' ? statement : statement.text;
    return this.#session.execute(statement, parameters, options).then((result) => {
      if (result.columns !== null) this.#answered(text);
      return result;
    });
  }

  atOnce(statement: SqlStatement, parameters: readonly SqlParameter[]): SqlResult | null {
    const result = this.#session.atOnce(statement, parameters);
    if (result !== null && result.columns !== null) this.#answered(statement.text);
    return result;
  }

  split(text: string): readonly string[] {
    return this.#session.split(text);
  }

  close(): void {
    this.#session.close();
  }
}

/** Of every statement of the text. What cannot be read reads nothing: it has been refused. */
function tablesReadBy(text: string): readonly string[] {
  try {
    return [...new Set(readStatements(text).flatMap(({ statement }) => tablesRead(statement)))];
  } catch {
    return [];
  }
}

function tablesRead(statement: Statement): readonly string[] {
  if (statement.statement === 'select') return statement.from === null ? [] : tablesOf(statement.from);
  if (statement.statement === 'diff') return [statement.table];
  // Rows that are written may be shown: RETURNING reads them.
  const written = ['insert', 'update', 'delete'].includes(statement.statement);
  return written && 'returning' in statement && statement.returning !== null ? [statement.table] : [];
}

function tablesOf(from: FromReference): readonly string[] {
  const found: string[] = [];
  const open: FromReference[] = [from];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (at.from === 'table') found.push(at.table);
    else if (at.from === 'join') open.push(at.left, at.right);
    else if (at.query.from !== null) open.push(at.query.from);
  }
  return found;
}
