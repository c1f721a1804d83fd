/** Questions to the tables of a TableWorld, carried out on this thread along a way that the test chooses. */
import { realClock } from '../../../db/io/index.ts';
import { CatalogCache } from '../../../db/sql/catalog/index.ts';
import type { SqlParameter } from '../../../db/sql/contract.ts';
import { AnswerBuilder } from '../../../db/sql/execute/answer.ts';
import { Budget } from '../../../db/sql/execute/budget.ts';
import { openQuery } from '../../../db/sql/execute/open-query.ts';
import {
  type LogEnd,
  QUERY_LIMITS,
  type Query,
  type QueryAnswer,
  type QueryLimits,
  type ReadStatement,
} from '../../../db/sql/execute/query.ts';
import { loadParser, type SqlParser } from '../../../db/sql/parse/index.ts';
import { Planner } from '../../../db/sql/plan/planner.ts';
import type { StoreReader } from '../../../db/sql/store/index.ts';
import type { Sequence } from '../../../db/types.ts';

export interface AskOptions {
  /** Way into the table; null: the planner's own. */
  readonly forced?: string | null;
  readonly parameters?: readonly SqlParameter[];
  readonly limits?: Partial<QueryLimits>;
  readonly at?: Query['at'];
  readonly end?: LogEnd | null;
}

export class Asker {
  readonly #parser: SqlParser;
  readonly #catalogs = new WeakMap<StoreReader, CatalogCache>();
  readonly #planners = new Map<string | null, Planner>();

  private constructor(parser: SqlParser) {
    this.#parser = parser;
  }

  static async open(): Promise<Asker> {
    return new Asker(await loadParser());
  }

  query(text: string, options: AskOptions = {}): Query {
    const [parsed] = this.#parser.parse(text);
    return {
      statement: parsed!.statement as ReadStatement,
      text,
      parameterTypes: Array.from({ length: parsed!.parameters }, () => null),
      parameters: options.parameters ?? [],
      at: options.at ?? 'present',
      end: options.end ?? null,
      now: 0n,
      user: 'tester',
      database: 'test',
      limits: { ...QUERY_LIMITS, ...options.limits },
      notesReads: true,
    };
  }

  ask(reader: StoreReader, text: string, options: AskOptions = {}): QueryAnswer {
    const query = this.query(text, options);
    const budget = new Budget({ limits: query.limits, clock: realClock, cancelled: () => false });
    const forced = options.forced ?? null;
    let planner = this.#planners.get(forced);
    if (planner === undefined) {
      planner = new Planner(forced);
      this.#planners.set(forced, planner);
    }
    const catalogs = this.#catalogs.get(reader) ?? new CatalogCache();
    this.#catalogs.set(reader, catalogs);
    const tools = { planner, catalogs, present: null, randomUuid: () => '' };
    return new AnswerBuilder(openQuery(reader, query, budget, tools), budget).step(() => false)!;
  }

  /** Lines of EXPLAIN. */
  explain(reader: StoreReader, text: string, options: AskOptions = {}): string[] {
    return this.ask(reader, `EXPLAIN ${text}`, options).rows.map(([line]) => String(line));
  }
}

/** A position as a number that is one. */
export function at(position: number): Sequence {
  return position as Sequence;
}
