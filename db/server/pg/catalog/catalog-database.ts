/**
 * Tables with their catalog: a SqlDatabase whose sessions also answer SELECTs on pg_catalog and information_schema. What our own
 * doors ask; PostgreSQL's protocol has its own way, for the types that its drivers expect.
 */
import type {
  ExecuteOptions,
  SqlColumn,
  SqlDatabase,
  SqlIdentity,
  SqlParameter,
  SqlResult,
  SqlSession,
  SqlStatement,
} from '../../../sql/contract.ts';
import type { Grammar } from '../../../sql/parse/grammar.ts';
import { statementsOf } from '../../../sql/parse/statements.ts';
import type { SqlType, SqlValue } from '../../../sql/types/sql-type.ts';
import type { Sequence } from '../../../types.ts';
import { SessionSettings } from '../settings.ts';
import type { CatalogAnswers } from './catalog-answers.ts';
import { aboutCatalog, askCatalog, type CatalogAsker, mayBeAboutCatalog } from './catalog-statement.ts';
import type { CatalogValue } from './content.ts';
import type { ParseNode } from './parse-node.ts';
import type { CatalogType } from './relations.ts';

const TYPES: Readonly<Record<CatalogType, SqlType>> = {
  text: { kind: 'text', lengthMax: null },
  bool: { kind: 'boolean' },
  int2: { kind: 'integer' },
  int4: { kind: 'integer' },
  int8: { kind: 'bigint' },
  oid: { kind: 'bigint' },
  float8: { kind: 'double' },
};
const TEXT: SqlType = { kind: 'text', lengthMax: null };
const DATABASE = 'truthdb';

export interface CatalogDatabaseOptions {
  readonly tables: SqlDatabase;
  readonly grammar: Grammar;
  readonly answers: CatalogAnswers;
  /** The last stable position: where what the catalog says holds. */
  readonly position: () => Sequence;
}

export class CatalogDatabase implements SqlDatabase {
  readonly #options: CatalogDatabaseOptions;

  constructor(options: CatalogDatabaseOptions) {
    this.#options = options;
  }

  session(identity: SqlIdentity): SqlSession {
    return new CatalogSession(this.#options, identity);
  }

  catalog(tenant: SqlIdentity['tenant']): ReturnType<SqlDatabase['catalog']> {
    return this.#options.tables.catalog(tenant);
  }
}

/** A question about the catalog, read and waiting to be asked. */
class CatalogQuestion implements SqlStatement {
  readonly text: string;
  readonly description: SqlStatement['description'];
  readonly ask: (parameters: readonly CatalogValue[]) => Promise<readonly (readonly CatalogValue[])[]>;
  readonly types: readonly CatalogType[];

  constructor(text: string, select: ParseNode, asker: CatalogAsker) {
    const { columns, parameters, ask } = askCatalog(select, text, asker);
    this.text = text;
    this.types = columns.map(({ type }) => type);
    this.description = {
      parameters: Array.from({ length: parameters }, () => TEXT),
      columns: columns.map(({ name, type }): SqlColumn => ({ name, type: TYPES[type] })),
    };
    this.ask = ask;
  }
}

class CatalogSession implements SqlSession {
  readonly #options: CatalogDatabaseOptions;
  readonly #tables: SqlSession;
  readonly #identity: SqlIdentity;

  constructor(options: CatalogDatabaseOptions, identity: SqlIdentity) {
    this.#options = options;
    this.#identity = identity;
    this.#tables = options.tables.session(identity);
  }

  get transaction(): SqlSession['transaction'] {
    return this.#tables.transaction;
  }

  prepare(text: string, parameterTypes?: readonly (SqlType | null)[]): SqlStatement {
    return this.#question(text) ?? this.#tables.prepare(text, parameterTypes);
  }

  execute(
    statement: SqlStatement | string,
    parameters: readonly SqlParameter[],
    options?: ExecuteOptions,
  ): Promise<SqlResult> {
    if (statement instanceof CatalogQuestion) return this.#ask(statement, parameters);
    if (typeof statement === 'string' && mayBeAboutCatalog(statement)) {
      return this.#executeText(statement, parameters, options);
    }
    return this.#tables.execute(statement, parameters, options);
  }

  atOnce(statement: SqlStatement, parameters: readonly SqlParameter[]): SqlResult | null {
    return this.#tables.atOnce(statement, parameters);
  }

  async #executeText(
    text: string,
    parameters: readonly SqlParameter[],
    options?: ExecuteOptions,
  ): Promise<SqlResult> {
    const question = this.#question(text);
    return question === null
      ? this.#tables.execute(text, parameters, options)
      : this.#ask(question, parameters);
  }

  split(text: string): readonly string[] {
    return this.#tables.split(text);
  }

  close(): void {
    this.#tables.close();
  }

  #question(text: string): CatalogQuestion | null {
    if (!mayBeAboutCatalog(text)) return null;
    const [statement, another] = statementsOf(text);
    if (statement === undefined || another !== undefined) return null;
    const { grammar, answers } = this.#options;
    const { tenant, actor } = this.#identity;
    const catalog = () => this.#options.tables.catalog(tenant);
    const own = text.slice(statement.start, statement.end);
    const select = aboutCatalog(grammar, own, catalog);
    if (select === null) return null;
    return new CatalogQuestion(own, select, {
      answers,
      tenant,
      database: DATABASE,
      user: actor,
      process: 0,
      settings: new SessionSettings(actor),
      catalog,
      projectionColumns: (name) => columnsOf(this.#tables, name),
    });
  }

  async #ask(question: CatalogQuestion, parameters: readonly SqlParameter[]): Promise<SqlResult> {
    const rows = await question.ask(parameters.map(catalogValue));
    return {
      tag: `SELECT ${rows.length}`,
      columns: question.description.columns,
      rows: rows.map((row) => row.map((value, index) => sqlValue(value, question.types[index]))),
      count: rows.length,
      position: this.#options.position(),
    };
  }
}

function catalogValue(parameter: SqlParameter): CatalogValue {
  const value = parameter.given === 'text' ? parameter.text : parameter.value;
  if (value === null || typeof value === 'string' || typeof value === 'number') return value;
  return typeof value === 'boolean' ? Number(value) : String(value);
}

function sqlValue(value: CatalogValue, type: CatalogType | undefined): SqlValue {
  if (value === null || type === undefined) return value;
  if (type === 'bool') return Number(value) !== 0;
  if (type === 'int8' || type === 'oid') return BigInt(Math.trunc(Number(value)));
  return type === 'text' ? String(value) : Number(value);
}

/** Of a projection; none while it cannot be asked. */
export function columnsOf(session: SqlSession, name: string): readonly SqlColumn[] {
  try {
    return session.prepare(`SELECT * FROM "${name.replaceAll('"', '""')}"`).description.columns ?? [];
  } catch {
    return [];
  }
}
