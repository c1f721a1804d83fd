/** Decides who carries out a statement: the engine, the catalog or the connection itself. */
import type { SqlSession } from '../../sql/contract.ts';
import type { Grammar } from '../../sql/parse/grammar.ts';
import { type StatementSource, statementsOf } from '../../sql/parse/statements.ts';
import { sqlError } from '../../sql/types/sql-error.ts';
import { aboutCatalog, type CatalogAsker, mayBeAboutCatalog, prepareCatalog } from './catalog/index.ts';
import { listOf, nodeOf, type ParseNode } from './catalog/parse-node.ts';
import { type Answer, NO_ROWS, type Prepared, type Stop } from './prepared.ts';
import { type Connection, isAboutSession, prepareSession } from './session-statement.ts';
import { prepareTables, runTables } from './table-statement.ts';

export interface StatementMakerOptions {
  readonly session: SqlSession;
  readonly grammar: Grammar;
  readonly connection: Connection;
  readonly asker: CatalogAsker;
}

const CONTROLS: Readonly<Record<string, Prepared['control']>> = {
  begin: 'begin',
  start: 'begin',
  commit: 'commit',
  end: 'commit',
  rollback: 'rollback',
  abort: 'rollback',
};
const DEFINITIONS = new Set(['create', 'alter', 'drop']);
const READS = new Set(['select', 'with', 'values', 'table']);

/** One statement of a text, and what it does to the transaction, before it is prepared. */
export interface Statement {
  readonly text: string;
  /** What of the client's text lies before it. */
  readonly before: string;
  readonly control: Prepared['control'];
  readonly defines: boolean;
  readonly firstWord: string;
}

export class StatementMaker {
  readonly #options: StatementMakerOptions;

  constructor(options: StatementMakerOptions) {
    this.#options = options;
  }

  /** Statements of a text. Errors: TOO_LARGE (54000, 54001), INVALID_ARGUMENT (42601). */
  split(text: string): readonly Statement[] {
    return statementsOf(text).map((source) => statementOf(source));
  }

  /** `parameterTypes`: oids, 0 where they are open. Errors: INVALID_ARGUMENT, TOO_LARGE. */
  prepare(statement: Statement, parameterTypes: readonly number[]): Prepared {
    const { session } = this.#options;
    return this.#elsewhere(statement, parameterTypes) ?? prepareTables(session, statement, parameterTypes);
  }

  /** As it is, without parameters. */
  run(statement: Statement, stop: Stop): Promise<Answer> {
    const elsewhere = this.#elsewhere(statement, []);
    if (elsewhere !== null) return elsewhere.run([], stop);
    return runTables(this.#options.session, statement.text, stop);
  }

  /** Whether running it would change or read tables. */
  isOfTables(statement: Statement): boolean {
    return !isAboutSession(statement.firstWord) && this.#catalogSelect(statement) === null;
  }

  #elsewhere(statement: Statement, parameterTypes: readonly number[]): Prepared | null {
    const { firstWord, text } = statement;
    if (firstWord === 'copy') {
      throw sqlError('0A000', 'COPY is not possible here: write INSERT with many rows, and read with SELECT');
    }
    if (isAboutSession(firstWord)) return prepareSession(this.#parse(text), text, this.#options.connection);
    const select = this.#catalogSelect(statement);
    return select === null ? null : prepareCatalog(select, text, parameterTypes, this.#options.asker);
  }

  #catalogSelect({ firstWord, text }: Statement): ParseNode | null {
    if (!READS.has(firstWord) || !mayBeAboutCatalog(text)) return null;
    return aboutCatalog(this.#options.grammar, text, this.#options.asker.catalog);
  }

  #parse(text: string): ParseNode {
    const answer = this.#options.grammar.parse(text);
    if (!('tree' in answer)) throw sqlError('42601', answer.problem, Math.max(0, answer.character - 1));
    const [first] = listOf(answer.tree['stmts']);
    return nodeOf((first as { stmt?: unknown } | undefined)?.stmt) ?? { kind: '', fields: {} };
  }
}

function statementOf({ text, start, end, tokens }: StatementSource): Statement {
  const firstWord = tokens[0]?.word ?? '';
  return {
    text: text.slice(start, end),
    before: text.slice(0, start),
    control: CONTROLS[firstWord] ?? null,
    defines: DEFINITIONS.has(firstWord),
    firstWord,
  };
}

/** For a text with nothing in it. */
export const EMPTY: Prepared = {
  text: '',
  of: 'nothing',
  control: null,
  defines: false,
  parameterOids: [],
  columns: null,
  atOnce: () => null,
  run: async () => ({ ...NO_ROWS, tag: '' }),
};
