/** Accepts connections of PostgreSQL's protocol on one port, keeps them, sweeps their deadlines, cancels and closes them. */
import { createHash, randomBytes, timingSafeEqual, X509Certificate } from 'node:crypto';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import { TruthError } from '../../errors.ts';
import type { SqlDatabase, SqlIdentity } from '../../sql/contract.ts';
import { loadGrammar } from '../../sql/parse/grammar.ts';
import type { TenantId } from '../../types.ts';
import { type AuditTrail, deniedWhat } from '../audit-trail.ts';
import type { Certificate } from '../certificate.ts';
import type { Counters } from '../counters.ts';
import { SWEEP_MILLIS } from '../limits.ts';
import { cannotListen } from '../listen-error.ts';
import { endPointBinding } from '../scram.ts';
import { principalOf } from '../session-host.ts';
import { sqlIdentity } from '../sql-identity.ts';
import type { TokenRecord } from '../token-file.ts';
import type { TokenStore } from '../tokens.ts';
import { CatalogAnswers } from './catalog/index.ts';
import { MessageWriter } from './message-writer.ts';
import type { PgHost, PgLimits, SessionKey } from './pg-host.ts';
import { NOBODY, writeError } from './replies.ts';
import { PgSession } from './session.ts';

export interface PgListenerOptions {
  /** Null: every address of this machine. */
  readonly host: string | null;
  readonly port: number;
  /** Its key makes the answers to unknown names, also where connections are not encrypted. */
  readonly certificate: Certificate;
  readonly tls: boolean;
  readonly database: SqlDatabase;
  readonly tokens: TokenStore;
  /** Tenant of a database's name; null: there is none. */
  readonly tenantOf: (database: string) => TenantId | null;
  readonly limits: PgLimits;
  readonly counters: Counters;
  readonly audit: AuditTrail;
}

const BACKLOG = 1024;
const SECRET_BYTES = 4;
const PROCESS_MAX = 0x7fff_ffff;
/** Connections above the limit are still told why, up to this many. */
const REFUSED_POLITELY_MAX = 64;

export class PgListener {
  readonly #options: PgListenerOptions;
  readonly #server: Server;
  readonly #sessions = new Set<PgSession>();
  readonly #sockets = new Set<Socket>();
  readonly #answers = new CatalogAnswers();
  readonly #stopListening: () => void;
  #host: PgHost | null = null;
  #sweeper: NodeJS.Timeout | null = null;
  #lastProcess = 0;

  constructor(options: PgListenerOptions) {
    this.#options = options;
    const socketOptions = { allowHalfOpen: true, keepAlive: true, keepAliveInitialDelay: 30_000 };
    this.#server = createServer(socketOptions, (socket) => this.#accept(socket));
    this.#server.maxConnections = options.limits.connectionsMax + REFUSED_POLITELY_MAX;
    this.#stopListening = options.tokens.onEnded((id) => this.#revoke(id));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0;
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  /** Errors: CONFIG when the address cannot be listened on. */
  async listen(): Promise<void> {
    const { host, port } = this.#options;
    this.#host = await this.#makeHost();
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (cause) => reject(cannotListen(`${host ?? '*'}:${port}`, cause)));
      this.#server.listen({ port, backlog: BACKLOG, ...(host === null ? {} : { host }) }, resolve);
    });
    this.#server.on('error', () => this.#options.counters.failed('IO'));
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MILLIS);
    this.#sweeper.unref();
  }

  async #makeHost(): Promise<PgHost> {
    const { database, limits, counters, tokens, tenantOf, certificate, tls } = this.#options;
    const { keyPem, certificatePem } = certificate;
    return {
      database,
      grammar: await loadGrammar(),
      answers: this.#answers,
      limits,
      counters,
      login: {
        tenantOf,
        token: (tenant, name) => tokens.find(tenant, name, new Date()),
        secret: createHash('sha256').update('scram of nobody').update(keyPem).digest(),
        random: randomBytes,
      },
      tls: tls
        ? {
            context: createSecureContext({ key: keyPem, cert: certificatePem, minVersion: 'TLSv1.3' }),
            binding: endPointBinding(new X509Certificate(certificatePem).raw),
          }
        : null,
      nowMillis: () => performance.now(),
      audit: this.#options.audit,
      identityOf: (record) => this.#identityOf(record),
      newKey: () => this.#newKey(),
      cancel: (process, secret) => this.#cancel(process, secret),
    };
  }

  #identityOf(record: TokenRecord): SqlIdentity {
    const principal = principalOf(record);
    const { audit } = this.#options;
    audit.login(principal, 'PostgreSQL’s protocol');
    try {
      return sqlIdentity(principal);
    } catch (error) {
      if (error instanceof TruthError && error.code === 'FORBIDDEN')
        audit.denied(principal, deniedWhat(error));
      throw error;
    }
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    const { limits, counters } = this.#options;
    if (this.#sessions.size >= limits.connectionsMax) {
      this.#refuse(socket);
      return;
    }
    counters.sessionsOpened += 1;
    const session = new PgSession(this.#host as PgHost, socket, () => {
      this.#sessions.delete(session);
      counters.pgSessions -= 1;
    });
    this.#sessions.add(session);
    counters.pgSessions += 1;
  }

  #refuse(socket: Socket): void {
    const { limits, counters } = this.#options;
    counters.sessionsRefused += 1;
    const out = new MessageWriter();
    const why = `this server takes ${limits.connectionsMax} connections and has them; try again later`;
    writeError(out, 'FATAL', new TruthError('BUSY', why, { sqlstate: '53300' }), NOBODY);
    socket.on('error', () => socket.destroy());
    socket.end(out.taken());
    socket.resume();
    setTimeout(() => socket.destroy(), SWEEP_MILLIS).unref();
  }

  #newKey(): SessionKey {
    this.#lastProcess = (this.#lastProcess % PROCESS_MAX) + 1;
    return { process: this.#lastProcess, secret: randomBytes(SECRET_BYTES) };
  }

  #cancel(process: number, secret: Uint8Array): void {
    for (const session of this.#sessions) {
      const { key } = session;
      if (key === null || key.process !== process || !timingSafeEqual(key.secret, secret)) continue;
      session.cancel(
        new TruthError('TIMEOUT', 'canceling statement due to user request', { sqlstate: '57014' }),
      );
    }
  }

  #sweep(): void {
    for (const session of this.#sessions) session.sweep();
  }

  #revoke(tokenId: string): void {
    for (const session of this.#sessions) {
      if (session.tokenId !== tokenId) continue;
      const why = 'the token of this connection has been revoked or has expired';
      session.fail(new TruthError('UNAUTHENTICATED', why, { sqlstate: '57P01' }));
    }
  }

  /** Takes no new connections; the present ones go on. */
  stopAccepting(): void {
    if (this.#server.listening) this.#server.close();
  }

  /** Tells every connection that the server is closing and waits, at most `millis`, until they are gone. */
  async close(millis: number): Promise<void> {
    this.stopAccepting();
    this.#stopListening();
    const why = new TruthError('CLOSED', 'terminating connection: the server is shutting down');
    for (const session of this.#sessions) session.fail(why);
    const deadline = performance.now() + millis;
    while (this.#sockets.size > 0 && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    for (const socket of this.#sockets) socket.destroy();
    if (this.#sweeper !== null) clearInterval(this.#sweeper);
    await this.#answers.close();
  }
}
