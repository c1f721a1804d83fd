/**
 * Tables with an eye on who reads them: a SqlDatabase that tells the audit trail which tables an answer was read from, and
 * what was refused for want of a right. What is written needs no telling: it is in the log with its actor.
 */
import { TruthError } from '../errors.ts';
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

/** What a text reads: names of tables, and the word it begins with. */
interface Reading {
  readonly tables: readonly string[];
  readonly kind: string;
}

const NOTHING: Reading = { tables: [], kind: 'statement' };

export class AuditedSql implements SqlDatabase {
  readonly #tables: SqlDatabase;
  readonly #audit: AuditTrail;
  readonly #readings = new Map<string, Reading>();

  constructor(tables: SqlDatabase, audit: AuditTrail) {
    this.#tables = tables;
    this.#audit = audit;
  }

  session(identity: SqlIdentity): SqlSession {
    const { actor: name, tenant } = identity;
    return new AuditedSession(this.#tables.session(identity), {
      read: (text) => {
        for (const table of this.#reading(text).tables) {
          this.#audit.read({ name, tenant }, `table ${table}`, null);
        }
      },
      denied: (text) => this.#audit.denied({ name, tenant }, this.#reading(text).kind),
    });
  }

  catalog(tenant: SqlIdentity['tenant']): ReturnType<SqlDatabase['catalog']> {
    return this.#tables.catalog(tenant);
  }

  /** A text reads the same tables each time, whatever its parameters. */
  #reading(text: string): Reading {
    const known = this.#readings.get(text);
    if (known !== undefined) return known;
    if (this.#readings.size >= TEXTS_MAX) this.#readings.clear();
    const reading = readingOf(text);
    this.#readings.set(text, reading);
    return reading;
  }
}

interface Told {
  readonly read: (text: string) => void;
  readonly denied: (text: string) => void;
}

class AuditedSession implements SqlSession {
  readonly #session: SqlSession;
  readonly #told: Told;

  constructor(session: SqlSession, told: Told) {
    this.#session = session;
    this.#told = told;
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
    return this.#session.execute(statement, parameters, options).then(
      (result) => {
        if (result.columns !== null) this.#told.read(text);
        return result;
      },
      (error) => {
        if (error instanceof TruthError && error.code === 'FORBIDDEN') this.#told.denied(text);
        throw error;
      },
    );
  }

  split(text: string): readonly string[] {
    return this.#session.split(text);
  }

  close(): void {
    this.#session.close();
  }
}

/** Of every statement of the text. What cannot be read reads nothing: it has been refused. */
function readingOf(text: string): Reading {
  try {
    const statements = readStatements(text).map(({ statement }) => statement);
    const tables = new Set(statements.flatMap(tablesRead));
    return { tables: [...tables], kind: statements[0]?.statement ?? NOTHING.kind };
  } catch {
    return NOTHING;
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
