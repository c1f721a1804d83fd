/**
 * HTTP beside the wire protocol: for health checks, Prometheus, shells and browsers. It is up before the database is,
 * so that readiness can be asked from the first moment; everything else waits behind a 503.
 */
import {
  createServer as createPlainServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { ERROR_CODES, TruthError } from '../../errors.ts';
import { parseJson } from '../../protocol/index.ts';
import { TENANT_DEFAULT } from '../../types.ts';
import { deniedWhat } from '../audit-trail.ts';
import type { Certificate } from '../certificate.ts';
import { asTruthError } from '../failures.ts';
import { cannotListen } from '../listen-error.ts';
import { allow } from '../permissions.ts';
import { type Principal, principalOf } from '../session-host.ts';
import type { TokenStore } from '../tokens.ts';
import { readBody } from './body.ts';
import { createMetrics } from './metrics.ts';
import { PROOF_ROUTES } from './proof-routes.ts';
import { RANKING_ROUTES } from './ranking-routes.ts';
import { type HttpDatabase, type Route, sendJson } from './route.ts';
import { SQL_ROUTE } from './sql-route.ts';
import { STREAM_ROUTES } from './stream-routes.ts';
import {
  healthRoute,
  metricsRoute,
  notReady,
  openApiRoute,
  readyRoute,
  STATUS_ROUTE,
} from './system-routes.ts';

export interface HttpOptions {
  /** Null: every address of this machine. */
  readonly host: string | null;
  readonly port: number;
  /** Null: plain HTTP. */
  readonly certificate: Certificate | null;
  readonly metricsOpen: boolean;
  readonly bodyBytesMax: number;
  readonly connectionsMax: number;
}

interface Serving {
  readonly database: HttpDatabase;
  readonly tokens: TokenStore;
}

interface Open {
  tokenId: string | null;
  /** Whose request it is, once that is known. */
  principal: Principal | null;
  readonly abort: AbortController;
}

const HEADERS_MILLIS = 10_000;
const REQUEST_MILLIS = 60_000;
/** Longer than clients pause between two requests: one that writes while this side closes has lost its request. */
const KEEP_ALIVE_MILLIS = 60_000;
const HEADER_BYTES_MAX = 16 * 1024;

export class HttpServer {
  readonly routes: readonly Route[];
  readonly #options: HttpOptions;
  readonly #server: Server;
  readonly #open = new Set<Open>();
  #serving: Serving | null = null;
  #notReady = 'starting';

  constructor(options: HttpOptions) {
    this.#options = options;
    const metrics = createMetrics(() => this.#serving?.database ?? null);
    this.routes = [
      healthRoute(() => this.#failure()),
      readyRoute(() => this.#whyNotReady()),
      metricsRoute(options.metricsOpen, () => metrics.metrics()),
      openApiRoute(() => this.routes),
      STATUS_ROUTE,
      ...STREAM_ROUTES,
      SQL_ROUTE,
      ...RANKING_ROUTES,
      ...PROOF_ROUTES,
    ];
    const limits = {
      headersTimeout: HEADERS_MILLIS,
      requestTimeout: REQUEST_MILLIS,
      keepAliveTimeout: KEEP_ALIVE_MILLIS,
      maxHeaderSize: HEADER_BYTES_MAX,
    };
    const answer = (incoming: IncomingMessage, response: ServerResponse) =>
      void this.#answer(incoming, response);
    const { certificate } = options;
    this.#server =
      certificate === null
        ? createPlainServer(limits, answer)
        : createTlsServer(
            { ...limits, key: certificate.keyPem, cert: certificate.certificatePem, minVersion: 'TLSv1.3' },
            answer,
          );
    this.#server.maxConnections = options.connectionsMax;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0;
  }

  /** Errors: CONFIG when the address cannot be listened on. */
  async listen(): Promise<void> {
    const { host, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (cause) => reject(cannotListen(`${host ?? '*'}:${port}`, cause)));
      if (host === null) this.#server.listen(port, resolve);
      else this.#server.listen(port, host, resolve);
    });
    this.#server.on('error', () => this.#serving?.database.counters.failed('IO'));
  }

  /** What /readyz says until `serve`. */
  starting(why: string): void {
    this.#notReady = why;
  }

  serve(database: HttpDatabase, tokens: TokenStore): void {
    this.#serving = { database, tokens };
    tokens.onEnded((id) => this.#revoke(id));
  }

  /** Ends the requests under way of that token. */
  #revoke(tokenId: string): void {
    for (const open of this.#open) if (open.tokenId === tokenId) open.abort.abort();
  }

  /** /readyz says no from here on; requests under way are finished, tails ended. */
  async close(millis: number): Promise<void> {
    this.#serving = null;
    this.#notReady = 'stopping';
    for (const open of this.#open) open.abort.abort();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    const force = setTimeout(() => this.#server.closeAllConnections(), millis);
    await closed;
    clearTimeout(force);
  }

  #failure(): string | null {
    return this.#serving?.database.engine.status().log.failed ?? null;
  }

  #whyNotReady(): string | null {
    if (this.#serving === null) return this.#notReady;
    const status = this.#serving.database.engine.status();
    // A copy takes no appends by design: what it is there for, it does.
    return status.log.failed ?? (status.following === null ? status.readOnly : null);
  }

  async #answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const open: Open = { tokenId: null, principal: null, abort: new AbortController() };
    this.#open.add(open);
    response.on('error', () => response.destroy());
    response.on('close', () => {
      this.#open.delete(open);
      open.abort.abort();
    });
    try {
      await this.#dispatch(incoming, response, open);
    } catch (cause) {
      const error = asTruthError(cause);
      if (error.code === 'FORBIDDEN' && open.principal !== null)
        this.#serving?.database.audit.denied(open.principal, deniedWhat(error));
      this.#refuse(response, error);
    }
  }

  async #dispatch(incoming: IncomingMessage, response: ServerResponse, open: Open): Promise<void> {
    const url = new URL(incoming.url ?? '/', 'http://server');
    const { route, path } = this.#route(incoming, response, url.pathname);
    let principal: Principal | null = null;
    if (route.right !== null) {
      principal = this.#authenticate(incoming);
      open.tokenId = principal.tokenId;
      const { audit } = (this.#serving as Serving).database;
      audit.visit(principal, from(incoming));
      open.principal = principal;
      if (route.right !== 'token') allow(principal, route.right);
    }
    checkQuery(route, url.searchParams);
    const body = route.body === null ? undefined : await this.#body(incoming, route.body);
    // Probes answer without a database; everything that has a right has one by now.
    const database = this.#serving?.database as HttpDatabase;
    await route.handle({
      database,
      principal,
      streams: database?.engine.tenant(principal?.tenant ?? TENANT_DEFAULT),
      path,
      query: url.searchParams,
      body,
      incoming,
      response,
      signal: open.abort.signal,
    });
  }

  #route(incoming: IncomingMessage, response: ServerResponse, pathname: string) {
    const method = incoming.method === 'HEAD' ? 'GET' : incoming.method;
    const found = this.routes.flatMap((route) => {
      const path = matchPath(route.path, pathname);
      return path === null ? [] : [{ route, path }];
    });
    const match = found.find(({ route }) => route.method === method);
    if (match !== undefined) return match;
    if (found.length > 0) {
      response.setHeader('allow', found.map(({ route }) => route.method).join(', '));
      throw new HttpRefusal(405, `${incoming.method} is not possible here`);
    }
    throw new TruthError('NOT_FOUND', `there is nothing at ${pathname}; /openapi.json lists what there is`);
  }

  #authenticate(incoming: IncomingMessage): Principal {
    if (this.#serving === null) throw notReady(this.#notReady);
    const header = incoming.headers.authorization ?? '';
    const token = /^Bearer +(\S+)$/i.exec(header)?.[1];
    const record = token === undefined ? null : this.#serving.tokens.verify(token, new Date());
    if (record === null) {
      this.#serving.database.counters.refusedTokens += 1;
      this.#serving.database.audit.refusedLogin(TENANT_DEFAULT, from(incoming));
      throw new TruthError(
        'UNAUTHENTICATED',
        token === undefined
          ? 'a token is needed: send the header "Authorization: Bearer TOKEN"'
          : 'the token is not known to this server; it may have been revoked or have expired',
      );
    }
    return principalOf(record);
  }

  async #body(incoming: IncomingMessage, schema: z.ZodType): Promise<unknown> {
    const text = await readBody(incoming, this.#options.bodyBytesMax);
    const parsed = schema.safeParse(parseJson(text, 'the body'));
    if (parsed.success) return parsed.data;
    throw new TruthError('INVALID_ARGUMENT', `the body cannot be used: ${z.prettifyError(parsed.error)}`);
  }

  #refuse(response: ServerResponse, error: TruthError): void {
    this.#serving?.database.counters.failed(error.code);
    if (response.headersSent || response.destroyed) {
      response.destroy();
      return;
    }
    const status = error instanceof HttpRefusal ? error.status : ERROR_CODES[error.code].http;
    if (error.code === 'UNAUTHENTICATED') response.setHeader('www-authenticate', 'Bearer realm="truthdb"');
    const { retryAfterMillis } = error.details;
    if (typeof retryAfterMillis === 'number') {
      response.setHeader('retry-after', Math.max(1, Math.ceil(retryAfterMillis / 1000)));
    }
    // Whatever of the request has not been read will not be: the connection cannot be used again.
    if (!response.req.complete) response.setHeader('connection', 'close');
    const { code, message, details } = error;
    sendJson(response, status, JSON.stringify({ error: { code, message, details } }));
  }
}

function from(incoming: IncomingMessage): string {
  return incoming.socket.remoteAddress ?? 'nowhere';
}

/** A refusal with a status of its own, for what only HTTP can get wrong. */
class HttpRefusal extends TruthError {
  readonly status: number;

  constructor(status: number, message: string) {
    super('INVALID_ARGUMENT', message);
    this.status = status;
  }
}

/** Values of the `{name}` segments, or null when the path is another one. */
function matchPath(pattern: string, pathname: string): Record<string, string> | null {
  const wanted = pattern.split('/');
  const given = pathname.split('/');
  if (wanted.length !== given.length) return null;
  const values: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const text = given[index] as string;
    if (part.startsWith('{')) values[part.slice(1, -1)] = decodeSegment(text);
    else if (part !== text) return null;
  }
  return values;
}

function decodeSegment(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new TruthError(
      'INVALID_ARGUMENT',
      `"${text}" in the path is not percent-encoded UTF-8`,
      {},
      { cause },
    );
  }
}

/** An unknown parameter is a mistake somebody will want to know of. */
function checkQuery(route: Route, query: URLSearchParams): void {
  const known = route.parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name);
  for (const name of query.keys()) {
    if (!known.includes(name)) {
      throw new TruthError(
        'INVALID_ARGUMENT',
        `unknown query parameter "${name}"; ${known.length === 0 ? 'there are none here' : `known: ${known.join(', ')}`}`,
      );
    }
  }
}
