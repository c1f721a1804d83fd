/**
 * PostgreSQL's implicit transactions over a session that has only explicit ones: several statements sent as one text, or
 * between two Syncs, stand or fall together. One alone is its own transaction and needs none around it.
 */
import { TruthError } from '../../errors.ts';
import type { SqlSession } from '../../sql/contract.ts';
import type { Prepared } from './prepared.ts';
import type { TransactionState } from './replies.ts';

export class ImplicitTransaction {
  readonly #session: SqlSession;
  #open = false;

  constructor(session: SqlSession) {
    this.#session = session;
  }

  get state(): TransactionState {
    return this.#session.transaction;
  }

  /** Whether a statement is one that `before` does nothing for. */
  isAlone({ control, of, defines }: Pick<Prepared, 'control' | 'of' | 'defines'>, alone: boolean): boolean {
    if (control !== null || defines || this.state === 'failed') return false;
    return alone || of !== 'tables' || this.state === 'open';
  }

  /** Begun here, and to be ended here. */
  get isOpen(): boolean {
    return this.#open;
  }

  /**
   * To be awaited before a statement runs. `alone`: nothing belongs to it. Returns what runs instead of it, if anything does.
   * Errors: INVALID_ARGUMENT (25P02).
   */
  async before(
    { control, of, defines }: Pick<Prepared, 'control' | 'of' | 'defines'>,
    alone: boolean,
  ): Promise<'run' | 'done'> {
    if (this.state === 'failed' && control !== 'rollback' && control !== 'commit') {
      throw transactionAborted();
    }
    if (control === 'begin' && this.#open) {
      // What was begun for the client is the client's from here on.
      this.#open = false;
      return 'done';
    }
    if (control !== null) this.#open = false;
    else if (defines) await this.commit();
    else if (!alone && of === 'tables' && this.state === 'none') {
      await this.#session.execute('BEGIN', []);
      this.#open = true;
    }
    return 'run';
  }

  /** The text, or what lies between two Syncs, is over: keeps what it did. Errors: what COMMIT says. */
  async commit(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await this.#session.execute(this.state === 'failed' ? 'ROLLBACK' : 'COMMIT', []);
  }

  /** One of its statements failed: forgets what it did. */
  async rollback(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await this.#session.execute('ROLLBACK', []);
  }
}

/** Everything but its end is refused in a transaction in which a statement has failed. */
export function transactionAborted(): TruthError {
  return new TruthError(
    'INVALID_ARGUMENT',
    'current transaction is aborted, commands are ignored until end of transaction block: send ROLLBACK',
    { sqlstate: '25P02' },
  );
}
