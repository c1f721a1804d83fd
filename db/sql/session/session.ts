import { TruthError } from '../../errors.ts';
import { SEQUENCE_NONE, type Sequence, type TenantId } from '../../types.ts';
import type { SettingStatement, Statement, TransactionStatement } from '../ast.ts';
import type { WriteStatement } from '../commands/command.ts';
import type { RowStatement } from '../commands/plan-write.ts';
import { notSupported, refusal } from '../commands/refusals.ts';
import type {
  ExecuteOptions,
  SqlIdentity,
  SqlParameter,
  SqlResult,
  SqlSession,
  SqlStatement,
} from '../contract.ts';
import { cancelledError } from '../execute/budget.ts';
import { tablesAsOf } from '../execute/describe.ts';
import type { Query, QueryStore, ReadStatement } from '../execute/query.ts';
import { ACTOR_BYTES_MAX } from '../rows/rows-entry.ts';
import type { SqlType } from '../types/index.ts';
import type { SqlBackend } from './backend.ts';
import { parameterValues } from './parameters.ts';
import { isSqlLoaded, loadSql, readStatements, splitStatements } from './parser.ts';
import { Prepared, preparedOne } from './prepared.ts';
import { Settings } from './settings.ts';
import { Transaction } from './transaction.ts';

const NANOS_PER_MICRO = 1_000n;
const TEXT: SqlType = Object.freeze({ kind: 'text', lengthMax: null });
const DATABASE = 'truthdb';

export class Session implements SqlSession {
  readonly #backend: SqlBackend;
  readonly #identity: SqlIdentity;
  readonly #settings = new Settings();
  readonly #store: QueryStore;
  #transaction: Transaction | null = null;
  /** What everything is answered until the transaction is ended. */
  #failure: TruthError | null = null;
  #stopIdle: (() => void) | null = null;
  #running: Promise<void> | null = null;
  #closed = false;

  constructor(backend: SqlBackend, identity: SqlIdentity) {
    const bytes = Buffer.byteLength(identity.actor);
    if (bytes === 0 || bytes > ACTOR_BYTES_MAX) {
      throw new TruthError(
        'INVALID_ARGUMENT',
        `the actor "${identity.actor}" has ${bytes} bytes, not 1 to ${ACTOR_BYTES_MAX}: give another name`,
      );
    }
    this.#backend = backend;
    this.#identity = identity;
    this.#store = storeOf(backend, identity.tenant);
  }

  get transaction(): 'none' | 'open' | 'failed' {
    if (this.#failure !== null) return 'failed';
    return this.#transaction === null ? 'none' : 'open';
  }

  prepare(text: string, parameterTypes: readonly (SqlType | null)[] = []): SqlStatement {
    this.#checkOpen();
    const prepared = preparedOne(text, parameterTypes);
    prepared.describe({
      present: this.#transaction?.catalog ?? this.#backend.catalog(this.#identity.tenant),
      asOf: (moment) => tablesAsOf(this.#store, this.#backend.end(), moment),
    });
    return prepared;
  }

  execute(
    statement: SqlStatement | string,
    parameters: readonly SqlParameter[],
    options: ExecuteOptions = {},
  ): Promise<SqlResult> {
    if (this.#running === null && this.transaction === 'none' && isWrite(statement))
      return this.#writeAlone(statement, parameters, options);
    const run = (): Promise<SqlResult> => this.#run(statement, parameters, options);
    // Where nothing runs it begins in the call, so that its command is in the group of this turn.
    const result = this.#running === null ? run() : this.#running.then(run);
    const ended: Promise<void> = result.then(
      () => this.#ended(ended),
      () => this.#ended(ended),
    );
    this.#running = ended;
    return result;
  }

  atOnce(prepared: SqlStatement, parameters: readonly SqlParameter[]): SqlResult | null {
    if (!(prepared instanceof Prepared) || prepared.statement.statement !== 'select') return null;
    if (this.#running !== null || this.transaction !== 'none') return null;
    this.#checkOpen();
    this.#backend.checkReadable();
    const query = this.#query(prepared, prepared.statement, parameters, 'present');
    return this.#backend.queries.point(this.#store, query);
  }

  split(text: string): readonly string[] {
    return splitStatements(text);
  }

  close(): void {
    this.#closed = true;
    this.#end();
  }

  #ended(call: Promise<void>): void {
    if (this.#running === call) this.#running = null;
  }

  async #run(
    statement: SqlStatement | string,
    parameters: readonly SqlParameter[],
    options: ExecuteOptions,
  ): Promise<SqlResult> {
    if (!isSqlLoaded()) await loadSql();
    this.#checkOpen();
    this.#stopIdle?.();
    this.#stopIdle = null;
    try {
      if (statement instanceof Prepared) return await this.#one(statement, parameters, options);
      const text = typeof statement === 'string' ? statement : statement.text;
      return await this.#text(text, parameters, options);
    } catch (error) {
      if (this.#transaction !== null) this.#fail(aborted());
      throw error;
    } finally {
      if (this.#transaction !== null) this.#watchIdle();
    }
  }

  async #text(
    text: string,
    parameters: readonly SqlParameter[],
    options: ExecuteOptions,
  ): Promise<SqlResult> {
    const statements = readStatements(text).map((parsed) => new Prepared(parsed, []));
    const [first, ...more] = statements;
    if (first === undefined) return this.#nothing('');
    if (more.length === 0) return this.#one(first, parameters, options);
    if (parameters.length > 0)
      throw refusal('42601', 'several statements in one text take no parameters: execute each by itself');
    // All or nothing, as PostgreSQL has it, where the statements allow it.
    const together = this.transaction === 'none' && statements.every(({ statement }) => isOfRows(statement));
    if (!together) return this.#each(statements, options);
    this.#begin();
    try {
      const last = await this.#each(statements, options);
      const committed = await this.#commit();
      return { ...last, position: Math.max(last.position, committed.position) as Sequence };
    } finally {
      this.#end();
    }
  }

  async #each(statements: readonly Prepared[], options: ExecuteOptions): Promise<SqlResult> {
    let last = this.#nothing('');
    for (const statement of statements) last = await this.#one(statement, [], options);
    return last;
  }

  async #one(
    prepared: Prepared,
    parameters: readonly SqlParameter[],
    options: ExecuteOptions,
  ): Promise<SqlResult> {
    const { statement } = prepared;
    switch (statement.statement) {
      case 'begin':
      case 'commit':
      case 'rollback':
        return this.#control(statement);
    }
    if (this.#failure !== null) throw this.#nextFailure();
    if (options.signal?.aborted === true) throw cancelledError();
    switch (statement.statement) {
      case 'set':
      case 'show':
        return this.#setting(statement);
      case 'select':
      case 'diff':
      case 'explain':
        return this.#read(prepared, statement, parameters, options);
      case 'insert':
      case 'update':
      case 'delete':
        this.#checkMayWrite(prepared);
        return this.#write(prepared, parameters);
      default:
        this.#checkMay(this.#identity.mayDefine, 'change what tables there are');
        return this.#define(statement);
    }
  }

  /** What most of what writes is: without what only transactions and texts need, which costs as much as deciding a row. */
  #writeAlone(
    prepared: Prepared,
    parameters: readonly SqlParameter[],
    { signal }: ExecuteOptions,
  ): Promise<SqlResult> {
    try {
      this.#checkOpen();
      if (signal?.aborted === true) throw cancelledError();
      this.#checkMayWrite(prepared);
      const result = this.#write(prepared, parameters);
      const ended: Promise<void> = result.then(
        () => this.#ended(ended),
        () => this.#ended(ended),
      );
      this.#running = ended;
      return result;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Throws what is refused without asking the backend. */
  #write(prepared: Prepared, parameters: readonly SqlParameter[]): Promise<SqlResult> {
    const { tenant, actor } = this.#identity;
    const transaction = this.#transaction;
    this.#backend.checkReadable();
    const { plan, parameterTypes } = prepared.planned(transaction?.catalog ?? this.#backend.catalog(tenant));
    const values = parameterValues(parameters, parameterTypes);
    if (transaction !== null)
      return Promise.resolve({ ...transaction.write(plan, values), position: transaction.pin });
    return this.#backend.submit({
      kind: 'statement',
      tenant,
      actor,
      database: DATABASE,
      statement: prepared.statement as WriteStatement,
      parameters: values,
      parameterTypes,
      plan,
    });
  }

  async #define(
    statement: Exclude<WriteStatement, { statement: 'insert' | 'update' | 'delete' }>,
  ): Promise<SqlResult> {
    if (this.#transaction !== null) {
      throw notSupported(
        `${statement.statement.toUpperCase()} within a transaction`,
        'a change of tables is a commit of its own: COMMIT first',
      );
    }
    const { tenant, actor } = this.#identity;
    return this.#backend.submit({
      kind: 'statement',
      tenant,
      actor,
      database: DATABASE,
      statement,
      parameters: [],
      parameterTypes: [],
      plan: null,
    });
  }

  async #read(
    prepared: Prepared,
    statement: ReadStatement,
    parameters: readonly SqlParameter[],
    { signal }: ExecuteOptions,
  ): Promise<SqlResult> {
    const transaction = this.#transaction;
    const backend = this.#backend;
    backend.checkReadable();
    const own = transaction === null || transaction.empty ? null : transaction.store();
    const at = transaction === null || own !== null ? 'present' : transaction.pin;
    const query = this.#query(prepared, statement, parameters, at);
    const { reads, ...result } = await backend.queries.run(own ?? this.#store, query, signal);
    for (const range of reads) transaction?.reads.add(range);
    return result;
  }

  #query(
    { text, given }: Prepared,
    statement: ReadStatement,
    parameters: readonly SqlParameter[],
    at: Query['at'],
  ): Query {
    const backend = this.#backend;
    const transaction = this.#transaction;
    return {
      statement,
      text,
      parameterTypes: given,
      parameters,
      at,
      end: backend.end(),
      now: transaction?.now ?? backend.clock.nowNanos() / NANOS_PER_MICRO,
      user: this.#identity.actor,
      database: DATABASE,
      limits: backend.limits.query,
      notesReads: transaction !== null,
    };
  }

  async #control({ statement }: TransactionStatement): Promise<SqlResult> {
    switch (statement) {
      case 'begin':
        if (this.#failure !== null) throw this.#nextFailure();
        // Within a transaction it does nothing; PostgreSQL warns.
        if (this.#transaction === null) this.#begin();
        return this.#nothing('BEGIN');
      case 'commit':
        return this.#commit();
      case 'rollback':
        this.#end();
        return this.#nothing('ROLLBACK');
    }
  }

  #begin(): void {
    this.#backend.checkReadable();
    this.#transaction = new Transaction(this.#backend, this.#identity);
  }

  async #commit(): Promise<SqlResult> {
    const [transaction, failure] = [this.#transaction, this.#failure];
    this.#end();
    // Somebody who commits what timed out must hear it; after any other error he has.
    if (failure?.details['sqlstate'] === IDLE_STATE) throw failure;
    if (failure !== null) return this.#nothing('ROLLBACK');
    if (transaction === null || transaction.empty) return this.#nothing('COMMIT');
    const command = transaction.command();
    if (command.writes.size === 0) return this.#nothing('COMMIT');
    const { position } = await this.#backend.submit(command);
    return { ...this.#nothing('COMMIT'), position };
  }

  #setting({ statement, name, value }: SettingStatement): SqlResult {
    if (statement === 'set') {
      this.#settings.set(name, value);
      return this.#nothing('SET');
    }
    const shown = this.#settings.show(name);
    return {
      ...this.#nothing('SHOW'),
      columns: [{ name: shown.name, type: TEXT }],
      rows: [[shown.value]],
      count: 1,
    };
  }

  #nothing(tag: string): SqlResult {
    const position = this.#transaction?.pin ?? this.#backend.end()?.sequence ?? SEQUENCE_NONE;
    return { tag, columns: null, rows: [], count: 0, position };
  }

  #fail(error: TruthError): void {
    this.#transaction = null;
    this.#failure = error;
  }

  #end(): void {
    this.#stopIdle?.();
    this.#stopIdle = null;
    this.#transaction = null;
    this.#failure = null;
  }

  /** What is answered within a failed transaction. That it timed out is said once. */
  #nextFailure(): TruthError {
    const failure = this.#failure ?? aborted();
    this.#failure = aborted();
    return failure;
  }

  #watchIdle(): void {
    const { idleMillis } = this.#backend.limits;
    this.#stopIdle = this.#backend.scheduler.after(idleMillis, () => {
      this.#stopIdle = null;
      if (this.#transaction !== null && this.#running === null) this.#fail(timedOut(idleMillis));
    });
  }

  #checkOpen(): void {
    if (this.#closed) throw new TruthError('CLOSED', 'the session is closed', { sqlstate: '08003' });
  }

  #checkMayWrite({ statement }: Prepared): void {
    const { table } = statement as RowStatement;
    if (!this.#identity.mayWrite) this.#checkMay(false, `write to table "${table}"`);
  }

  #checkMay(allowed: boolean, what: string): void {
    if (!allowed) throw refusal('42501', `permission denied: this token may not ${what}`, {}, 'FORBIDDEN');
  }
}

/** A tenant's tables as the backend has them whenever they are asked for. */
function storeOf(backend: SqlBackend, tenant: TenantId): QueryStore {
  return {
    get path() {
      return backend.path(tenant);
    },
    get catalogs() {
      return backend.catalogs(tenant);
    },
    snapshot: () => backend.snapshot(tenant),
    glance: () => backend.glance(tenant),
    catalog: () => backend.catalog(tenant),
  };
}

function isWrite(statement: SqlStatement | string): statement is Prepared {
  if (!(statement instanceof Prepared)) return false;
  const { statement: kind } = statement.statement;
  return kind === 'insert' || kind === 'update' || kind === 'delete';
}

const IDLE_STATE = '25P03';

function isOfRows({ statement }: Statement): boolean {
  return ['select', 'insert', 'update', 'delete', 'diff', 'explain', 'set', 'show'].includes(statement);
}

function aborted(): TruthError {
  return refusal(
    '25P02',
    'current transaction is aborted, commands ignored until end of transaction block: send ROLLBACK',
  );
}

function timedOut(idleMillis: number): TruthError {
  return refusal(
    IDLE_STATE,
    `the transaction was idle for more than ${idleMillis} ms and is over, nothing of it was written: run it again`,
    { idleMillis },
    'TIMEOUT',
  );
}
