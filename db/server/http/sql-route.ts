/** Statements over HTTP: one request, one transaction, one JSON answer. */
import { z } from 'zod';
import { TruthError } from '../../errors.ts';
import { type AsOfMoment, SQL_PARAMETERS_MAX } from '../../protocol/index.ts';
import type { SqlParameter, SqlResult, SqlSession } from '../../sql/contract.ts';
import { toJsonScalar, typeName } from '../../sql/types/index.ts';
import { textAsOf } from '../as-of.ts';
import type { Principal } from '../session-host.ts';
import { sqlIdentity } from '../sql-identity.ts';
import { type Route, type RouteRequest, sendJson } from './route.ts';

const sqlSchema = z.strictObject({
  sql: z
    .string()
    .min(1)
    .describe('One statement, with $1, $2 … for its parameters; several only without parameters'),
  params: z
    .array(z.unknown())
    .max(SQL_PARAMETERS_MAX)
    .default([])
    .describe(
      'null, true, numbers and strings; a string is read as a value of the type that the statement wants',
    ),
  at: z
    .union([z.int().min(0), z.iso.datetime()])
    .optional()
    .describe(
      'The past: a position in the log, or a moment such as 2026-01-31T12:00:00Z; only for one SELECT',
    ),
});

const RESULT = {
  type: 'object',
  required: ['columns', 'rows', 'tag', 'count', 'position'],
  properties: {
    columns: {
      type: 'array',
      description: 'Empty when the statement returns no rows',
      items: {
        type: 'object',
        required: ['name', 'type'],
        properties: { name: { type: 'string' }, type: { type: 'string', description: 'As in CREATE TABLE' } },
      },
    },
    rows: {
      type: 'array',
      description:
        'Values in the order of the columns: integers, doubles and booleans as JSON has them, everything else as text',
      items: { type: 'array', items: {} },
    },
    tag: { type: 'string', description: 'SELECT 3, INSERT 0 1, CREATE TABLE …' },
    count: { type: 'integer', description: 'Rows written or returned' },
    position: {
      type: 'integer',
      description: 'Of a write its place in the log, of a read the commit it was answered at',
    },
    notices: {
      type: 'array',
      description: 'What an answer about the past leaves out because it was erased; absent: nothing',
      items: {
        type: 'object',
        required: ['message', 'table', 'entries', 'erasedAt'],
        properties: {
          message: { type: 'string', description: 'For people' },
          table: { type: 'string', description: 'The table whose rows they were' },
          entries: { type: 'integer', description: 'Entries of the log that held them' },
          erasedAt: {
            type: 'array',
            description: 'Positions of the entries that say so, the first 16',
            items: { type: 'integer' },
          },
        },
      },
    },
  },
};

export const SQL_ROUTE: Route = {
  method: 'POST',
  path: '/v1/sql',
  operationId: 'sql',
  summary: 'Carry out a statement of SQL',
  right: 'read',
  parameters: [],
  body: sqlSchema,
  answer: { contentType: 'application/json', description: 'It was done', schema: RESULT },
  errors: [409, 413, 421, 504, 507],
  handle: async (request) => {
    const { sql, params, at } = request.body as z.infer<typeof sqlSchema>;
    const session = request.database.sql.session(sqlIdentity(request.principal as Principal));
    try {
      const parameters = params.map((value) => parameterOf(value));
      const result = await carryOut(request, session, textAsOf(sql, momentOf(at)), parameters);
      sendJson(request.response, 200, JSON.stringify(answerOf(result)));
    } finally {
      session.close();
    }
  },
};

async function carryOut(
  { database: { counters, limits }, signal }: RouteRequest,
  session: SqlSession,
  sql: string,
  parameters: readonly SqlParameter[],
): Promise<SqlResult> {
  if (counters.outgoingBytes > limits.outgoingBytesMax) {
    throw new TruthError('BUSY', 'too many bytes wait for slow readers of this server; try again later', {
      retryAfterMillis: 1000,
    });
  }
  const startedAt = performance.now();
  const result = await session.execute(sql, parameters, { signal });
  counters.sqlAnswered(result.tag, performance.now() - startedAt);
  return result;
}

function momentOf(at: number | string | undefined): AsOfMoment {
  if (at === undefined) return { asOf: 'now' };
  if (typeof at === 'number') return { asOf: 'position', position: at };
  return { asOf: 'moment', micros: Date.parse(at) * 1000 };
}

/** Objects and arrays are JSON; so are numbers with more digits than JavaScript's have, which keep them. */
function parameterOf(value: unknown): SqlParameter {
  if (value === null) return { given: 'text', text: null };
  if (typeof value === 'number' || typeof value === 'boolean') return { given: 'value', value };
  return { given: 'text', text: typeof value === 'string' ? value : JSON.stringify(value) };
}

function answerOf({ columns, rows, tag, count, position, notices = [] }: SqlResult): object {
  const shown = columns ?? [];
  return {
    columns: shown.map(({ name, type }) => ({ name, type: typeName(type) })),
    rows: rows.map((row) => shown.map(({ type }, index) => toJsonScalar(type, row[index] ?? null))),
    tag,
    count,
    position,
    ...(notices.length === 0 ? {} : { notices }),
  };
}
