/** What appending means, in the plainest way: lists in a Map. The database is compared with this. */
import type { EventDraft, ExpectedRevision, StreamName } from '../../../db/kernel/event.ts';
import type { KernelState, KnownEvent } from '../../../db/kernel/index.ts';
import { decodeEvent } from '../../../db/kernel/index.ts';
import type { Revision, Sequence, TenantId } from '../../../db/types.ts';

export interface ModelEvent extends EventDraft {
  readonly revision: Revision;
  readonly position: Sequence;
}

export type ModelAnswer =
  | { readonly outcome: 'accepted' | 'duplicate'; readonly first: number; readonly last: number }
  | { readonly outcome: 'refused'; readonly code: string; readonly actual?: number };

export class EventModel implements KernelState {
  readonly streams = new Map<string, ModelEvent[]>();

  head(_tenant: TenantId, stream: StreamName): { revision: number; position: Sequence } {
    const last = this.streams.get(stream)?.at(-1);
    return { revision: last?.revision ?? -1, position: (last?.position ?? 0) as Sequence };
  }

  eventAppended(position: Sequence, _tenant: TenantId, payload: Uint8Array): void {
    const { stream, ...event } = decodeEvent(payload, position);
    const events = this.streams.get(stream) ?? [];
    events.push({ ...event, position });
    this.streams.set(stream, events);
  }

  known(stream: StreamName, events: readonly EventDraft[]): readonly (KnownEvent | null)[] {
    const there = this.streams.get(stream) ?? [];
    const known = events.map(({ id }) => {
      const event = there.find((candidate) => same(candidate.id, id));
      return event === undefined ? null : { position: event.position, revision: event.revision, event };
    });
    return known.every((event) => event === null) ? [] : known;
  }

  /** What the answer to a request must be, said without looking at the kernel's code. */
  answer(stream: StreamName, expected: ExpectedRevision, events: readonly EventDraft[]): ModelAnswer {
    if (events.length === 0) return { outcome: 'refused', code: 'INVALID_ARGUMENT' };
    const ids = new Set(events.map(({ id }) => hex(id)));
    if (ids.size < events.length) return { outcome: 'refused', code: 'INVALID_ARGUMENT' };
    const there = this.streams.get(stream) ?? [];
    const places = events.map(({ id }) => there.findIndex((candidate) => same(candidate.id, id)));
    if (places.some((place) => place >= 0)) {
      const again = places.every(
        (place, index) => place >= 0 && place === places[0]! + index && equal(there[place]!, events[index]!),
      );
      if (!again) return { outcome: 'refused', code: 'EVENT_ID_CONFLICT' };
      return { outcome: 'duplicate', first: places[0]!, last: places.at(-1)! };
    }
    const actual = there.length - 1;
    const holds = { any: true, none: actual === -1, exists: actual >= 0 };
    const met = typeof expected === 'number' ? expected === actual : holds[expected];
    if (!met) return { outcome: 'refused', code: 'WRONG_EXPECTED_REVISION', actual };
    return { outcome: 'accepted', first: actual + 1, last: actual + events.length };
  }
}

function equal(a: EventDraft, b: EventDraft): boolean {
  return (
    a.type === b.type &&
    a.contentType === b.contentType &&
    same(a.data, b.data) &&
    same(a.metadata, b.metadata)
  );
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return hex(a) === hex(b);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
