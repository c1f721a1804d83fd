/**
 * What a logged-in client asks, message by message: simple queries, and the extended protocol's steps. Messages are handled
 * strictly in order; after an error everything up to the next Sync is passed over, as the protocol wants.
 */
import { TruthError } from '../../errors.ts';
import { sqlError } from '../../sql/types/sql-error.ts';
import { asTruthError } from '../failures.ts';
import type { BindMessage, ClientMessage, Target } from './client-message.ts';
import { PARAMETERS_MAX, ROWS_BYTES_TARGET, TO_CLIENT } from './constants.ts';
import type { MessageWriter } from './message-writer.ts';
import type { Portal, Portals } from './portals.ts';
import type { Answer, BoundValue, Prepared, Stop } from './prepared.ts';
import {
  type Blamed,
  NOBODY,
  writeColumns,
  writeComplete,
  writeError,
  writeNotice,
  writeParameter,
  writeParameters,
  writeReady,
} from './replies.ts';
import { RunningStatement } from './running-statement.ts';
import { EMPTY, type Statement, type StatementMaker } from './statement-maker.ts';
import { type ImplicitTransaction, transactionAborted } from './transaction.ts';

export interface ConversationOptions {
  readonly out: MessageWriter;
  readonly maker: StatementMaker;
  readonly transaction: ImplicitTransaction;
  readonly portals: Portals;
  /** What a statement may take at this moment, in milliseconds; 0: no limit. */
  readonly statementMillis: () => number;
  /** Hands over what was written; resolves when there is room for more. Rejects when the client has gone. */
  readonly drained: () => Promise<void>;
  /** Whether the next message has arrived and is Sync. */
  readonly syncFollows: () => boolean;
  readonly onStatement: (tag: string, millis: number) => void;
  readonly onError: (error: TruthError) => void;
}

const EVERYTHING = 0;

export class Conversation {
  readonly #options: ConversationOptions;
  readonly #out: MessageWriter;
  readonly #portals: Portals;
  readonly #transaction: ImplicitTransaction;
  #skipping = false;
  #running: RunningStatement | null = null;
  #blamed: Blamed = NOBODY;

  constructor(options: ConversationOptions) {
    this.#options = options;
    this.#out = options.out;
    this.#portals = options.portals;
    this.#transaction = options.transaction;
  }

  get isBusy(): boolean {
    return this.#running !== null;
  }

  /** Ends the statement that is being carried out, if one is. */
  cancel(why: TruthError): void {
    this.#running?.abort(why);
  }

  /** The client may speak from here on. */
  greet(): void {
    writeReady(this.#out, this.#transaction.state);
  }

  /**
   * Undefined where nothing has to be waited for, which costs as much as a small statement. Never rejects for what is wrong with
   * a statement; only when the connection is of no use any more.
   */
  handle(message: ClientMessage): Promise<void> | undefined {
    if (message.message === 'sync') return this.#sync();
    if (this.#skipping) return undefined;
    this.#blamed = NOBODY;
    try {
      return this.#carryOut(message)?.catch((error) => this.#failed(message, asTruthError(error)));
    } catch (error) {
      return this.#failed(message, asTruthError(error));
    }
  }

  #carryOut(message: ClientMessage): Promise<void> | undefined {
    switch (message.message) {
      case 'query':
        return this.#query(message.text);
      case 'parse':
        this.#parse(message.statement, message.text, message.parameterTypes);
        return undefined;
      case 'bind':
        this.#bind(message);
        return undefined;
      case 'describe':
        this.#describe(message.what, message.name);
        return undefined;
      case 'execute':
        return this.#execute(message.portal, message.rowsMax);
      case 'close':
        this.#close(message.what, message.name);
        return undefined;
      case 'flush':
        return this.#options.drained();
      // Outside of COPY these are passed over: they may be left from one that was refused.
      case 'copy':
        return undefined;
      case 'function call':
        throw sqlError('0A000', 'function calls by number are not possible here; write SELECT');
      case 'garbled':
        throw message.error;
      default:
        throw new TruthError('PROTOCOL', `a message ${message.message} has no meaning once logged in`);
    }
  }

  async #failed(message: ClientMessage, error: TruthError): Promise<void> {
    this.#options.onError(error);
    await this.#transaction.rollback();
    writeError(this.#out, 'ERROR', error, this.#blamed);
    if (isSimple(message)) this.#ready();
    else this.#skipping = true;
  }

  async #query(text: string): Promise<void> {
    this.#portals.closePortal('');
    const statements = this.#options.maker.split(text);
    if (statements.length === 0) this.#out.empty(TO_CLIENT.EMPTY_QUERY);
    // Together they stand or fall, unless one of them changes what tables are.
    const alone = statements.length === 1 || statements.some(({ defines }) => defines);
    for (const statement of statements) {
      this.#blamed = { statement: statement.text, before: statement.before };
      await this.#runSimply(statement, alone);
    }
    this.#blamed = NOBODY;
    await this.#transaction.commit();
    this.#ready();
  }

  async #runSimply(statement: Statement, alone: boolean): Promise<void> {
    const { maker } = this.#options;
    const of = maker.isOfTables(statement) ? 'tables' : 'session';
    const what = await this.#transaction.before({ ...statement, of }, alone);
    if (what === 'done') {
      writeComplete(this.#out, 'BEGIN');
      return;
    }
    const answer = await this.#timed((stop) => maker.run(statement, stop));
    if (answer.columns !== null) writeColumns(this.#out, answer.columns, []);
    await this.#writeRows(answer, 0, answer.rowCount, []);
    this.#complete(answer, answer.tag);
  }

  #parse(name: string, text: string, parameterTypes: readonly number[]): void {
    const statements = this.#options.maker.split(text);
    if (statements.length > 1) {
      throw sqlError(
        '42601',
        'cannot insert multiple commands into a prepared statement: send them one by one',
      );
    }
    const [statement] = statements;
    if (statement !== undefined) this.#blamed = { statement: statement.text, before: statement.before };
    this.#refuseInFailed(statement?.control ?? null);
    const prepared = statement === undefined ? EMPTY : this.#options.maker.prepare(statement, parameterTypes);
    if (prepared.parameterOids.length > PARAMETERS_MAX) {
      throw sqlError(
        '54000',
        `a statement has ${prepared.parameterOids.length} parameters; ${PARAMETERS_MAX} are possible`,
      );
    }
    this.#portals.addStatement(name, prepared);
    this.#out.empty(TO_CLIENT.PARSE_COMPLETE);
  }

  #refuseInFailed(control: Prepared['control']): void {
    if (this.#transaction.state !== 'failed' || control === 'rollback' || control === 'commit') return;
    throw transactionAborted();
  }

  #bind(message: BindMessage): void {
    const prepared = this.#portals.statement(message.statement);
    this.#refuseInFailed(prepared.control);
    const { values, formats, resultFormats } = message;
    const wanted = prepared.parameterOids.length;
    if (values.length !== wanted) {
      throw new TruthError(
        'PROTOCOL',
        `bind message supplies ${values.length} parameters, but prepared statement "${message.statement}" requires ${wanted}`,
      );
    }
    const columns = prepared.columns?.length ?? 0;
    if (resultFormats.length > 1 && resultFormats.length !== columns) {
      throw new TruthError(
        'PROTOCOL',
        `bind message has ${resultFormats.length} result formats but query has ${columns} columns`,
      );
    }
    const bound = values.map(
      (bytes, index): BoundValue => ({
        bytes,
        format: (formats.length === 1 ? formats[0] : formats[index]) ?? 0,
      }),
    );
    this.#portals.addPortal(message.portal, {
      prepared,
      values: bound,
      formats: resultFormats,
      answer: null,
      sent: 0,
    });
    this.#out.empty(TO_CLIENT.BIND_COMPLETE);
  }

  #describe(what: Target, name: string): void {
    if (what === 'portal') {
      const { prepared, formats } = this.#portals.portal(name);
      writeColumns(this.#out, prepared.columns, formats);
      return;
    }
    const { parameterOids, columns } = this.#portals.statement(name);
    writeParameters(this.#out, parameterOids);
    writeColumns(this.#out, columns, []);
  }

  #execute(name: string, rowsMax: number): Promise<void> | undefined {
    const portal = this.#portals.portal(name);
    const { prepared } = portal;
    if (prepared.of === 'nothing') {
      this.#out.empty(TO_CLIENT.EMPTY_QUERY);
      return undefined;
    }
    this.#blamed = { statement: prepared.text, before: '' };
    if (portal.answer !== null) {
      if (portal.answer.columns !== null) return this.#send(portal, portal.answer, rowsMax);
      throw new TruthError('INVALID_ARGUMENT', `portal "${name}" cannot be run again`, { sqlstate: '55000' });
    }
    const alone = this.#options.syncFollows();
    if (!this.#transaction.isAlone(prepared, alone)) return this.#runInTransaction(portal, alone, rowsMax);
    return this.#answerAtOnce(portal, rowsMax) ? undefined : this.#run(portal, rowsMax);
  }

  /** Of what is answered so there is a row at most. */
  #answerAtOnce(portal: Portal, rowsMax: number): boolean {
    const startedAt = performance.now();
    const answer = portal.prepared.atOnce(portal.values);
    if (answer === null) return false;
    this.#options.onStatement(answer.tag, performance.now() - startedAt);
    portal.answer = answer;
    this.#writeSome(answer, 0, this.#part(portal, answer, rowsMax), portal.formats);
    this.#sent(portal, answer, 0);
    return true;
  }

  async #runInTransaction(portal: Portal, alone: boolean, rowsMax: number): Promise<void> {
    const what = await this.#transaction.before(portal.prepared, alone);
    if (what === 'done') writeComplete(this.#out, 'BEGIN');
    else await this.#run(portal, rowsMax);
  }

  async #run(portal: Portal, rowsMax: number): Promise<void> {
    const answer = await this.#timed((stop) => portal.prepared.run(portal.values, stop));
    portal.answer = answer;
    await this.#send(portal, answer, rowsMax);
  }

  async #send(portal: Portal, answer: Answer, rowsMax: number): Promise<void> {
    const from = portal.sent;
    await this.#writeRows(answer, from, this.#part(portal, answer, rowsMax), portal.formats);
    this.#sent(portal, answer, from);
  }

  /** Notes which rows go out now; returns the first that does not. */
  #part(portal: Portal, { rowCount }: Answer, rowsMax: number): number {
    portal.sent = rowsMax === EVERYTHING ? rowCount : Math.min(rowCount, portal.sent + rowsMax);
    return portal.sent;
  }

  #sent({ sent }: Portal, answer: Answer, from: number): void {
    if (sent < answer.rowCount) {
      this.#portals.checkSuspended();
      this.#out.empty(TO_CLIENT.PORTAL_SUSPENDED);
      return;
    }
    // Sent in parts, each part counts its own rows.
    this.#complete(
      answer,
      from === 0 || answer.columns === null ? answer.tag : answer.tag.replace(/\d+$/, String(sent - from)),
    );
  }

  #close(what: Target, name: string): void {
    if (what === 'portal') this.#portals.closePortal(name);
    else this.#portals.closeStatement(name);
    this.#out.empty(TO_CLIENT.CLOSE_COMPLETE);
  }

  #sync(): Promise<void> | undefined {
    const failed = this.#skipping;
    this.#skipping = false;
    if (!failed && this.#transaction.isOpen) return this.#commit();
    this.#ready();
    return undefined;
  }

  async #commit(): Promise<void> {
    try {
      await this.#transaction.commit();
    } catch (error) {
      const refused = asTruthError(error);
      this.#options.onError(refused);
      writeError(this.#out, 'ERROR', refused, NOBODY);
    }
    this.#ready();
  }

  #ready(): void {
    if (this.#transaction.state === 'none') this.#portals.closePortals();
    writeReady(this.#out, this.#transaction.state);
  }

  async #timed(run: (stop: Stop) => Promise<Answer>): Promise<Answer> {
    const stop = new RunningStatement();
    this.#running = stop;
    const millis = this.#options.statementMillis();
    const timer = millis === 0 ? null : setTimeout(() => stop.abort(tookTooLong(millis)), millis);
    const startedAt = performance.now();
    try {
      const answer = await run(stop);
      this.#options.onStatement(answer.tag, performance.now() - startedAt);
      return answer;
    } catch (error) {
      throw stop.reason ?? error;
    } finally {
      if (timer !== null) clearTimeout(timer);
      this.#running = null;
    }
  }

  async #writeRows(answer: Answer, from: number, to: number, formats: Portal['formats']): Promise<void> {
    for (let row = from; row < to; ) {
      row = this.#writeSome(answer, row, to, formats);
      if (this.#out.length >= ROWS_BYTES_TARGET) await this.#options.drained();
    }
  }

  /** As many as go out at once; returns the first that is left. */
  #writeSome(answer: Answer, from: number, to: number, formats: Portal['formats']): number {
    let row = from;
    while (row < to) {
      const start = this.#out.length;
      try {
        answer.writeRow(this.#out, row, formats);
      } catch (error) {
        // Half a row would make everything behind it unreadable.
        this.#out.rewind(start);
        throw error;
      }
      row += 1;
      if (this.#out.length >= ROWS_BYTES_TARGET) break;
    }
    return row;
  }

  #complete(answer: Answer, tag: string): void {
    for (const notice of answer.notices) writeNotice(this.#out, 'NOTICE', '00000', notice);
    for (const { name, value } of answer.changed) writeParameter(this.#out, name, value);
    writeComplete(this.#out, tag);
  }
}

/** What is answered by itself, without a Sync. */
function isSimple(message: ClientMessage): boolean {
  if (message.message === 'garbled') return message.simple;
  return message.message === 'query' || message.message === 'function call';
}

function tookTooLong(millis: number): TruthError {
  return new TruthError('TIMEOUT', `canceling statement due to statement timeout (${millis} ms)`, {
    sqlstate: '57014',
  });
}
