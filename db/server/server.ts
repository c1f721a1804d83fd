/**
 * The running server: the engine behind its doors. Doors open in the order in which they can keep their word: health
 * first, so that whoever waits can watch the recovery; then, with the engine, the socket and the ports.
 */
import type { Engine } from '../engine.ts';
import { APPEND_EVENTS_MAX, PROTOCOL_VERSION_MAX } from '../protocol/index.ts';
import type { SqlDatabase } from '../sql/contract.ts';
import { loadGrammar } from '../sql/parse/grammar.ts';
import { COMMIT, VERSION } from '../version.ts';
import { Admission } from './admission.ts';
import { AuditTrail } from './audit-trail.ts';
import { AuditedSql } from './audited-sql.ts';
import type { Counters } from './counters.ts';
import type { HttpDatabase } from './http/route.ts';
import { type Limits, SWEEP_MILLIS } from './limits.ts';
import { type Endpoint, Listener } from './listener.ts';
import { CatalogAnswers, CatalogDatabase } from './pg/catalog/index.ts';
import type { SessionHost } from './session-host.ts';
import type { SideEvaluation } from './side-evaluation.ts';
import { statusReport } from './status-report.ts';
import type { TokenStore } from './tokens.ts';

export interface ServerOptions {
  readonly engine: Engine;
  readonly tokens: TokenStore;
  readonly limits: Limits;
  readonly endpoints: readonly Endpoint[];
  readonly counters: Counters;
  /** Null: EVALUATE is refused. */
  readonly evaluation: SideEvaluation | null;
  /** One line for each problem. */
  readonly report: (line: string) => void;
}

export class Server {
  /** What HTTP serves from. */
  readonly database: HttpDatabase;
  /** What PostgreSQL's protocol serves from. */
  readonly tables: SqlDatabase;
  readonly #listeners: readonly Listener[];
  readonly #answers: CatalogAnswers;
  readonly #stopListening: () => void;

  /** Listens on every endpoint or on none. Errors: CONFIG, LOCKED. */
  static async start(options: ServerOptions): Promise<Server> {
    const connections = () => listeners.reduce((sum, listener) => sum + listener.sessions, 0);
    const { engine } = options;
    const answers = new CatalogAnswers();
    const audit = auditTrailOf(options);
    const tables = new AuditedSql(engine.sql, audit);
    const sql = new CatalogDatabase({
      tables,
      grammar: await loadGrammar(),
      answers,
      position: () => engine.status().log.stable,
    });
    const host = hostOf(options, { sql, audit }, connections);
    const listeners: Listener[] = options.endpoints.map((endpoint) => new Listener(host, endpoint));
    try {
      for (const listener of listeners) await listener.listen();
    } catch (error) {
      for (const listener of listeners) listener.stopAccepting();
      throw error;
    }
    return new Server(options, listeners, { answers, tables }, { ...host, connections });
  }

  private constructor(
    options: ServerOptions,
    listeners: readonly Listener[],
    { answers, tables }: { readonly answers: CatalogAnswers; readonly tables: SqlDatabase },
    database: HttpDatabase,
  ) {
    this.database = database;
    this.#answers = answers;
    this.tables = tables;
    this.#listeners = listeners;
    const { tokens } = options;
    const stop = tokens.onEnded((id) => {
      for (const listener of listeners) listener.revoke(id);
    });
    const sweeper = setInterval(() => tokens.expire(new Date()), SWEEP_MILLIS).unref();
    this.#stopListening = () => {
      clearInterval(sweeper);
      stop();
    };
  }

  /** Ports in the order of the endpoints, 0 for sockets: what "port 0" became. */
  get ports(): readonly number[] {
    return this.#listeners.map((listener) => listener.port);
  }

  stopAccepting(): void {
    for (const listener of this.#listeners) listener.stopAccepting();
  }

  /** Writes what is left to be audited. To be called while the engine is still open. */
  async endAudit(): Promise<void> {
    await this.database.audit.close();
  }

  /** Ends what is computed beside the server. */
  endEvaluation(): void {
    this.database.evaluation?.close();
  }

  /** Says goodbye to every client; at most `millis` for them to go. */
  async close(millis: number): Promise<void> {
    this.#stopListening();
    this.endEvaluation();
    await this.endAudit();
    await Promise.all(this.#listeners.map((listener) => listener.close(millis)));
    await this.#answers.close();
  }
}

function auditTrailOf({ engine, report }: ServerOptions): AuditTrail {
  return new AuditTrail({
    audit: engine.audit,
    readsAudited: (tenant) => engine.tenants.get(tenant)?.readsAudited ?? 'summary',
    nowMillis: () => performance.now(),
    report,
  });
}

function hostOf(
  options: ServerOptions,
  { sql, audit }: Pick<SessionHost, 'sql' | 'audit'>,
  connections: () => number,
): SessionHost {
  const { engine, tokens, limits, counters, evaluation } = options;
  return {
    engine,
    evaluation,
    sql,
    tokens,
    audit,
    limits,
    admission: new Admission(limits.inFlightBytesMax),
    counters,
    nowMillis: () => performance.now(),
    welcome: () => {
      const { log } = engine.status();
      return {
        bodyBytesMax: limits.bodyBytesMax,
        inFlightMax: limits.inFlightMax,
        appendEventsMax: APPEND_EVENTS_MAX,
        stable: log.stable,
        logId: log.identity.logId,
        epoch: log.epoch,
        name: `truthdb/${VERSION}`,
      };
    },
    statusReport: () => ({
      version: VERSION,
      commit: COMMIT,
      protocol: PROTOCOL_VERSION_MAX,
      ...statusReport(engine.status()),
      connections: connections(),
      subscriptions: counters.subscriptions,
      pgConnections: counters.pgSessions,
    }),
  };
}
