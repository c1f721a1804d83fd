/** Events and streams as people outside see them. Parsed from wire, HTTP and CLI into these; entries are encoded from these. */
import type { RecordedAt, Revision, Sequence } from '../types.ts';

/** 1 to 512 bytes of UTF-8, no control characters; `$` at the start is kept for the system. */
export type StreamName = string & { readonly __stream: true };

export interface EventDraft {
  /** 16 bytes, a UUID; with the same id and bytes an append is answered as before, with other bytes refused. */
  readonly id: Uint8Array;
  /** 1 to 256 bytes of UTF-8. */
  readonly type: string;
  readonly contentType: 'json' | 'binary';
  readonly data: Uint8Array;
  /** Free bytes, JSON by convention; empty when there is none. */
  readonly metadata: Uint8Array;
}

export interface RecordedEvent extends EventDraft {
  readonly stream: StreamName;
  readonly revision: Revision;
  /** Place in the log. */
  readonly position: Sequence;
  readonly recordedAt: RecordedAt;
}

/** `any`: no check. `none`: the stream must not exist. `exists`: it must. A number: its last revision must be exactly that. */
export type ExpectedRevision = 'any' | 'none' | 'exists' | Revision;

export interface AppendRequest {
  readonly stream: StreamName;
  readonly expected: ExpectedRevision;
  readonly events: readonly EventDraft[];
  /**
   * The person the stream is about, 1 to 256 characters: named with its first event or never, and the same each time it is
   * named again. Only in encrypted tenants: what is sealed under that person's key can be erased.
   */
  readonly subject?: string | null;
  /** What the answer waits for: `applied` (default) means a following read sees it. */
  readonly ack: 'applied' | 'durable';
  readonly durability?: 'async' | 'sync' | 'group_sync';
}

export interface AppendResult {
  readonly stream: StreamName;
  readonly firstRevision: Revision;
  readonly lastRevision: Revision;
  /** Position of the last event. */
  readonly position: Sequence;
  /** True when the same events had been appended before and nothing new was written. */
  readonly duplicate: boolean;
  /** False only for durability `async`, which is answered before the disk is asked. */
  readonly durable: boolean;
}

export interface EventPage {
  readonly events: readonly RecordedEvent[];
  /** True when there is nothing more in this direction right now. */
  readonly end: boolean;
  /** Where to go on: revision (stream reads) or position (all reads) to pass as `from`. */
  readonly next: number;
}
