/** SQL over a link: statements, prepared as they are used, and transactions, repeated when others were in their way. */
import { setTimeout as sleep } from 'node:timers/promises';
import { TruthError } from '../errors.ts';
import {
  type AsOfMoment,
  type ByteReader,
  decodeSqlPrepared,
  decodeSqlResult,
  encodeEmpty,
  encodeSqlClose,
  encodeSqlExecute,
  encodeSqlPrepare,
  KIND,
  PROTOCOL_VERSION_SQL,
} from '../protocol/index.ts';
import type { SqlColumn, SqlParameter } from '../sql/contract.ts';
import type { Row } from '../sql/types/sql-type.ts';
import type { Link } from './link.ts';
import { type DoneStatement, QueryResult } from './query-result.ts';
import { parameterOf, type SqlInput, templateText } from './sql-values.ts';

export interface QueryOptions {
  /** Ends the statement on the server too. */
  readonly signal?: AbortSignal;
  /** How long it may take. Default: as the client was told. */
  readonly timeoutMillis?: number;
}

export interface TransactionOptions {
  /** How often it is begun, at most, when others changed what it read (SQLSTATE 40001). Default 10. */
  readonly attempts?: number;
}

type Plain = Readonly<Record<string, unknown>>;

/** What statements may be sent to: the database, or a transaction. */
export interface Queries {
  /** `sql\`SELECT * FROM orders WHERE id = ${id}\``: values become parameters, never text. */
  sql<R = Plain>(strings: TemplateStringsArray, ...values: SqlInput[]): Promise<QueryResult<R>>;
  /** `query('SELECT * FROM orders WHERE id = $1', [id])`. */
  query<R = Plain>(
    text: string,
    parameters?: readonly SqlInput[],
    options?: QueryOptions,
  ): Promise<QueryResult<R>>;
}

/** A conversation: BEGIN, COMMIT and ROLLBACK are its own. Ends with its connection. */
export interface QuerySession extends Queries {
  /** Undoes what it has not committed. */
  close(): void;
}

interface Send {
  readonly session: number;
  readonly text: string;
  readonly parameters: readonly SqlParameter[];
  readonly at: AsOfMoment;
  readonly options: QueryOptions;
  /** The connection of a transaction; null outside of one. */
  readonly connection: number | null;
}

const NOW: AsOfMoment = { asOf: 'now' };
/** Statements kept prepared on the server; the one unused for longest goes first. */
const PREPARED_MAX = 256;
const ATTEMPTS_DEFAULT = 10;
const RETRY_MILLIS = 2;
const RETRY_MILLIS_MAX = 200;
const SERIALIZATION_FAILURE = '40001';
const NUMBER_MAX = 0x7fff_ffff;

export class SqlClient implements Queries {
  readonly #link: Link;
  readonly #timeoutMillis: number;
  readonly #prepared = new Map<string, number>();
  /** The connection they are prepared on. */
  #preparedOn = 0;
  #lastStatement = 0;
  #lastSession = 0;

  constructor(link: Link, timeoutMillis: number) {
    this.#link = link;
    this.#timeoutMillis = timeoutMillis;
  }

  sql<R = Plain>(strings: TemplateStringsArray, ...values: SqlInput[]): Promise<QueryResult<R>> {
    return this.query<R>(templateText(strings), values);
  }

  async query<R = Plain>(
    text: string,
    parameters: readonly SqlInput[] = [],
    options: QueryOptions = {},
  ): Promise<QueryResult<R>> {
    return this.#run<R>({
      session: 0,
      text,
      parameters: given(parameters),
      at: NOW,
      options,
      connection: null,
    });
  }

  async queryAt<R = Plain>(
    at: number | Date,
    text: string,
    parameters: readonly SqlInput[] = [],
    options: QueryOptions = {},
  ): Promise<QueryResult<R>> {
    const moment = momentOf(at);
    return this.#run<R>({
      session: 0,
      text,
      parameters: given(parameters),
      at: moment,
      options,
      connection: null,
    });
  }

  /** Runs `work` in a transaction and commits it; repeats all of it when others were in its way. */
  async transaction<Result>(
    work: (tx: Queries) => Promise<Result>,
    { attempts = ATTEMPTS_DEFAULT }: TransactionOptions = {},
  ): Promise<Result> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#once(work);
      } catch (error) {
        if (attempt >= attempts || !isSerializationFailure(error)) throw error;
      }
      // Spread out, so that those who were in each other's way do not meet again.
      await sleep(Math.min(RETRY_MILLIS * 2 ** attempt, RETRY_MILLIS_MAX) * (0.5 + Math.random()));
    }
  }

  async #once<Result>(work: (tx: Queries) => Promise<Result>): Promise<Result> {
    const session = this.session();
    try {
      await session.query('BEGIN');
      const result = await work({ query: session.query, sql: session.sql });
      await session.query('COMMIT');
      return result;
    } finally {
      // Undoes what was not committed.
      session.close();
    }
  }

  /** A conversation with a transaction of its own, on the connection that is open now. */
  session(): QuerySession {
    this.#lastSession = (this.#lastSession % NUMBER_MAX) + 1;
    const session = this.#lastSession;
    const connection = this.#link.connectionNumber;
    const query: Queries['query'] = async (text, parameters = [], options = {}) =>
      this.#run({ session, text, parameters: given(parameters), at: NOW, options, connection });
    return {
      query,
      sql: (strings, ...values) => query(templateText(strings), values),
      close: () =>
        this.#link.tell((out) =>
          encodeSqlClose(out, this.#link.freeRequest(), { what: 'session', number: session }),
        ),
    };
  }

  async #run<R>(send: Send): Promise<QueryResult<R>> {
    const { version } = this.#link.welcome;
    if (version < PROTOCOL_VERSION_SQL) {
      throw new TruthError(
        'UNSUPPORTED_VERSION',
        `the server speaks version ${version} of the protocol; SQL needs ${PROTOCOL_VERSION_SQL}: update the server`,
      );
    }
    // Kept prepared are those that are likely to come again: with parameters, and about now.
    const isKept = send.parameters.length > 0 && send.at.asOf === 'now' && this.#link.isConnected;
    if (!isKept) return new QueryResult<R>(await this.#execute(send, send.text));
    const { number, ready } = this.#prepare(send);
    const [prepared, executed] = await Promise.allSettled([ready, this.#execute(send, number)]);
    // What is wrong with the text says the answer to preparing it.
    if (prepared.status === 'rejected') throw prepared.reason;
    if (executed.status === 'rejected') throw executed.reason;
    return new QueryResult<R>(executed.value);
  }

  #execute(send: Send, statement: number | string): Promise<DoneStatement> {
    const { session, parameters, at, options, connection } = send;
    const rows: Row[] = [];
    let columns: readonly SqlColumn[] | null = null;
    let cancel: (() => void) | null = null;
    const take = (kind: number, body: ByteReader) => {
      if (kind !== KIND.SQL_RESULT)
        throw new TruthError('PROTOCOL', `a statement was answered by a frame of kind ${kind}`);
      const part = decodeSqlResult(body, columns);
      columns = part.columns ?? columns;
      for (const row of part.rows) rows.push(row);
      if (part.end === null) return null;
      return { result: { ...part.end, columns: columns ?? [], rows } };
    };
    const done = this.#link.exchange<DoneStatement>({
      deadline: this.#deadline(options),
      encode: (out, request) => encodeSqlExecute(out, request, { session, statement, parameters, at }),
      take,
      repeatable: false,
      connection: typeof statement === 'number' ? this.#preparedOn : connection,
      onSent: (request) => {
        cancel = () => this.#link.tell((out) => encodeEmpty(out, KIND.CANCEL, request));
      },
    });
    return this.#cancellable(done, () => cancel?.(), options.signal);
  }

  async #cancellable<Result>(
    done: Promise<Result>,
    cancel: () => void,
    signal: AbortSignal | undefined,
  ): Promise<Result> {
    if (signal?.aborted === true) cancel();
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      return await done;
    } catch (error) {
      // Nobody waits for it any more.
      if (error instanceof TruthError && error.code === 'TIMEOUT') cancel();
      throw error;
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  #deadline({ timeoutMillis }: QueryOptions): number {
    return performance.now() + (timeoutMillis ?? this.#timeoutMillis);
  }

  /** Sent at once, ahead of the statement that is to be executed. */
  #prepare(send: Send): { readonly number: number; readonly ready: Promise<unknown> } {
    if (this.#preparedOn !== this.#link.connectionNumber) {
      this.#prepared.clear();
      this.#preparedOn = this.#link.connectionNumber;
    }
    const known = this.#prepared.get(send.text);
    if (known !== undefined) {
      this.#prepared.delete(send.text);
      this.#prepared.set(send.text, known);
      return { number: known, ready: Promise.resolve() };
    }
    this.#forgetOldest();
    this.#lastStatement = (this.#lastStatement % NUMBER_MAX) + 1;
    const number = this.#lastStatement;
    this.#prepared.set(send.text, number);
    const ready = this.#link.exchange({
      deadline: this.#deadline(send.options),
      encode: (out, request) => encodeSqlPrepare(out, request, { statement: number, text: send.text }),
      take: (_kind, body) => ({ result: decodeSqlPrepared(body) }),
      repeatable: false,
      connection: this.#preparedOn,
    });
    ready.catch(() => {
      if (this.#prepared.get(send.text) === number) this.#prepared.delete(send.text);
    });
    return { number, ready };
  }

  #forgetOldest(): void {
    const [oldest] = this.#prepared;
    if (this.#prepared.size < PREPARED_MAX || oldest === undefined) return;
    const [text, number] = oldest;
    this.#prepared.delete(text);
    this.#link.tell((out) => encodeSqlClose(out, this.#link.freeRequest(), { what: 'statement', number }));
  }
}

function given(parameters: readonly SqlInput[]): readonly SqlParameter[] {
  return parameters.map(parameterOf);
}

function momentOf(at: number | Date): AsOfMoment {
  if (at instanceof Date) return { asOf: 'moment', micros: at.getTime() * 1000 };
  if (Number.isSafeInteger(at) && at >= 0) return { asOf: 'position', position: at };
  throw new TruthError('INVALID_ARGUMENT', `${at} is no position in a log; give a whole number or a Date`);
}

function isSerializationFailure(error: unknown): boolean {
  return error instanceof TruthError && error.details['sqlstate'] === SERIALIZATION_FAILURE;
}
