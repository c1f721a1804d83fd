/** Health, metrics, status and the description of it all. */
import { TruthError } from '../../errors.ts';
import { openApiDocument } from './openapi.ts';
import { type Route, sendJson } from './route.ts';

const OBJECT = { type: 'object' };

export const STATUS_ROUTE: Route = {
  method: 'GET',
  path: '/v1/status',
  operationId: 'status',
  summary: 'State of log, queues, views and connections',
  right: 'observe',
  parameters: [],
  body: null,
  answer: { contentType: 'application/json', description: 'The state', schema: OBJECT },
  errors: [],
  handle: async ({ database, response }) => {
    sendJson(response, 200, JSON.stringify(database.statusReport()));
  },
};

/** Alive: the process runs and its writer has not failed. */
export function healthRoute(failure: () => string | null): Route {
  return probe('/healthz', 'health', 'Whether the server is alive', failure);
}

/** Ready: recovered, serving, able to append. */
export function readyRoute(reason: () => string | null): Route {
  return probe('/readyz', 'readiness', 'Whether the server has recovered and takes appends', reason);
}

function probe(path: string, operationId: string, summary: string, reason: () => string | null): Route {
  return {
    method: 'GET',
    path,
    operationId,
    summary,
    right: null,
    parameters: [],
    body: null,
    answer: { contentType: 'application/json', description: 'It is', schema: OBJECT },
    errors: [503],
    handle: async ({ response }) => {
      const why = reason();
      sendJson(
        response,
        why === null ? 200 : 503,
        JSON.stringify(why === null ? { ok: true } : { ok: false, why }),
      );
    },
  };
}

export function metricsRoute(open: boolean, text: () => Promise<string>): Route {
  return {
    method: 'GET',
    path: '/metrics',
    operationId: 'metrics',
    summary: 'Measurements in the text format of Prometheus',
    right: open ? null : 'observe',
    parameters: [],
    body: null,
    answer: { contentType: 'text/plain', description: 'The measurements', schema: { type: 'string' } },
    errors: [],
    handle: async ({ response }) => {
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
      response.end(await text());
    },
  };
}

export function openApiRoute(routes: () => readonly Route[]): Route {
  return {
    method: 'GET',
    path: '/openapi.json',
    operationId: 'openApi',
    summary: 'This description',
    right: null,
    parameters: [],
    body: null,
    answer: { contentType: 'application/json', description: 'An OpenAPI 3.1 document', schema: OBJECT },
    errors: [],
    handle: async ({ response }) =>
      sendJson(response, 200, JSON.stringify(openApiDocument(routes()), null, 2)),
  };
}

export function notReady(why: string): TruthError {
  return new TruthError('BUSY', `the server is not ready: ${why}`, { retryAfterMillis: 1000 });
}
