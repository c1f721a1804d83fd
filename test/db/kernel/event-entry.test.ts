import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TruthError } from '../../../db/errors.ts';
import type { EventDraft, StreamName } from '../../../db/kernel/event.ts';
import {
  checkEventEntry,
  decodeEvent,
  EVENT_FIELDS,
  EVENT_HEADER_BYTES,
  EventEncoder,
} from '../../../db/kernel/event-entry.ts';
import { evolve } from '../../../db/kernel/index.ts';
import type { Revision, Sequence, TenantId } from '../../../db/types.ts';

const AT = 9 as Sequence;
const name = fc
  .string({ minLength: 1, maxLength: 80, unit: 'grapheme' })
  .filter((text) => text.isWellFormed());

const event: fc.Arbitrary<EventDraft> = fc.record({
  id: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  type: name,
  contentType: fc.constantFrom('json', 'binary'),
  data: fc.uint8Array({ maxLength: 300 }),
  metadata: fc.uint8Array({ maxLength: 60 }),
});

test('an event comes back as it went in, whatever its names and bytes', () => {
  const encoder = new EventEncoder();
  const revision = fc.integer({ min: 0, max: 0xffff_ffff_ffff });
  fc.assert(
    fc.property(name, revision, event, (stream, number, draft) => {
      const payload = encoder.encode(stream as StreamName, number as Revision, draft);
      expect(decodeEvent(payload, AT)).toEqual({ ...draft, stream, revision: number });
    }),
  );
});

test('payloads encoded one after the other do not touch each other', () => {
  const encoder = new EventEncoder();
  fc.assert(
    fc.property(fc.array(event, { minLength: 2, maxLength: 40 }), (drafts) => {
      const payloads = drafts.map((draft, index) =>
        encoder.encode('s' as StreamName, index as Revision, draft),
      );
      for (const [index, draft] of drafts.entries()) {
        expect(decodeEvent(payloads[index]!, AT)).toMatchObject({ ...draft, revision: index });
      }
    }),
    { numRuns: 30 },
  );
});

test('an event larger than a slab has one of its own', () => {
  const data = new Uint8Array(1 << 20).fill(3);
  const draft: EventDraft = {
    id: new Uint8Array(16),
    type: 't',
    contentType: 'binary',
    data,
    metadata: new Uint8Array(),
  };
  const payload = new EventEncoder().encode('s' as StreamName, 0 as Revision, draft);
  expect(payload.length).toBe(EVENT_HEADER_BYTES + 2 + data.length);
  expect(Buffer.compare(decodeEvent(payload, AT).data, data)).toBe(0);
});

test('the header fields fill the header without a gap or an overlap', () => {
  let end = 0;
  for (const { offset, bytes } of Object.values(EVENT_FIELDS)) {
    expect(offset).toBe(end);
    end = offset + bytes;
  }
  expect(end).toBe(EVENT_HEADER_BYTES);
});

test('the layout on disk is this one, to the byte', () => {
  const draft: EventDraft = {
    id: Uint8Array.from({ length: 16 }, (_, index) => 0xa0 + index),
    type: 'ty',
    contentType: 'json',
    data: Buffer.from('{}'),
    metadata: Buffer.from('m'),
  };
  const payload = new EventEncoder().encode('ström' as StreamName, 0x0102_0304_0506 as Revision, draft);
  expect(Buffer.from(payload).toString('hex')).toBe(
    [
      '01',
      '01',
      '0600',
      '0200',
      '060504030201',
      '01000000',
      'a0a1a2a3a4a5a6a7a8a9aaabacadaeaf',
      '737472c3b66d',
      '7479',
      '6d',
      '7b7d',
    ].join(''),
  );
});

test('a payload that is cut anywhere in what its header announces is refused as corrupt', () => {
  const encoder = new EventEncoder();
  fc.assert(
    fc.property(name, event, fc.nat(), (stream, draft, cut) => {
      const payload = encoder.encode(stream as StreamName, 0 as Revision, draft);
      const announced = payload.length - draft.data.length;
      const shorter = payload.subarray(0, cut % announced);
      expect(() => checkEventEntry(shorter, AT)).toThrow(TruthError);
    }),
  );
});

test('a payload of a newer format says which one and what to do', () => {
  const payload = new Uint8Array(40).fill(2);
  expect(() => decodeEvent(payload, AT)).toThrow(
    expect.objectContaining({ code: 'UNSUPPORTED_VERSION', message: expect.stringContaining('version 2') }),
  );
});

test('random bytes never give anything but an event or a typed refusal', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.boolean(), (bytes, versioned) => {
      if (versioned) bytes[0] = 1;
      try {
        expect(decodeEvent(bytes, AT).id).toHaveLength(16);
      } catch (error) {
        expect(error).toBeInstanceOf(TruthError);
      }
    }),
    { numRuns: 2000 },
  );
});

test('entries of other layers change nothing, and events change the state exactly once', () => {
  const seen: number[] = [];
  const state = { eventAppended: (position: Sequence) => seen.push(position) };
  const payload = new EventEncoder().encode('s' as StreamName, 0 as Revision, {
    id: new Uint8Array(16),
    type: 't',
    contentType: 'json',
    data: new Uint8Array(),
    metadata: new Uint8Array(),
  });
  evolve(state, { sequence: 3 as Sequence, type: 17, tenant: 0 as TenantId, payload: new Uint8Array() });
  evolve(state, { sequence: 4 as Sequence, type: 16, tenant: 0 as TenantId, payload });
  expect(seen).toEqual([4]);
});
