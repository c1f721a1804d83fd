/**
 * `client/` is the TypeScript SDK, the same that the CLI uses. It imports the wire protocol and nothing of the server.
 *
 *     const db = await connect('truthdb://TOKEN@host:9650?fp=FINGERPRINT');
 *     await db.append('orders', { type: 'order-placed', data: { id: 1 } }, { expected: 'none' });
 *     for await (const event of db.readStream('orders')) console.log(event.type, event.json());
 *     for await (const event of await db.subscribe()) console.log(event.position);
 *     await db.close();
 */
import { type Address, parseConnectionString } from '../protocol/index.ts';
import { Client, type ClientOptions } from './client.ts';

/**
 * Connects to a server; `target` is the connection string it printed, or an address in parts.
 * Errors: INVALID_ARGUMENT (connection string), CONNECTION, TIMEOUT, UNAUTHENTICATED (token, or a certificate other than
 * the pinned one), UNSUPPORTED_VERSION.
 */
export async function connect(target: string | Address, options: ClientOptions = {}): Promise<Client> {
  const address = typeof target === 'string' ? parseConnectionString(target) : target;
  const client = new Client(address, options);
  await client.open();
  return client;
}

export type { ErrorCode, ErrorDetails } from '../errors.ts';
export { ERROR_CODES, TruthError } from '../errors.ts';
export type {
  Address,
  Ranked,
  RankedHits,
  RankedSchema,
  RankedSuggestions,
  RankedTable,
  RankedWrite,
} from '../protocol/index.ts';
export { bucketOf } from '../ranking/evaluate/bucket.ts';
export {
  attribute,
  cohort,
  following,
  madeBy,
  measure,
  parameter,
  relatedTo,
  retrieve,
  search,
  trending,
} from '../ranking/retrieve/language/index.ts';
export type { SqlNotice } from '../sql/contract.ts';
export type { AppendResult } from '../streams/event.ts';
export { type Branch, CheckpointGuard, type CheckpointGuardOptions } from './checkpoint-guard.ts';
export type {
  AppendOptions,
  Client,
  ClientOptions,
  EventsPage,
  ReadOptions,
  SubscribeOptions,
} from './client.ts';
export { Event, type NewEvent } from './events.ts';
export { type QueryColumn, QueryResult, type QueryValue } from './query-result.ts';
export type {
  BatchOptions,
  NewEdge,
  NewEntity,
  NewExposure,
  NewSignal,
  RankingClient,
  RankingParameters,
  RankingQuery,
  RankingValue,
} from './ranking-client.ts';
export type { Queries, QueryOptions, QuerySession, TransactionOptions } from './sql-client.ts';
export type { SqlInput } from './sql-values.ts';
export type { Subscription } from './subscription.ts';
