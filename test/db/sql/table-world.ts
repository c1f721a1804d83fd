/** Tables without a log: commands are decided, and what they decided is applied, one after the other on this thread. */
import { TruthError } from '../../../db/errors.ts';
import { realClock, realScheduler } from '../../../db/io/index.ts';
import type { ViewCommit } from '../../../db/materializer/index.ts';
import type { CommandInput, CommandReply, WriteStatement } from '../../../db/sql/commands/command.ts';
import { decideSql } from '../../../db/sql/commands/decide.ts';
import { planWrite } from '../../../db/sql/commands/plan-write.ts';
import { QUERY_LIMITS } from '../../../db/sql/execute/query.ts';
import { loadParser, type SqlParser } from '../../../db/sql/parse/index.ts';
import { Queries } from '../../../db/sql/pool/index.ts';
import type { Space } from '../../../db/sql/store/contract.ts';
import { formatText, type Row, type SqlType } from '../../../db/sql/types/index.ts';
import { SqlView } from '../../../db/sql/view.ts';
import type { CommitOrdinal, Epoch, RecordedAt, Sequence } from '../../../db/types.ts';
import { TENANT_DEFAULT } from '../../../db/types.ts';
import type { LogEntry } from '../../../db/wal/log.ts';

const LOG_ID = new Uint8Array(16).fill(7);
export const LIMITS = {
  rowsMax: 10_000,
  entryBytesMax: 1 << 20,
  commandBytesMax: 1 << 22,
  entryOverheadBytes: 63,
};

export type Outcome =
  | (CommandReply & { readonly error: null })
  | {
      readonly error: {
        readonly sqlstate: string;
        readonly message: string;
        readonly detail: string | null;
        readonly constraint: string | null;
      };
    };

export class TableWorld {
  readonly view = liveView();
  /** What the log would have. */
  readonly commits: ViewCommit[] = [];
  readonly #parser: SqlParser;
  readonly #queries = new Queries({
    clock: realClock,
    scheduler: realScheduler,
    threads: 1,
    waitingMax: 1,
    randomUuid: () => '00000000-0000-4000-8000-000000000000',
  });
  #entries: LogEntry[] = [];
  #sequence = 0;
  limits = LIMITS;
  #commands = 0;

  private constructor(parser: SqlParser) {
    this.#parser = parser;
    this.view.caughtUp();
  }

  static async open(): Promise<TableWorld> {
    return new TableWorld(await loadParser());
  }

  /** One statement as a command and a commit of its own. */
  write(text: string): Outcome {
    const outcome = this.attempt(text);
    this.endCommit();
    return outcome;
  }

  /** As `decide`; what the parser refuses is an outcome too. */
  attempt(text: string): Outcome {
    try {
      return this.decide(text);
    } catch (error) {
      return { error: errorOf(error) };
    }
  }

  /** Decides a statement and stages what it decided. */
  decide(text: string): Outcome {
    const [parsed] = this.#parser.parse(text);
    const statement = parsed!.statement as WriteStatement;
    this.#commands += 1;
    const recordedAt = 1_700_000_000_000_000_000n + BigInt(this.#commands) * 1_000_000n;
    const input: CommandInput = {
      recordedAt: recordedAt as RecordedAt,
      random: new Uint8Array(32).fill(this.#commands),
      limits: this.limits,
      partitionKey: (table) => BigInt(table),
    };
    const state = this.view.writer(TENANT_DEFAULT);
    const decision = decideSql(
      state,
      {
        kind: 'statement',
        tenant: TENANT_DEFAULT,
        actor: 'tester',
        database: 'test',
        statement,
        parameters: [],
        parameterTypes: [],
        plan: null,
      },
      input,
    );
    if (decision.outcome === 'refused') return { error: errorOf(decision.error) };
    if (decision.outcome === 'accepted') {
      for (const entry of decision.entries) {
        entry.sequence = ++this.#sequence as Sequence;
        this.#entries.push(entry);
      }
      this.view.stage(TENANT_DEFAULT, decision.entries);
    }
    return { ...decision.reply, error: null };
  }

  /** What was staged since the last one is a commit of the log, and stable: the view is told, and readers see it. */
  endCommit(): void {
    if (this.#entries.length === 0) return;
    const ordinal = this.commits.length + 1;
    const commit: ViewCommit = {
      ordinal: ordinal as CommitOrdinal,
      epoch: 1 as Epoch,
      recordedAt: (1_700_000_000_000_000_000n + BigInt(ordinal) * 1_000_000_000n) as RecordedAt,
      sequence: ++this.#sequence as Sequence,
      entries: this.#entries,
    };
    this.#entries = [];
    this.commits.push(commit);
    this.view.onCommit(commit);
  }

  /** Rows as PostgreSQL prints them; a refusal's sqlstate. */
  async read(text: string): Promise<{ rows: (string | null)[][]; sqlstate: string | null }> {
    const [parsed] = this.#parser.parse(text);
    try {
      const answer = await this.#queries.run(
        {
          path: null,
          snapshot: () => this.view.snapshot(TENANT_DEFAULT),
          glance: () => this.view.glance(TENANT_DEFAULT),
          catalog: () => this.view.catalog(TENANT_DEFAULT),
          catalogs: this.view.catalogs(TENANT_DEFAULT),
        },
        {
          statement: parsed!.statement as never,
          text,
          parameterTypes: [],
          parameters: [],
          at: 'present',
          end: this.commits.at(-1) ?? null,
          now: 0n,
          user: 'tester',
          database: 'test',
          limits: QUERY_LIMITS,
          notesReads: false,
        },
      );
      return { rows: textRows(answer.rows, answer.columns?.map(({ type }) => type) ?? []), sqlstate: null };
    } catch (error) {
      return { rows: [], sqlstate: errorOf(error).sqlstate };
    }
  }

  /** What a statement wants as parameters. */
  parameterTypes(text: string): readonly SqlType[] {
    const [parsed] = this.#parser.parse(text);
    const given = Array.from({ length: parsed!.parameters }, () => null);
    return planWrite(parsed!.statement as never, this.view.catalog(TENANT_DEFAULT), given).parameterTypes;
  }
}

export function textRows(rows: readonly Row[], types: readonly SqlType[]): (string | null)[][] {
  return rows.map((row) =>
    row.map((value, place) => (value === null ? null : formatText(types[place]!, value))),
  );
}

function errorOf(error: unknown): Extract<Outcome, { error: object }>['error'] {
  if (!(error instanceof TruthError)) throw error;
  const { sqlstate, detail, constraint } = error.details;
  return {
    sqlstate: String(sqlstate ?? ''),
    message: error.message,
    detail: detail === undefined ? null : String(detail),
    constraint: constraint === undefined ? null : String(constraint),
  };
}

/** All that is current, whatever it is and when it was written. */
export function contentOf(view: SqlView): string[] {
  const snapshot = view.snapshot(TENANT_DEFAULT);
  const all = { range: { from: null, to: null }, reverse: false, limit: null };
  const tables = view.catalog(TENANT_DEFAULT).tables;
  const spaces = [
    0,
    ...tables.flatMap(({ space, indexes }) => [space, ...indexes.map((index) => index.space)]),
  ];
  const content = spaces.flatMap((space) =>
    [...snapshot.scan(space as Space, all)].map(({ key, value }) => {
      // Positions are those of the log.
      const text = Buffer.from(value)
        .toString('latin1')
        .replace(/"createdAt":\d+/g, '');
      return `${space} ${Buffer.from(key).toString('hex')} ${text}`;
    }),
  );
  snapshot.close();
  return content;
}

/** A view that is given commits and has never staged anything: what replay makes. */
export function replayed(commits: readonly ViewCommit[]): SqlView {
  const view = new SqlView({ logId: LOG_ID, folder: null });
  for (const commit of commits) view.onCommit(commit);
  view.caughtUp();
  view.caughtUp();
  return view;
}

function liveView(): SqlView {
  const view = new SqlView({ logId: LOG_ID, folder: null });
  view.caughtUp();
  return view;
}
