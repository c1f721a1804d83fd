/**
 * A stable commit as it is kept for those who follow the log: where the payloads of its events lie, and nothing else. The
 * entries themselves may go once the views have them. Kept for a second, an object and a view for each event would be
 * copied by every collection of young garbage meanwhile, which stops appends for milliseconds.
 */
import type { RecordedEvent } from '../kernel/event.ts';
import type { ViewCommit } from '../materializer/index.ts';
import { type RecordedAt, type Sequence, TENANT_DEFAULT, type TenantId } from '../types.ts';
import { isEvent, recordedEvent } from './recorded-event.ts';

/** What a commit and each of its events take beside the payloads, so that empty ones are bounded too. */
const COMMIT_BYTES = 256;
const EVENT_BYTES = 48;
const NONE: readonly RecordedEvent[] = [];

export class KeptCommit {
  readonly sequence: Sequence;
  /** Memory it holds, about. */
  readonly bytes: number;
  readonly #recordedAt: RecordedAt;
  readonly #positions: Sequence[] = [];
  readonly #buffers: ArrayBufferLike[] = [];
  /** In its buffer, for each event: first byte and length. */
  readonly #places: number[] = [];
  /** Whose each event is; null while all are the first tenant's. */
  #tenants: TenantId[] | null = null;
  /** Decoded when somebody first asks. */
  #events: readonly RecordedEvent[] | null = null;

  constructor({ sequence, recordedAt, entries }: ViewCommit) {
    this.sequence = sequence;
    this.#recordedAt = recordedAt;
    let bytes = COMMIT_BYTES;
    for (const entry of entries) {
      if (!isEvent(entry)) continue;
      const { payload, tenant } = entry;
      if (tenant !== TENANT_DEFAULT || this.#tenants !== null) this.#noteTenant(tenant);
      this.#positions.push(entry.sequence);
      this.#buffers.push(payload.buffer);
      this.#places.push(payload.byteOffset, payload.length);
      bytes += EVENT_BYTES + payload.length;
    }
    this.bytes = bytes;
  }

  get events(): readonly RecordedEvent[] {
    this.#events ??= this.#positions.map((position, at) =>
      recordedEvent(this.#payload(at), position, this.#recordedAt),
    );
    return this.#events;
  }

  /** Whose the event is that stands at this place in `events`. */
  tenantAt(at: number): TenantId {
    return this.#tenants?.[at] ?? TENANT_DEFAULT;
  }

  eventsOf(tenant: TenantId): readonly RecordedEvent[] {
    const tenants = this.#tenants;
    if (tenants === null) return tenant === TENANT_DEFAULT ? this.events : NONE;
    if (!tenants.includes(tenant)) return NONE;
    return this.events.filter((_, at) => tenants[at] === tenant);
  }

  /** Of the event that comes next. */
  #noteTenant(tenant: TenantId): void {
    this.#tenants ??= new Array<TenantId>(this.#positions.length).fill(TENANT_DEFAULT);
    this.#tenants.push(tenant);
  }

  /** Payload of the event at a position, or null. */
  payloadAt(position: Sequence): Uint8Array | null {
    let low = 0;
    let high = this.#positions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#positions[middle]! < position) low = middle + 1;
      else high = middle;
    }
    return this.#positions[low] === position ? this.#payload(low) : null;
  }

  #payload(at: number): Uint8Array {
    return new Uint8Array(this.#buffers[at]!, this.#places[2 * at]!, this.#places[2 * at + 1]!);
  }
}
