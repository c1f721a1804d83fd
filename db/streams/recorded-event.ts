import type { RecordedEvent } from '../kernel/event.ts';
import { decodeEvent, EVENT_ENTRY_TYPE } from '../kernel/index.ts';
import type { RecordedAt, Sequence, TenantId } from '../types.ts';

/** What reading an entry back gives, from the log or from memory. */
export interface ReadEntry {
  readonly sequence: Sequence;
  readonly type: number;
  readonly payload: Uint8Array;
}

/** An event as readers get it; its bytes are views into `payload`, which must stay as it is. */
export function recordedEvent(
  payload: Uint8Array,
  position: Sequence,
  recordedAt: RecordedAt,
): RecordedEvent {
  const { stream, revision, id, type, contentType, data, metadata } = decodeEvent(payload, position);
  return { stream, revision, position, recordedAt, id, type, contentType, data, metadata };
}

export function isEvent(entry: ReadEntry): boolean {
  return entry.type === EVENT_ENTRY_TYPE;
}

export function isEventOf(tenant: TenantId, entry: ReadEntry & { readonly tenant: TenantId }): boolean {
  return entry.type === EVENT_ENTRY_TYPE && entry.tenant === tenant;
}
