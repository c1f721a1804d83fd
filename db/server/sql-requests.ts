/**
 * What one connection of the wire protocol asks of the tables: statements it has prepared, sessions it has begun, results on
 * their way. All of it is bounded, and gone with the connection.
 */
import { TruthError } from '../errors.ts';
import {
  type ByteReader,
  decodeSqlClose,
  decodeSqlExecute,
  decodeSqlPrepare,
  encodeSqlPrepared,
  encodeSqlResult,
  KIND,
  PROTOCOL_VERSION_NOTICES,
  SQL_SESSIONS_MAX,
  SQL_STATEMENTS_MAX,
  type SqlExecute,
} from '../protocol/index.ts';
import type { SqlIdentity, SqlResult, SqlSession, SqlStatement } from '../sql/contract.ts';
import { textAsOf } from './as-of.ts';
import type { Outbox } from './outbox.ts';
import type { Principal, SessionHost } from './session-host.ts';
import { sqlIdentity } from './sql-identity.ts';

export interface SqlReplies {
  /** Called after each frame written to the outbox. */
  readonly answered: () => void;
  readonly refuse: (request: number, error: unknown) => void;
}

/** A result of which frames are left. */
interface Sending {
  readonly request: number;
  readonly result: SqlResult;
  next: number;
}

/** Sessions of statements that are their own transactions, kept for the next ones. */
const IDLE_MAX = 64;

export class SqlRequests {
  readonly #host: SessionHost;
  readonly #principal: Principal;
  /** Whether the client knows what notices are. */
  readonly #notices: boolean;
  readonly #out: Outbox;
  readonly #replies: SqlReplies;
  readonly #statements = new Map<number, SqlStatement>();
  readonly #sessions = new Map<number, SqlSession>();
  readonly #idle: SqlSession[] = [];
  readonly #running = new Map<number, AbortController>();
  readonly #sending: Sending[] = [];
  #identity: SqlIdentity | null = null;
  #closed = false;

  constructor(
    host: SessionHost,
    { principal, version }: { readonly principal: Principal; readonly version: number },
    out: Outbox,
    replies: SqlReplies,
  ) {
    this.#host = host;
    this.#principal = principal;
    this.#notices = version >= PROTOCOL_VERSION_NOTICES;
    this.#out = out;
    this.#replies = replies;
  }

  /** Statements that are not answered, or not wholly. */
  get inFlight(): number {
    return this.#running.size + this.#sending.length;
  }

  /** Whether a result waits for the client to take it: then no more is begun. */
  get isSending(): boolean {
    return this.#sending.length > 0;
  }

  /** False: the kind is none of SQL. Errors: PROTOCOL; what is wrong with a statement is answered. */
  handle(kind: number, request: number, body: ByteReader): boolean {
    if (kind === KIND.SQL_EXECUTE) this.#execute(request, decodeSqlExecute(body));
    else if (kind === KIND.SQL_PREPARE) this.#prepare(request, body);
    else if (kind === KIND.SQL_CLOSE) this.#close(body);
    else return false;
    return true;
  }

  #prepare(request: number, body: ByteReader): void {
    const { statement, text } = decodeSqlPrepare(body);
    this.#tried(request, () => {
      if (this.#statements.size >= SQL_STATEMENTS_MAX && !this.#statements.has(statement)) {
        throw tooMany(`${SQL_STATEMENTS_MAX} prepared statements`);
      }
      const session = this.#borrow();
      const prepared = session.prepare(text);
      this.#giveBack(session);
      this.#statements.set(statement, prepared);
      encodeSqlPrepared(this.#out.writer, request, prepared.description);
      this.#replies.answered();
    });
  }

  #execute(request: number, execute: SqlExecute): void {
    if (this.#running.has(request)) {
      throw new TruthError(
        'PROTOCOL',
        `a statement with the request id ${request} is still being carried out`,
      );
    }
    this.#tried(request, () => {
      if (this.#host.counters.outgoingBytes > this.#host.limits.outgoingBytesMax) {
        throw new TruthError('BUSY', 'too many bytes wait for slow readers of this server; try again later', {
          retryAfterMillis: 1000,
        });
      }
      const what = this.#statementOf(execute);
      const session = execute.session === 0 ? this.#borrow() : this.#session(execute.session);
      const startedAt = performance.now();
      const answer = typeof what === 'string' ? null : session.atOnce(what, execute.parameters);
      if (answer !== null) {
        if (execute.session === 0) this.#giveBack(session);
        this.#answer(request, answer, startedAt);
        return;
      }
      const stop = new AbortController();
      this.#running.set(request, stop);
      session
        .execute(what, execute.parameters, { signal: stop.signal })
        .then(
          (result) => this.#answer(request, result, startedAt),
          (error) => this.#failed(request, stop.signal.aborted ? cancelled() : error),
        )
        .finally(() => {
          if (execute.session === 0) this.#giveBack(session);
        });
    });
  }

  #statementOf({ statement, at }: SqlExecute): SqlStatement | string {
    if (typeof statement === 'string') return textAsOf(statement, at);
    const prepared = this.#statements.get(statement);
    if (prepared !== undefined) return prepared;
    throw new TruthError('INVALID_ARGUMENT', `there is no prepared statement ${statement}`, {
      sqlstate: '26000',
    });
  }

  #answer(request: number, result: SqlResult, startedAt: number): void {
    this.#running.delete(request);
    if (this.#closed) return;
    this.#host.counters.sqlAnswered(result.tag, performance.now() - startedAt);
    const known = this.#notices || result.notices === undefined ? result : { ...result, notices: undefined };
    this.#sending.push({ request, result: known, next: 0 });
    this.wake();
  }

  #failed(request: number, error: unknown): void {
    this.#running.delete(request);
    if (!this.#closed) this.#replies.refuse(request, error);
  }

  /** Sends on, as much as there is room for. */
  wake(): void {
    while (this.#sending.length > 0 && !this.#out.congested) {
      const sending = this.#sending[0] as Sending;
      const next = encodeSqlResult(this.#out.writer, sending.request, sending.result, sending.next);
      if (next === null) this.#sending.shift();
      else sending.next = next;
      this.#replies.answered();
      // Frames of other requests get their turn, and what was written leaves.
      if (next !== null) this.#out.flush();
    }
  }

  cancel(request: number): boolean {
    const running = this.#running.get(request);
    running?.abort();
    return running !== undefined;
  }

  #close(body: ByteReader): void {
    const { what, number } = decodeSqlClose(body);
    if (what === 'statement') {
      this.#statements.delete(number);
      return;
    }
    this.#sessions.get(number)?.close();
    this.#sessions.delete(number);
  }

  #session(number: number): SqlSession {
    const known = this.#sessions.get(number);
    if (known !== undefined) return known;
    if (this.#sessions.size >= SQL_SESSIONS_MAX) throw tooMany(`${SQL_SESSIONS_MAX} sessions`);
    const session = this.#newSession();
    this.#sessions.set(number, session);
    return session;
  }

  #borrow(): SqlSession {
    return this.#idle.pop() ?? this.#newSession();
  }

  /** One in which somebody has left a transaction open is not used again. */
  #giveBack(session: SqlSession): void {
    if (this.#closed || this.#idle.length >= IDLE_MAX || session.transaction !== 'none') session.close();
    else this.#idle.push(session);
  }

  #newSession(): SqlSession {
    this.#identity ??= sqlIdentity(this.#principal);
    return this.#host.sql.session(this.#identity);
  }

  #tried(request: number, run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#replies.refuse(request, error);
    }
  }

  /** The connection is gone: nothing is answered any more, and what is open is undone. */
  end(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const running of this.#running.values()) running.abort();
    for (const session of [...this.#sessions.values(), ...this.#idle]) session.close();
    this.#sending.length = 0;
    this.#sessions.clear();
    this.#idle.length = 0;
  }
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

function cancelled(): TruthError {
  return new TruthError('TIMEOUT', 'the statement was cancelled', { sqlstate: '57014' });
}
