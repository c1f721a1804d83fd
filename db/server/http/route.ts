/** What a route of the HTTP server is: enough to serve it and enough to describe it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { z } from 'zod';
import type { Engine, Streams } from '../../engine.ts';
import type { SqlDatabase } from '../../sql/contract.ts';
import type { AuditTrail } from '../audit-trail.ts';
import type { Counters } from '../counters.ts';
import type { Limits } from '../limits.ts';
import type { Right } from '../permissions.ts';
import type { Principal } from '../session-host.ts';
import type { SideEvaluation } from '../side-evaluation.ts';

/** What handlers may use; complete only once the database serves. */
export interface HttpDatabase {
  readonly engine: Engine;
  readonly audit: AuditTrail;
  /** Tables, and what can be asked about them. */
  readonly sql: SqlDatabase;
  /** Null: there are no files to evaluate from. */
  readonly evaluation: SideEvaluation | null;
  readonly counters: Counters;
  readonly limits: Limits;
  statusReport(): object;
  /** Connections of the wire protocol. */
  connections(): number;
}

export interface RouteRequest {
  readonly database: HttpDatabase;
  /** Who asks; null where no token is asked for. */
  readonly principal: Principal | null;
  /** The principal's tenant's, and no other's. */
  readonly streams: Streams;
  /** Values of `{name}` in the path, decoded. */
  readonly path: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Parsed by the route's schema; undefined where it has none. */
  readonly body: unknown;
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  /** Aborted when the client goes, its token is revoked or the server closes. */
  readonly signal: AbortSignal;
}

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly description: string;
  readonly schema: object;
  readonly required: boolean;
}

export interface Route {
  readonly method: 'GET' | 'POST';
  /** With `{name}` for one segment. */
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  /** What the token must allow; `token`: any token will do; null: none is asked for. */
  readonly right: Right | 'token' | null;
  readonly parameters: readonly Parameter[];
  readonly body: z.ZodType | null;
  readonly answer: {
    readonly contentType: 'application/json' | 'text/event-stream' | 'text/plain';
    readonly description: string;
    readonly schema: object;
  };
  /** Error statuses beside those every route may have. */
  readonly errors: readonly number[];
  handle(request: RouteRequest): Promise<void>;
}

export function sendJson(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  });
  response.end(text);
}
