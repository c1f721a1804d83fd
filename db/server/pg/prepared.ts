/** A statement that can be run, whoever answers it, and what it answers. */
import type { FormatCode } from './client-message.ts';
import type { MessageWriter } from './message-writer.ts';
import type { ShownColumn } from './replies.ts';

/** A value a client has bound: its bytes in one of two formats, or null. */
export interface BoundValue {
  readonly format: FormatCode;
  readonly bytes: Uint8Array | null;
}

/** By what a running statement is ended; its signal is made for who asks for it, and most do not. */
export interface Stop {
  readonly signal: AbortSignal;
}

export interface Answer {
  /** CommandComplete says it. */
  readonly tag: string;
  readonly columns: readonly ShownColumn[] | null;
  readonly rowCount: number;
  /** Writes one row whole. */
  writeRow(out: MessageWriter, row: number, formats: readonly FormatCode[]): void;
  /** To be told to the client before CommandComplete; most have none. */
  readonly notices: readonly string[];
  /** Settings that have changed. */
  readonly changed: readonly { readonly name: string; readonly value: string }[];
}

export const NO_ROWS = {
  columns: null,
  rowCount: 0,
  writeRow: () => undefined,
  notices: [],
  changed: [],
} as const;

export interface Prepared {
  readonly text: string;
  /** `tables`: the engine's, in a transaction; the others do without one. */
  readonly of: 'tables' | 'catalog' | 'session' | 'nothing';
  /** What it does to the transaction. */
  readonly control: 'begin' | 'commit' | 'rollback' | null;
  /** Makes, changes or drops what tables are: never part of a transaction here. */
  readonly defines: boolean;
  readonly parameterOids: readonly number[];
  readonly columns: readonly ShownColumn[] | null;
  /** The answer of what is over within the call; null: it is to be run. Errors: as running it. */
  atOnce(values: readonly BoundValue[]): Answer | null;
  /** Errors: what running it says. */
  run(values: readonly BoundValue[], stop: Stop): Promise<Answer>;
}
