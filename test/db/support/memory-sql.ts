/**
 * A SqlDatabase that knows a handful of sentences: what doors are tested against where the tables do not matter.
 *
 *     ROWS n [bytes]     n rows (n integer, t text of so many bytes)      ECHO type     the parameter, as that type
 *     FAIL sqlstate      that error      WAIT      until aborted          NOTE word     noted when its transaction commits
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { TruthError } from '../../../db/errors.ts';
import { Catalog } from '../../../db/sql/catalog/catalog.ts';
import type {
  ExecuteOptions,
  SqlColumn,
  SqlDatabase,
  SqlIdentity,
  SqlParameter,
  SqlResult,
  SqlSession,
  SqlStatement,
} from '../../../db/sql/contract.ts';
import type { Row, SqlType } from '../../../db/sql/types/sql-type.ts';
import { parseText } from '../../../db/sql/types/value-text.ts';
import type { Sequence } from '../../../db/types.ts';

const TEXT: SqlType = { kind: 'text', lengthMax: null };
const TYPES: Readonly<Record<string, SqlType>> = {
  integer: { kind: 'integer' },
  bigint: { kind: 'bigint' },
  double: { kind: 'double' },
  numeric: { kind: 'decimal', precision: null, scale: null },
  text: TEXT,
  boolean: { kind: 'boolean' },
  timestamp: { kind: 'timestamp' },
  bytea: { kind: 'bytes' },
  json: { kind: 'json' },
  uuid: { kind: 'uuid' },
};

export class MemorySql implements SqlDatabase {
  /** Words of NOTE that were committed, and who said them. */
  readonly notes: { readonly word: string; readonly actor: string }[] = [];
  tables: Catalog = Catalog.EMPTY;
  /** WAITs that have begun. */
  waits = 0;

  session(identity: SqlIdentity): SqlSession {
    return new MemorySession(this, identity);
  }

  catalog(): Catalog {
    return this.tables;
  }
}

class MemorySession implements SqlSession {
  transaction: 'none' | 'open' | 'failed' = 'none';
  readonly #database: MemorySql;
  readonly #identity: SqlIdentity;
  #pending: { word: string; actor: string }[] = [];

  constructor(database: MemorySql, identity: SqlIdentity) {
    this.#database = database;
    this.#identity = identity;
  }

  prepare(text: string): SqlStatement {
    const [verb, argument = '', size] = words(text);
    if (verb === 'ECHO') return statement(text, [type(argument)], [{ name: 'echo', type: type(argument) }]);
    if (verb === 'ROWS') return statement(text, [], rowColumns(size));
    if (verb === 'WRONG')
      throw new TruthError('INVALID_ARGUMENT', 'syntax error', { sqlstate: '42601', position: 3 });
    return statement(text, [], null);
  }

  atOnce(): SqlResult | null {
    return null;
  }

  async execute(
    given: SqlStatement | string,
    parameters: readonly SqlParameter[],
    options: ExecuteOptions = {},
  ): Promise<SqlResult> {
    const text = typeof given === 'string' ? given : given.text;
    if (this.transaction === 'failed' && !/^(ROLLBACK|COMMIT)/i.test(text)) {
      throw new TruthError('INVALID_ARGUMENT', 'current transaction is aborted', { sqlstate: '25P02' });
    }
    try {
      const described = typeof given === 'string' ? this.prepare(given) : given;
      return await this.#run(text, described, parameters, options.signal);
    } catch (error) {
      if (this.transaction === 'open') this.transaction = 'failed';
      throw error;
    }
  }

  async #run(
    text: string,
    { description }: SqlStatement,
    parameters: readonly SqlParameter[],
    signal: AbortSignal | undefined,
  ): Promise<SqlResult> {
    const [verb, argument = '', size = '0'] = words(text);
    const { columns } = description;
    if (verb === 'BEGIN' || verb === 'COMMIT' || verb === 'ROLLBACK') return this.#control(verb);
    if (verb === 'ROWS') {
      const filler = 'x'.repeat(Number(size));
      const rows = Array.from({ length: Number(argument) }, (_, index): Row => [index, filler]);
      return result(`SELECT ${rows.length}`, columns, rows);
    }
    if (verb === 'ECHO')
      return result('SELECT 1', columns, [[parameterValue(parameters[0], type(argument))]]);
    if (verb === 'FAIL') throw new TruthError('INVALID_ARGUMENT', 'it failed', { sqlstate: argument });
    if (verb === 'WAIT') {
      this.#database.waits += 1;
      await sleep(60_000, undefined, { ref: false, ...(signal === undefined ? {} : { signal }) });
    }
    if (verb === 'NOTE') this.#pending.push({ word: argument, actor: this.#identity.actor });
    if (this.transaction === 'none') this.#commit();
    return result('INSERT 0 1', null, []);
  }

  #control(verb: 'BEGIN' | 'COMMIT' | 'ROLLBACK'): SqlResult {
    const failed = this.transaction === 'failed';
    if (verb === 'BEGIN') this.transaction = 'open';
    else {
      if (verb === 'COMMIT' && !failed) this.#commit();
      this.transaction = 'none';
      this.#pending = [];
    }
    return result(failed && verb === 'COMMIT' ? 'ROLLBACK' : verb, null, []);
  }

  #commit(): void {
    this.#database.notes.push(...this.#pending);
    this.#pending = [];
  }

  split(text: string): readonly string[] {
    return text.split(';').filter((part) => part.trim() !== '');
  }

  close(): void {
    this.transaction = 'none';
    this.#pending = [];
  }
}

function words(text: string): string[] {
  const [verb = '', ...rest] = text.trim().split(/\s+/);
  return [verb.toUpperCase(), ...rest];
}

function type(name: string): SqlType {
  return TYPES[name] ?? TEXT;
}

function rowColumns(size: string | undefined): readonly SqlColumn[] {
  const filler = size === undefined ? 'filler' : 't';
  return [
    { name: 'n', type: { kind: 'integer' } },
    { name: filler, type: TEXT },
  ];
}

function statement(
  text: string,
  parameters: readonly SqlType[],
  columns: readonly SqlColumn[] | null,
): SqlStatement {
  return { text, description: { parameters, columns } };
}

function parameterValue(parameter: SqlParameter | undefined, of: SqlType) {
  if (parameter === undefined) return null;
  if (parameter.given === 'value') return parameter.value;
  return parameter.text === null ? null : parseText(of, parameter.text);
}

function result(tag: string, columns: readonly SqlColumn[] | null, rows: readonly Row[]): SqlResult {
  return { tag, columns, rows, count: rows.length, position: 1 as Sequence };
}
