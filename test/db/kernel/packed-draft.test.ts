import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { EventDraft, StreamName } from '../../../db/kernel/event.ts';
import { type AppendEvents, decide, EventEncoder } from '../../../db/kernel/index.ts';
import { PackedDraft } from '../../../db/kernel/packed-draft.ts';
import type { TenantId } from '../../../db/types.ts';
import { idOf } from '../support/event-drafts.ts';
import { EventModel } from '../support/event-model.ts';

const bytes = fc.uint8Array({ maxLength: 300 });
/** Few ids, so that some repeat. */
const draft: fc.Arbitrary<EventDraft> = fc.record({
  id: fc.nat(40).map((number) => idOf(number)),
  type: fc.constantFrom('noted', 'paid', 'übermittelt'),
  contentType: fc.constantFrom('json' as const, 'binary' as const),
  data: bytes,
  metadata: fc.oneof(fc.constant(new Uint8Array()), bytes),
});

/** The same events, all in one buffer with something before, between and behind them. */
function packed(drafts: readonly EventDraft[]): PackedDraft[] {
  const parts = drafts.flatMap(({ id, data, metadata }) => [id, data, metadata]);
  const starts: number[] = [];
  let end = 3;
  for (const part of parts) {
    starts.push(end);
    end += part.length + 1;
  }
  const source = Buffer.alloc(end, 0xee);
  for (const [index, part] of parts.entries()) source.set(part, starts[index]);
  return drafts.map(({ type, contentType, data, metadata }, index) => {
    const [at, dataAt, metadataAt] = starts.slice(3 * index, 3 * index + 3) as [number, number, number];
    return new PackedDraft(type, contentType, source, {
      ...{ id: at, data: dataAt, dataBytes: data.length },
      ...{ metadata: metadataAt, metadataBytes: metadata.length },
    });
  });
}

function decideOn(events: readonly EventDraft[]) {
  const command: AppendEvents = { kind: 'append-events', stream: 's' as StreamName, expected: 'any', events };
  return decide(new EventModel(), command, {
    tenant: 0 as TenantId,
    partitionKey: 1n,
    limits: { entryBytesMax: 300, commandBytesMax: 1200, entryOverheadBytes: 63 },
    known: [],
    encoder: new EventEncoder(),
  });
}

test('an event is the same where it lies in a buffer', () => {
  fc.assert(
    fc.property(fc.array(draft, { minLength: 1, maxLength: 12 }), (drafts) => {
      for (const [index, { id, type, contentType, data, metadata }] of packed(drafts).entries()) {
        expect({ id, type, contentType, data, metadata }).toEqual(drafts[index]);
      }
    }),
  );
});

test('what is decided does not depend on where the events lie', () => {
  const outcomes = new Set<string>();
  fc.assert(
    fc.property(fc.array(draft, { minLength: 1, maxLength: 12 }), (drafts) => {
      const [plain, lying] = [decideOn(drafts), decideOn(packed(drafts))];
      expect(lying).toEqual(plain);
      outcomes.add(plain.outcome === 'refused' ? plain.error.code : plain.outcome);
    }),
    { numRuns: 500 },
  );
  expect([...outcomes].sort()).toEqual(['INVALID_ARGUMENT', 'TOO_LARGE', 'accepted']);
});
