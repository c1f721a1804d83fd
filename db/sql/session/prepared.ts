/** Statements that have been read and bound, and are bound again when the tables have changed. */
import type { ParsedStatement, Statement } from '../ast.ts';
import type { Catalog } from '../catalog/index.ts';
import { type PlannedWrite, planWrite, type RowStatement } from '../commands/plan-write.ts';
import { refusal } from '../commands/refusals.ts';
import type { SqlDescription, SqlStatement } from '../contract.ts';
import { type DescribedTables, describeQuery } from '../execute/describe.ts';
import type { ReadStatement } from '../execute/query.ts';
import type { SqlType } from '../types/index.ts';
import { readStatements } from './parser.ts';

const TEXT: SqlType = Object.freeze({ kind: 'text', lengthMax: null });

export class Prepared implements SqlStatement {
  readonly text: string;
  readonly parsed: ParsedStatement;
  /** Null where the statement's places decide. */
  readonly given: readonly (SqlType | null)[];
  #catalog: Catalog | null = null;
  #planned: PlannedWrite | null = null;
  #description: SqlDescription | null = null;

  constructor(parsed: ParsedStatement, given: readonly (SqlType | null)[]) {
    this.text = parsed.text;
    this.parsed = parsed;
    this.given = Array.from({ length: parsed.parameters }, (_, index) => given[index] ?? null);
  }

  get statement(): Statement {
    return this.parsed.statement;
  }

  get description(): SqlDescription {
    if (this.#description === null) throw new Error('a statement was described before it was bound');
    return this.#description;
  }

  /** Errors: names, types, as binding says them. */
  describe(tables: DescribedTables): void {
    const catalog = tables.present;
    if (this.#description !== null && this.#catalog === catalog) return;
    this.#description = this.#described(tables);
    this.#catalog = catalog;
  }

  /** The statement bound to the tables as they are. Only for INSERT, UPDATE, DELETE. */
  planned(catalog: Catalog): PlannedWrite {
    if (this.#planned === null || catalog.table(this.#planned.plan.table.name) !== this.#planned.plan.table)
      this.#planned = planWrite(this.statement as RowStatement, catalog, this.given);
    return this.#planned;
  }

  #described(tables: DescribedTables): SqlDescription {
    const { statement } = this;
    switch (statement.statement) {
      case 'select':
      case 'diff':
      case 'explain':
        return describeQuery(statement as ReadStatement, this.text, tables, this.given);
      case 'insert':
      case 'update':
      case 'delete': {
        const { plan, parameterTypes } = this.planned(tables.present);
        return { parameters: parameterTypes, columns: plan.columns };
      }
      case 'show':
        return { parameters: [], columns: [{ name: statement.name, type: TEXT }] };
      default:
        return { parameters: [], columns: null };
    }
  }
}

/** One statement of a text. Errors: 42601 for several. */
export function preparedOne(text: string, given: readonly (SqlType | null)[]): Prepared {
  const statements = readStatements(text);
  const [statement] = statements;
  if (statements.length > 1)
    throw refusal(
      '42601',
      'cannot insert multiple commands into a prepared statement: prepare each by itself',
    );
  if (statement === undefined) throw refusal('42601', 'there is no statement in the text');
  return new Prepared(statement, given);
}
