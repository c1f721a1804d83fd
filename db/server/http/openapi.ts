/** The OpenAPI document, made from the routes themselves. */
import { z } from 'zod';
import { ERROR_CODES } from '../../errors.ts';
import { VERSION } from '../../version.ts';
import type { Route } from './route.ts';

const EVENT = {
  type: 'object',
  required: ['stream', 'revision', 'position', 'recordedAt', 'id', 'type'],
  properties: {
    stream: { type: 'string' },
    revision: { type: 'integer', description: 'Place in the stream, from 0' },
    position: { type: 'integer', description: 'Place in the log' },
    recordedAt: { type: 'string', format: 'date-time', description: 'With nanoseconds' },
    id: { type: 'string', format: 'uuid' },
    type: { type: 'string' },
    data: { description: 'Any JSON value' },
    dataBase64: { type: 'string', description: 'Instead of data when it is not JSON' },
    metadata: { description: 'Any JSON value' },
    metadataBase64: { type: 'string', description: 'Instead of metadata when it is not JSON' },
  },
};

const PAGE = {
  type: 'object',
  required: ['events', 'end', 'next'],
  properties: {
    events: { type: 'array', items: { $ref: '#/components/schemas/Event' } },
    end: { type: 'boolean', description: 'Nothing more in this direction now' },
    next: { type: 'integer', description: '`from` of the next page' },
  },
};

const APPENDED = {
  type: 'object',
  required: ['stream', 'firstRevision', 'lastRevision', 'position', 'duplicate', 'durable'],
  properties: {
    stream: { type: 'string' },
    firstRevision: { type: 'integer' },
    lastRevision: { type: 'integer' },
    position: { type: 'integer', description: 'Place of the last event in the log' },
    duplicate: {
      type: 'boolean',
      description: 'The events had been appended before; nothing new was written',
    },
    durable: { type: 'boolean', description: 'False only with durability async' },
  },
};

const ERROR = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['code', 'message'],
      properties: {
        code: { type: 'string', enum: Object.keys(ERROR_CODES) },
        message: { type: 'string' },
        details: { type: 'object' },
      },
    },
  },
};

const ERROR_MEANINGS: Readonly<Record<number, string>> = {
  400: 'Something in the request cannot be',
  401: 'No token, or one the server does not know',
  403: 'The token may not do this',
  404: 'There is no such stream, entry or checkpoint',
  409: 'Another expected revision, or an event id used for other content',
  410: 'That part of the log is gone or was never written',
  413: 'Too large',
  421: 'This is a copy, which takes no writes; details.source takes them',
  503: 'Not ready, busy (see Retry-After) or not writable',
  504: 'It took too long',
  507: 'The disk is full',
};

export function openApiDocument(routes: readonly Route[]): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operationOf(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'TruthDB',
      version: VERSION,
      description:
        'Streams of events and tables over HTTP. Programs that need throughput use the wire protocol.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths,
    components: {
      schemas: { Event: EVENT, Page: PAGE, Appended: APPENDED, Error: ERROR },
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    },
  };
}

function operationOf(route: Route): object {
  const statuses = [
    ...route.errors,
    ...(route.right === null ? [] : [401, 403]),
    ...(route.path.startsWith('/v1/') ? [400, 503] : []),
  ].sort();
  return {
    operationId: route.operationId,
    summary: route.summary,
    security: route.right === null ? [] : [{ token: [] }],
    parameters: route.parameters.map(({ name, in: place, description, schema, required }) => ({
      name,
      in: place,
      description,
      required,
      schema,
    })),
    ...(route.body === null
      ? {}
      : {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: z.toJSONSchema(route.body, { io: 'input' }) } },
          },
        }),
    responses: {
      200: {
        description: route.answer.description,
        content: { [route.answer.contentType]: { schema: route.answer.schema } },
      },
      ...Object.fromEntries(statuses.map((status) => [status, errorResponse(status)])),
    },
  };
}

function errorResponse(status: number): object {
  return {
    description: ERROR_MEANINGS[status],
    content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
  };
}
