/** The ranking layer over HTTP: statements, and batches of entities and signals. */
import type { z } from 'zod';
import {
  entitiesSchema,
  type RankingRequest,
  rank,
  signalsSchema,
  statementSchema,
} from '../ranking-requests.ts';
import type { Principal } from '../session-host.ts';
import { type Route, sendJson } from './route.ts';

const ANSWER = {
  type: 'object',
  required: ['answer', 'position'],
  description:
    'By `answer`: hits (hits, cursor, total, estimated, now, warnings, and plan and contributions under EXPLAIN), suggestions, table (columns, rows), schema (version, impact), written (accepted, duplicates, unchanged, refused, refusals)',
  properties: {
    answer: { type: 'string', enum: ['hits', 'suggestions', 'table', 'schema', 'written'] },
    position: {
      type: 'integer',
      description: 'Of a write its place in the log, of a question the commit it was answered at',
    },
  },
};

export const RANKING_ROUTES: readonly Route[] = [
  route('/v1/rank', 'rank', 'Carry out a statement of the ranking layer', statementSchema),
  route('/v1/entities', 'putEntities', 'Write a batch of items, users, creators', entitiesSchema),
  route('/v1/signals', 'recordSignals', 'Record a batch of signals', signalsSchema),
];

function route(path: string, operationId: string, summary: string, body: z.ZodType<RankingRequest>): Route {
  return {
    ...{ method: 'POST', path, operationId, summary, body, parameters: [] },
    right: operationId === 'rank' ? 'read' : 'write',
    answer: { contentType: 'application/json', description: 'It was done', schema: ANSWER },
    errors: [404, 409, 413, 421, 504, 507],
    handle: async ({ database, principal, body: given, response, signal }) => {
      const ranked = await rank(database, principal as Principal, given as RankingRequest, () => signal);
      sendJson(response, 200, JSON.stringify(ranked));
    },
  };
}
