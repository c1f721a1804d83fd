/** Events and requests for tests: made by hand, or at random from small sets so that they meet each other. */
import fc from 'fast-check';
import type { AppendRequest, EventDraft, ExpectedRevision, StreamName } from '../../../db/kernel/event.ts';
import type { Revision } from '../../../db/types.ts';

let made = 0;

/** An event with an id of its own. */
export function eventDraft(data = 'x', fields: Partial<EventDraft> = {}): EventDraft {
  made++;
  return {
    id: idOf(made, 0xff),
    type: 'tested',
    contentType: 'json',
    data: bytesOf(data),
    metadata: new Uint8Array(),
    ...fields,
  };
}

/** Plain bytes, because a Buffer does not compare equal to what is read back. */
export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function eventDrafts(count: number): EventDraft[] {
  return Array.from({ length: count }, (_, index) => eventDraft(`event ${index}`));
}

export function idOf(number: number, kind = 0): Uint8Array {
  const id = new Uint8Array(16).fill(kind);
  new DataView(id.buffer).setUint32(0, number);
  return id;
}

export function append(
  stream: string,
  events: readonly EventDraft[],
  fields: Partial<AppendRequest> = {},
): AppendRequest {
  return { stream: stream as StreamName, expected: 'any', events, ack: 'applied', ...fields };
}

/** A request as random tests make them: few streams, few ids, few contents, so that retries and clashes are common. */
export interface RandomRequest {
  readonly stream: StreamName;
  readonly expected: ExpectedRevision;
  readonly events: readonly EventDraft[];
}

export const randomRequest: fc.Arbitrary<RandomRequest> = fc
  .record({
    stream: fc.constantFrom('a', 'b', 'ström'),
    expected: fc.oneof(
      fc.constantFrom('any' as const, 'any' as const, 'none' as const, 'exists' as const),
      fc.nat({ max: 8 }),
    ),
    firstId: fc.nat({ max: 40 }),
    count: fc.integer({ min: 1, max: 4 }),
    content: fc.constantFrom('one', 'one', 'one', 'two'),
    shuffled: fc.integer({ min: 0, max: 9 }),
  })
  .map(({ stream, expected, firstId, count, content, shuffled }) => {
    const ids = Array.from({ length: count }, (_, index) => firstId + index);
    if (shuffled === 0) ids.reverse();
    if (shuffled === 1) ids[ids.length - 1] = ids[0]!;
    const events = ids.map((id) => ({
      id: idOf(id),
      type: 'tested',
      contentType: 'json' as const,
      data: bytesOf(`${content} ${id}`),
      metadata: new Uint8Array(),
    }));
    return { stream: stream as StreamName, expected: expected as 'any' | Revision, events };
  });
