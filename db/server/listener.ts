/** Accepts connections of the wire protocol on one port or socket, keeps them, sweeps their deadlines, closes them. */
import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { type AddressInfo, connect as connectSocket, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { TruthError } from '../errors.ts';
import { ByteWriter, encodeError } from '../protocol/index.ts';
import type { Certificate } from './certificate.ts';
import { SWEEP_MILLIS } from './limits.ts';
import { cannotListen } from './listen-error.ts';
import { Session } from './session.ts';
import type { SessionHost } from './session-host.ts';

export type Endpoint =
  /** `host` null: every address of this machine. */
  | {
      readonly kind: 'tls';
      readonly host: string | null;
      readonly port: number;
      readonly certificate: Certificate;
    }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** Connections above the limit are still told why, up to this many; beyond they are dropped. */
const REFUSED_POLITELY_MAX = 64;
const BACKLOG = 1024;
const SOCKET_MODE = 0o600;
/** Bytes of a path sockaddr_un has room for. */
const SOCKET_PATH_BYTES_MAX = 107;

export class Listener {
  readonly #host: SessionHost;
  readonly #endpoint: Endpoint;
  readonly #server: Server;
  readonly #sessions = new Set<Session>();
  readonly #sockets = new Set<Socket>();
  #sweeper: NodeJS.Timeout | null = null;

  constructor(host: SessionHost, endpoint: Endpoint) {
    this.#host = host;
    this.#endpoint = endpoint;
    this.#server = this.#createServer();
    this.#server.maxConnections = host.limits.connectionsMax + REFUSED_POLITELY_MAX;
    this.#server.on('drop', () => {
      host.counters.sessionsRefused += 1;
    });
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  /** The port listened on; 0 for a unix socket. */
  get port(): number {
    const address = this.#server.address() as AddressInfo | string | null;
    return address === null || typeof address === 'string' ? 0 : address.port;
  }

  /** Errors: CONFIG when the address cannot be listened on, LOCKED when another server has the socket. */
  async listen(): Promise<void> {
    if (this.#endpoint.kind === 'unix') await freeSocketPath(this.#endpoint.path);
    const endpoint = this.#endpoint;
    // The socket file must not be open to others even for the moment before its mode is set.
    const umask = endpoint.kind === 'unix' ? process.umask(0o177) : null;
    const listening = new Promise<void>((resolve, reject) => {
      this.#server.once('error', (cause) => reject(cannotListen(placeOf(endpoint), cause)));
      if (endpoint.kind === 'unix') this.#server.listen({ path: endpoint.path, backlog: BACKLOG }, resolve);
      else if (endpoint.host === null)
        this.#server.listen({ port: endpoint.port, backlog: BACKLOG }, resolve);
      else this.#server.listen({ host: endpoint.host, port: endpoint.port, backlog: BACKLOG }, resolve);
    });
    if (umask !== null) process.umask(umask);
    await listening;
    if (endpoint.kind === 'unix') chmodSync(endpoint.path, SOCKET_MODE);
    this.#server.on('error', () => this.#host.counters.failed('IO'));
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MILLIS);
    this.#sweeper.unref();
  }

  #createServer(): Server {
    // Half-open is allowed so that a client that has said all it wants still gets its answers.
    const common = {
      allowHalfOpen: true,
      pauseOnConnect: false,
      keepAlive: true,
      keepAliveInitialDelay: 30_000,
    };
    if (this.#endpoint.kind !== 'tls') return createServer(common, (socket) => this.#accept(socket));
    const { keyPem, certificatePem } = this.#endpoint.certificate;
    const server = createTlsServer(
      {
        ...common,
        key: keyPem,
        cert: certificatePem,
        minVersion: 'TLSv1.3',
        handshakeTimeout: this.#host.limits.handshakeMillis,
      },
      (socket) => this.#accept(socket),
    );
    server.on('tlsClientError', (_error, socket) => {
      this.#host.counters.failed('PROTOCOL');
      socket.destroy();
    });
    server.on('connection', (socket: Socket) => this.#track(socket));
    return server;
  }

  #accept(socket: Socket): void {
    this.#track(socket);
    if (this.#sessions.size >= this.#host.limits.connectionsMax) {
      this.#refuse(socket);
      return;
    }
    this.#host.counters.sessionsOpened += 1;
    const local = this.#endpoint.kind === 'unix';
    const session = new Session(this.#host, socket, local, () => this.#sessions.delete(session));
    this.#sessions.add(session);
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  #refuse(socket: Socket): void {
    this.#host.counters.sessionsRefused += 1;
    const out = new ByteWriter();
    const limit = this.#host.limits.connectionsMax;
    encodeError(
      out,
      0,
      new TruthError('BUSY', `this server takes ${limit} connections and has them; try again later`, {
        retryAfterMillis: 1000,
      }),
    );
    socket.on('error', () => socket.destroy());
    socket.end(out.taken());
    socket.resume();
    setTimeout(() => socket.destroy(), SWEEP_MILLIS).unref();
  }

  #sweep(): void {
    for (const session of this.#sessions) session.sweep();
  }

  /** Ends the connections that came in with this token, saying so. */
  revoke(tokenId: string): void {
    for (const session of this.#sessions) {
      if (session.tokenId === tokenId) {
        session.fail(
          new TruthError('UNAUTHENTICATED', 'the token of this connection has been revoked or has expired'),
        );
      }
    }
  }

  /** Takes no new connections; the present ones go on. */
  stopAccepting(): void {
    if (this.#server.listening) this.#server.close();
  }

  /** Tells every connection that the server is closing and waits, at most `millis`, until they are gone. */
  async close(millis: number): Promise<void> {
    this.stopAccepting();
    for (const session of this.#sessions) {
      session.fail(new TruthError('CLOSED', 'the server is shutting down; connect again later'));
    }
    const deadline = performance.now() + millis;
    while (this.#sockets.size > 0 && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    for (const socket of this.#sockets) socket.destroy();
    if (this.#sweeper !== null) clearInterval(this.#sweeper);
  }
}

/** A socket file left by a server that died is removed; one that answers belongs to a living server. */
async function freeSocketPath(path: string): Promise<void> {
  if (Buffer.byteLength(path) > SOCKET_PATH_BYTES_MAX) {
    throw new TruthError(
      'CONFIG',
      `the path of the local socket takes ${Buffer.byteLength(path)} bytes, ${SOCKET_PATH_BYTES_MAX} are possible: ` +
        `${path}. Choose a shorter one with --socket, or none with --socket off`,
    );
  }
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket())
    throw new TruthError('CONFIG', `${path} exists and is not a socket; choose another --socket`);
  if (await answers(path)) {
    throw new TruthError(
      'LOCKED',
      `another server is listening on ${path}; stop it or choose another --socket`,
    );
  }
  unlinkSync(path);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectSocket(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function placeOf(endpoint: Endpoint): string {
  return endpoint.kind === 'unix' ? endpoint.path : `${endpoint.host ?? '*'}:${endpoint.port}`;
}
