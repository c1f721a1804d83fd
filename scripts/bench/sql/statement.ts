/** A prepared statement that a load repeats: its text, and parameters of which the first is a key that differs each time. */

export interface LoadStatement {
  readonly text: string;
  /** Behind the key, `$2` and so on. */
  readonly others: readonly (string | bigint)[];
  /** The key of the next request: a bigint, as a number. */
  readonly nextKey: () => number;
  /** Rows each answer must have: an answer without them would be fast and worth nothing. */
  readonly rows: number;
}

/** Stands for the key in a request that is made once; found there by its bytes. */
export const KEY_MARK = 0x1badb002_0ddba11en;

export function wrongRows(who: string, { text, rows }: LoadStatement, got: number): Error {
  return new Error(`${who} answered ${got} rows instead of ${rows}: ${text}`);
}
