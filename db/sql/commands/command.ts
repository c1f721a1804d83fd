/** What is asked of the tables and what is decided: the words that sessions, decide and the engine's pipeline share. */
import type { TruthError } from '../../errors.ts';
import type { DecidedEntry } from '../../kernel/index.ts';
import type { RecordedAt, Sequence, TenantId } from '../../types.ts';
import type { DeleteStatement, InsertStatement, UpdateStatement } from '../ast.ts';
import type { SqlColumn } from '../contract.ts';
import type { ReadRange } from '../execute/query.ts';
import type { StoreReader } from '../store/contract.ts';
import type { Row, SqlType, SqlValue } from '../types/index.ts';
import type { CatalogDraft } from './catalog-draft.ts';
import type { DefinitionStatement } from './define.ts';
import type { WritePlan } from './write-plan.ts';

export type WriteStatement = InsertStatement | UpdateStatement | DeleteStatement | DefinitionStatement;

interface CommandBase {
  readonly tenant: TenantId;
  /** Who acts, 1 to 128 bytes. */
  readonly actor: string;
  /** What current_database() says. */
  readonly database: string;
}

/** One statement by itself, with values for its parameters in the order of their numbers. */
export interface StatementCommand extends CommandBase {
  readonly kind: 'statement';
  readonly statement: WriteStatement;
  readonly parameters: readonly SqlValue[];
  /** Types of the parameters. */
  readonly parameterTypes: readonly SqlType[];
  /** The statement bound before, to be used as long as the table is as it was then; null where it is to be bound now. */
  readonly plan: WritePlan | null;
}

/** A row as a transaction leaves it. */
export interface WrittenRow {
  readonly key: Uint8Array;
  /** Encoded; null: deleted. */
  readonly row: Uint8Array | null;
  /** Whether there was such a row when the transaction began. */
  readonly existed: boolean;
}

/** The end of a transaction: what it read, as of the position it was pinned at, and what it leaves. */
export interface TransactionCommand extends CommandBase {
  readonly kind: 'transaction';
  readonly pin: Sequence;
  readonly reads: readonly ReadRange[];
  /** By table id, in the order in which tables were first written. */
  readonly writes: ReadonlyMap<number, readonly WrittenRow[]>;
}

/** Whatever projections need next, if anything: steps of building, what has been built answering, a refresh. */
export interface UpkeepCommand extends CommandBase {
  readonly kind: 'upkeep';
}

/** What a layer above decides: in its own words, over the same state and at the same place in the order. */
export interface OwnCommand extends CommandBase {
  readonly kind: 'own';
  /** Pure. Throws its refusal. */
  readonly decide: (draft: CatalogDraft, rows: StoreReader) => OwnDecision;
}

/** Its entries come before that of the catalog, where the draft was changed. */
export interface OwnDecision {
  readonly tag: string;
  readonly count: number;
  readonly entries: readonly {
    readonly type: number;
    readonly payload: Uint8Array;
    readonly subject: string | null;
  }[];
}

export type SqlCommand = StatementCommand | TransactionCommand | UpkeepCommand | OwnCommand;

/** The most one command may do. */
export interface CommandLimits {
  /** Rows it may write. */
  readonly rowsMax: number;
  /** Payload of one entry, in bytes. */
  readonly entryBytesMax: number;
  /** All entries of the command, in bytes as the log counts them. */
  readonly commandBytesMax: number;
  /** Bytes the log adds to a payload at most. */
  readonly entryOverheadBytes: number;
}

/** All that comes from outside; captured once, so that deciding is a function. */
export interface CommandInput {
  /** What now() says. */
  readonly recordedAt: RecordedAt;
  /** 32 bytes that nobody can foresee; what the command needs of them is derived. */
  readonly random: Uint8Array;
  readonly limits: CommandLimits;
  /** Partition key of entries about a table. */
  readonly partitionKey: (table: number) => bigint;
}

export interface CommandReply {
  /** PostgreSQL's command tag. */
  readonly tag: string;
  /** Rows written. */
  readonly count: number;
  /** What RETURNING asked for, or null. */
  readonly columns: readonly SqlColumn[] | null;
  readonly rows: readonly Row[];
}

export type SqlDecision =
  | { readonly outcome: 'accepted'; readonly entries: readonly DecidedEntry[]; readonly reply: CommandReply }
  /** Nothing is to be written. */
  | { readonly outcome: 'unchanged'; readonly reply: CommandReply }
  | { readonly outcome: 'refused'; readonly error: TruthError };

/** What a command is answered once it is durable, and readers see it. */
export interface CommandAnswer extends CommandReply {
  /** The commit it lies in, so that AS OF this position sees it; where it wrote nothing, what it was decided upon. */
  readonly position: Sequence;
}
