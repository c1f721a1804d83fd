/** Streams over HTTP: append, read, tail. */
import { z } from 'zod';
import { TruthError } from '../../errors.ts';
import {
  APPEND_EVENTS_MAX,
  eventText,
  formatUuid,
  jsonText,
  newUuid,
  PAGE_EVENTS_MAX,
  parseUuid,
} from '../../protocol/index.ts';
import {
  type AppendRequest,
  type EventDraft,
  eventType,
  type RecordedEvent,
  streamName,
} from '../../streams/event.ts';
import { revision, sequence } from '../../types.ts';
import { type Parameter, type Route, type RouteRequest, sendJson } from './route.ts';
import { sendEvents } from './sse.ts';

const LIMIT_DEFAULT = 100;

const eventSchema = z.strictObject({
  id: z
    .uuid()
    .optional()
    .describe('The same id with the same content again changes nothing. Made here when absent.'),
  type: z.string().min(1).describe('What happened; 1 to 256 bytes'),
  data: z.unknown().optional().describe('Any JSON value'),
  dataBase64: z.base64().optional().describe('Bytes instead of JSON'),
  metadata: z.unknown().optional().describe('Any JSON value'),
  metadataBase64: z.base64().optional().describe('Bytes instead of JSON'),
});

const appendSchema = z.strictObject({
  expected: z
    .union([z.enum(['any', 'none', 'exists']), z.int().min(0)])
    .default('any')
    .describe('What the stream must be like: any, none (not there), exists, or its last revision'),
  ack: z
    .enum(['applied', 'durable'])
    .default('applied')
    .describe('applied: a read that follows sees the events'),
  subject: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .describe(
      'The person the stream is about, said with its first event: in encrypted tenants everything about them can be erased',
    ),
  durability: z.enum(['async', 'sync', 'group_sync']).optional().describe('Default: as the log is set'),
  events: z.array(eventSchema).min(1).max(APPEND_EVENTS_MAX),
});

const STREAM: Parameter = {
  name: 'stream',
  in: 'path',
  description: 'Name of the stream, percent-encoded',
  schema: { type: 'string', minLength: 1 },
  required: true,
};

const RANGE: readonly Parameter[] = [
  queryParameter('from', 'Revision (of a stream) or position (of the log) to begin with', {
    type: 'integer',
    minimum: 0,
  }),
  queryParameter('limit', 'Most events wanted', {
    type: 'integer',
    minimum: 1,
    maximum: PAGE_EVENTS_MAX,
    default: LIMIT_DEFAULT,
  }),
  queryParameter('direction', 'Which way to read', {
    type: 'string',
    enum: ['forwards', 'backwards'],
    default: 'forwards',
  }),
];

const AFTER: readonly Parameter[] = [
  queryParameter('after', 'Position; events after it are sent. "now": only new ones', {
    type: 'string',
    default: '0',
  }),
  {
    name: 'last-event-id',
    in: 'header',
    description:
      'Position of the last event seen; sent by browsers when they connect again, goes before `after`',
    schema: { type: 'integer', minimum: 0 },
    required: false,
  },
];

const EVENT_SCHEMA = { $ref: '#/components/schemas/Event' };

export const STREAM_ROUTES: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/streams/{stream}/events',
    operationId: 'appendEvents',
    summary: 'Append events to a stream, all or none',
    right: 'append',
    parameters: [STREAM],
    body: appendSchema,
    answer: {
      contentType: 'application/json',
      description: 'The events are in the log',
      schema: { $ref: '#/components/schemas/Appended' },
    },
    errors: [409, 413, 421, 507],
    handle: appendEvents,
  },
  {
    method: 'GET',
    path: '/v1/streams/{stream}/events',
    operationId: 'readStream',
    summary: 'Read a page of a stream',
    right: 'read',
    parameters: [STREAM, ...RANGE],
    body: null,
    answer: pageAnswer(),
    errors: [404, 410],
    handle: (request) => readPage(request, request.path['stream']),
  },
  {
    method: 'GET',
    path: '/v1/streams/{stream}/tail',
    operationId: 'tailStream',
    summary: 'Events of a stream as they happen, as server-sent events',
    right: 'read',
    parameters: [STREAM, ...AFTER],
    body: null,
    answer: tailAnswer(),
    errors: [410],
    handle: (request) => tail(request, request.path['stream']),
  },
  {
    method: 'GET',
    path: '/v1/events',
    operationId: 'readAll',
    summary: 'Read a page of the whole log',
    right: 'read',
    parameters: RANGE,
    body: null,
    answer: pageAnswer(),
    errors: [410],
    handle: (request) => readPage(request, undefined),
  },
  {
    method: 'GET',
    path: '/v1/tail',
    operationId: 'tailAll',
    summary: 'Events of all streams as they happen, as server-sent events',
    right: 'read',
    parameters: AFTER,
    body: null,
    answer: tailAnswer(),
    errors: [410],
    handle: (request) => tail(request, undefined),
  },
];

async function appendEvents(request: RouteRequest): Promise<void> {
  const body = request.body as z.infer<typeof appendSchema>;
  const { counters } = request.database;
  const startedAt = performance.now();
  const append: AppendRequest = {
    stream: streamName(request.path['stream'] as string),
    expected: typeof body.expected === 'number' ? revision(body.expected) : body.expected,
    events: body.events.map(draftFrom),
    ack: body.ack,
    subject: body.subject ?? null,
    ...(body.durability === undefined ? {} : { durability: body.durability }),
  };
  const result = await request.streams.append(append);
  counters.appended(append.events.length, performance.now() - startedAt);
  sendJson(request.response, 200, JSON.stringify(result));
}

function draftFrom(event: z.infer<typeof eventSchema>): EventDraft {
  if (event.data !== undefined && event.dataBase64 !== undefined) throw bothGiven('data');
  if (event.metadata !== undefined && event.metadataBase64 !== undefined) throw bothGiven('metadata');
  return {
    id: event.id === undefined ? newUuid() : parseUuid(event.id),
    type: eventType(event.type),
    contentType: event.dataBase64 === undefined ? 'json' : 'binary',
    data: bytesFrom(event.data, event.dataBase64, 'null'),
    metadata: bytesFrom(event.metadata, event.metadataBase64, ''),
  };
}

function bothGiven(name: string): TruthError {
  return new TruthError('INVALID_ARGUMENT', `an event has both ${name} and ${name}Base64; give one`);
}

function bytesFrom(value: unknown, base64: string | undefined, absent: string): Buffer {
  if (base64 !== undefined) return Buffer.from(base64, 'base64');
  return Buffer.from(value === undefined ? absent : jsonText(value, 'the data of an event'));
}

async function readPage(request: RouteRequest, stream: string | undefined): Promise<void> {
  const { counters } = request.database;
  const direction = choice(request.query, 'direction', ['forwards', 'backwards']);
  const limit = wholeNumber(request.query, 'limit', 1, PAGE_EVENTS_MAX) ?? LIMIT_DEFAULT;
  const from = wholeNumber(request.query, 'from', 0, Number.MAX_SAFE_INTEGER);
  const edge = direction === 'forwards' ? 'start' : 'end';
  auditRead(request, stream);
  const page =
    stream === undefined
      ? await request.streams.readAll({ direction, limit, from: from === undefined ? edge : sequence(from) })
      : await request.streams.readStream({
          stream: streamName(stream),
          direction,
          limit,
          from: from === undefined ? edge : revision(from),
        });
  counters.reads += 1;
  counters.readEvents += page.events.length;
  const events = page.events.map(textOf).join(',');
  sendJson(request.response, 200, `{"events":[${events}],"end":${page.end},"next":${page.next}}`);
}

async function tail(request: RouteRequest, stream: string | undefined): Promise<void> {
  const from = sequence(await startOf(request));
  auditRead(request, stream);
  const subscription = request.streams.subscribe({
    from,
    signal: request.signal,
    ...(stream === undefined ? {} : { stream: streamName(stream) }),
  });
  await sendEvents(request, subscription, textOf);
}

function auditRead({ database, principal }: RouteRequest, stream: string | undefined): void {
  if (principal !== null) database.audit.readStream(principal, stream ?? null);
}

async function startOf(request: RouteRequest): Promise<number> {
  const seen = request.incoming.headers['last-event-id'];
  const text = typeof seen === 'string' && seen !== '' ? seen : (request.query.get('after') ?? '0');
  if (text === 'now') return request.database.engine.status().log.stable;
  return numberFrom('after', text, 0, Number.MAX_SAFE_INTEGER);
}

function textOf(event: RecordedEvent): string {
  return eventText({ ...event, id: formatUuid(event.id) });
}

function choice<const Choice extends string>(
  query: URLSearchParams,
  name: string,
  choices: readonly [Choice, ...Choice[]],
): Choice {
  const text = query.get(name);
  if (text === null) return choices[0];
  const found = choices.find((one) => one === text);
  if (found !== undefined) return found;
  throw new TruthError('INVALID_ARGUMENT', `${name} is "${text}"; ${choices.join(' or ')} is needed`);
}

function wholeNumber(query: URLSearchParams, name: string, min: number, max: number): number | undefined {
  const text = query.get(name);
  return text === null ? undefined : numberFrom(name, text, min, max);
}

function numberFrom(name: string, text: string, min: number, max: number): number {
  const number = Number(text);
  if (/^\d{1,16}$/.test(text) && number >= min && number <= max) return number;
  throw new TruthError(
    'INVALID_ARGUMENT',
    `${name} is "${text}"; a whole number from ${min} to ${max} is needed`,
  );
}

function queryParameter(name: string, description: string, schema: object): Parameter {
  return { name, in: 'query', description, schema, required: false };
}

function pageAnswer(): Route['answer'] {
  return {
    contentType: 'application/json',
    description: 'Events, whether there are more now, and where to go on',
    schema: { $ref: '#/components/schemas/Page' },
  };
}

function tailAnswer(): Route['answer'] {
  return {
    contentType: 'text/event-stream',
    description:
      'One message per event with its position as `id`; an event named `caught-up` once when live; comments keep it alive',
    schema: EVENT_SCHEMA,
  };
}
