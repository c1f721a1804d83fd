/** The parser everybody uses: loaded once, then synchronous. */
import { TruthError } from '../../errors.ts';
import type { ParsedStatement } from '../ast.ts';
import { type Grammar, loadGrammar } from './grammar.ts';
import { deepNesting, NESTING_MAX } from './nesting.ts';
import { RecentTexts } from './recent-texts.ts';
import { parseStatement } from './statement.ts';
import { type StatementSource, statementsOf } from './statements.ts';

export interface SqlParser {
  /**
   * Statements of a text, frozen; none for one that is empty or only comments. The same text soon again gives the same
   * objects. Errors, with `details.sqlstate` and the place as `line`, `column`, `position`: INVALID_ARGUMENT (42601 is no SQL,
   * 0A000 not ours), TOO_LARGE (54000 size, 54001 nesting).
   */
  parse(text: string): readonly ParsedStatement[];
  /** The same statements as text, without looking into them. Errors: what ends nowhere (42601), TOO_LARGE. */
  split(text: string): readonly string[];
}

/** Takes some 50 ms the first time in a thread: call it when SQL is first used. */
export async function loadParser(): Promise<SqlParser> {
  parser ??= new PostgresSqlParser(await loadGrammar());
  return parser;
}

/** One for all in a thread, so that the texts it knows serve everybody. */
let parser: SqlParser | null = null;

class PostgresSqlParser implements SqlParser {
  readonly #grammar: Grammar;
  readonly #recent = new RecentTexts();

  constructor(grammar: Grammar) {
    this.#grammar = grammar;
  }

  parse(text: string): readonly ParsedStatement[] {
    const known = this.#recent.get(text);
    if (known !== undefined) return known;
    const statements = typed(() =>
      Object.freeze(statementsOf(text).map((source) => this.#statement(source))),
    );
    this.#recent.set(text, statements);
    return statements;
  }

  split(text: string): readonly string[] {
    return typed(() => statementsOf(text).map(({ start, end }) => text.slice(start, end)));
  }

  #statement(source: StatementSource): ParsedStatement {
    const { statement, parameters } = parseStatement(this.#grammar, source);
    freeze(source, statement, 0);
    const text = source.text.slice(source.start, source.end);
    return Object.freeze({ statement, parameters, text, at: source.start });
  }
}

/** Nothing leaves the parser but what callers know how to show. */
function typed<Result>(parse: () => Result): Result {
  try {
    return parse();
  } catch (error) {
    if (error instanceof TruthError) throw error;
    const stack = error instanceof RangeError;
    throw new TruthError(
      stack ? 'TOO_LARGE' : 'INTERNAL',
      stack
        ? 'the statement needs more stack than there is; split it into smaller ones'
        : 'the parser failed on this statement; write it another way and report it',
      { sqlstate: stack ? '54001' : 'XX000' },
      { cause: error },
    );
  }
}

/**
 * Statements are shared: whoever has one may keep it. On the way it is seen that nothing nests deeper than it may, as
 * joins, or chains of AND within chains of OR, could. Errors: 54001.
 */
function freeze(source: StatementSource, value: object, depth: number): void {
  const { node, from, at } = value as {
    readonly node?: string;
    readonly from?: unknown;
    readonly at?: number;
  };
  const level = node !== undefined || typeof from === 'string' ? depth + 1 : depth;
  if (level > NESTING_MAX) throw deepNesting(source.text, source.start + (at ?? 0));
  for (const inner of Object.values(value)) {
    if (typeof inner === 'object' && inner !== null) freeze(source, inner, level);
  }
  Object.freeze(value);
}
