/** What a connection has prepared and bound, by name. Both are bounded; what has no name is replaced by the next. */
import { TruthError } from '../../errors.ts';
import type { FormatCode } from './client-message.ts';
import { PORTALS_MAX, STATEMENTS_MAX } from './constants.ts';
import type { Answer, BoundValue, Prepared } from './prepared.ts';

export interface Portal {
  readonly prepared: Prepared;
  readonly values: readonly BoundValue[];
  readonly formats: readonly FormatCode[];
  /** Null before it has run. */
  answer: Answer | null;
  /** Rows that have been sent. */
  sent: number;
}

/** Portals of one connection that hold an answer of which rows are left. */
const SUSPENDED_MAX = 16;

export class Portals {
  readonly #statements = new Map<string, Prepared>();
  readonly #portals = new Map<string, Portal>();

  /** Errors: INVALID_ARGUMENT (42P05), TOO_LARGE. */
  addStatement(name: string, prepared: Prepared): void {
    if (name !== '' && this.#statements.has(name)) {
      throw refused('42P05', `prepared statement "${name}" already exists; close it first`);
    }
    if (name !== '' && this.#statements.size >= STATEMENTS_MAX) {
      throw tooMany(`${STATEMENTS_MAX} prepared statements`);
    }
    this.#statements.set(name, prepared);
  }

  /** Errors: INVALID_ARGUMENT (26000). */
  statement(name: string): Prepared {
    const found = this.#statements.get(name);
    if (found !== undefined) return found;
    throw refused(
      '26000',
      name === '' ? 'there is no unnamed prepared statement' : `prepared statement "${name}" does not exist`,
    );
  }

  /** Closing what is not there is no error. */
  closeStatement(name: string): void {
    const found = this.#statements.get(name);
    this.#statements.delete(name);
    for (const [portal, { prepared }] of this.#portals) if (prepared === found) this.#portals.delete(portal);
  }

  closeStatements(): void {
    this.#statements.clear();
    this.#portals.clear();
  }

  /** Errors: INVALID_ARGUMENT (42P03), TOO_LARGE. */
  addPortal(name: string, portal: Portal): void {
    if (name !== '' && this.#portals.has(name)) {
      throw refused('42P03', `cursor "${name}" already exists; close it first`);
    }
    if (name !== '' && this.#portals.size >= PORTALS_MAX) throw tooMany(`${PORTALS_MAX} portals`);
    this.#portals.set(name, portal);
  }

  /** Errors: INVALID_ARGUMENT (34000). */
  portal(name: string): Portal {
    const found = this.#portals.get(name);
    if (found !== undefined) return found;
    throw refused('34000', name === '' ? 'there is no unnamed portal' : `portal "${name}" does not exist`);
  }

  /** Errors: TOO_LARGE, when too many answers would be held. */
  checkSuspended(): void {
    let held = 0;
    for (const { answer, sent } of this.#portals.values())
      if (answer !== null && sent < answer.rowCount) held += 1;
    if (held > SUSPENDED_MAX) throw tooMany(`${SUSPENDED_MAX} portals with rows left`);
  }

  closePortal(name: string): void {
    this.#portals.delete(name);
  }

  /** At the end of a transaction none is left. */
  closePortals(): void {
    this.#portals.clear();
  }
}

function refused(sqlstate: string, message: string): TruthError {
  return new TruthError('INVALID_ARGUMENT', message, { sqlstate });
}

function tooMany(what: string): TruthError {
  return new TruthError(
    'TOO_LARGE',
    `a connection may have ${what}; close some, or open another connection`,
    {
      sqlstate: '54000',
    },
  );
}
