/** What is imported, one by one, whatever it was read from. */
import type { NewEdge, NewEntity, NewSignal } from '../client/index.ts';
import { TruthError } from '../errors.ts';

export type ImportedRow = {
  /** First line of it, from 1, and last. */
  readonly line: number;
  readonly end: number;
} & (RowContent | { readonly row: 'problem'; readonly problem: TruthError });

export type RowContent =
  | { readonly row: 'entity'; readonly entity: NewEntity | DeletedEntity }
  | { readonly row: 'signal'; readonly signal: NewSignal }
  | { readonly row: 'edge'; readonly edge: NewEdge }
  /** A statement that defines something. */
  | { readonly row: 'define'; readonly statement: string };

export interface DeletedEntity {
  readonly kind: string;
  readonly key: string;
  readonly delete: true;
}

/** What a row is called, and what a signal without an id is known by. */
export interface RowPlace {
  readonly where: string;
  readonly id: string;
}

/** Errors: INVALID_ARGUMENT. */
export function jsonOf(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new TruthError(
      'INVALID_ARGUMENT',
      `${where} is no JSON: ${(cause as Error).message}`,
      {},
      { cause },
    );
  }
}

export function defined<T extends object>(of: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(of).filter(([, each]) => each !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
