import type { Sequence, TenantId } from '../types.ts';
import type { StreamName } from './event.ts';

/** Where a stream ends, appends in flight included. */
export interface StreamHead {
  /** Revision of its last event, -1 when the stream does not exist. */
  readonly revision: number;
  /** Position of that event, 0 when the stream does not exist. */
  readonly position: Sequence;
}

/** What `decide` may look at. */
export interface KernelState {
  head(tenant: TenantId, stream: StreamName): StreamHead;
}

/** What `evolve` may change. `payload` is an event entry's, lent for the call. */
export interface EvolvingState {
  eventAppended(position: Sequence, tenant: TenantId, payload: Uint8Array): void;
}
