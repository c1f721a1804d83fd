import type { Sequence, TenantId } from '../types.ts';
import { checkEventEntry, EVENT_ENTRY_TYPE } from './event-entry.ts';
import { invariant } from './invariant.ts';
import type { EvolvingState } from './state.ts';

/** The part of an entry that state depends on; drafts just sequenced and entries read back both have it. */
export interface EvolvingEntry {
  readonly sequence: Sequence;
  readonly type: number;
  readonly tenant: TenantId;
  readonly payload: Uint8Array;
}

/**
 * Changes `state` by one entry. Types of other layers change nothing here. Errors: CORRUPT for an event entry that
 * cannot be read, UNSUPPORTED_VERSION for one written by a newer release.
 */
export function evolve(state: EvolvingState, entry: EvolvingEntry): void {
  invariant(entry.sequence > 0, 'an entry that changes state has a place in the log');
  if (entry.type !== EVENT_ENTRY_TYPE) return;
  checkEventEntry(entry.payload, entry.sequence);
  state.eventAppended(entry.sequence, entry.tenant, entry.payload);
}
