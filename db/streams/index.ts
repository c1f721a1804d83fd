/**
 * `streams/` is events by stream: the index that finds them, the kernel's state of streams, reading and following. It owns
 * entry type 16. It may import materializer, kernel, the log's interface and ground. Entries come in from the registry and
 * the engine; pages and batches of events go out to the engine.
 */
import type { ViewDefinition } from '../materializer/index.ts';
import { StreamIndex } from './stream-index.ts';

export { type Direction, EventReader } from './event-reader.ts';
export { Fifo } from './fifo.ts';
export { seedOf } from './hash.ts';
export { RecentCommits } from './recent-commits.ts';
export { scopedKey } from './scoped-name.ts';
export type { StreamLookup } from './stream-index.ts';
export { StreamKey } from './stream-key.ts';
export { StreamState } from './stream-state.ts';
export { followAll, followStream, type SubscriptionSource } from './subscription.ts';

export const streamIndex: ViewDefinition<StreamIndex> = {
  name: 'stream-index',
  version: 1,
  scope: 'global',
  required: true,
  create: ({ logId }) => new StreamIndex(logId),
};
