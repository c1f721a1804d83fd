import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { StreamName } from '../../../db/kernel/event.ts';
import { EventEncoder } from '../../../db/kernel/index.ts';
import { idHash } from '../../../db/streams/hash.ts';
import { InFlightEvents } from '../../../db/streams/in-flight-events.ts';
import { StreamKey } from '../../../db/streams/stream-key.ts';
import { type Revision, type Sequence, TENANT_DEFAULT } from '../../../db/types.ts';
import { eventDraft, idOf } from '../support/event-drafts.ts';

const SEED = 5;
const encoder = new EventEncoder();
const key = new StreamKey(SEED);

/** Appended and applied in random strides, against a plain list. */
test('knows exactly the events that are appended and not applied', () => {
  const steps = fc.array(fc.record({ stream: fc.constantFrom('a', 'b', 'c'), applies: fc.nat({ max: 3 }) }), {
    maxLength: 150,
  });
  fc.assert(
    fc.property(steps, (list) => {
      let applied = 0;
      const overlay = new InFlightEvents(SEED, () => applied as Sequence);
      const events: { stream: string; revision: number; position: number }[] = [];
      for (const [at, { stream, applies }] of list.entries()) {
        const revision = events.filter((event) => event.stream === stream).length;
        const position = at * 2 + 1;
        const payload = encoder.encode(
          stream as StreamName,
          revision as Revision,
          eventDraft('x', { id: idOf(at) }),
        );
        overlay.eventAppended(position as Sequence, TENANT_DEFAULT, payload);
        events.push({ stream, revision, position });
        applied = Math.min(applied + applies, position);
        for (const name of ['a', 'b', 'c'] as StreamName[]) {
          const inFlight = events.filter((event) => event.stream === name && event.position > applied);
          const last = inFlight.at(-1);
          key.set(TENANT_DEFAULT, name);
          expect(overlay.head(key)).toEqual(
            last === undefined ? null : { revision: last.revision, position: last.position },
          );
        }
      }
      for (const [at, event] of events.entries()) {
        key.set(TENANT_DEFAULT, event.stream as StreamName);
        const found = overlay.candidates(key, idHash(idOf(at), 0, key.hash));
        expect(found).toEqual(event.position > applied ? [event.position] : []);
      }
    }),
  );
});

test('stays small while appends go on for ever, and grows when nothing is applied', () => {
  let applied = 0;
  const overlay = new InFlightEvents(SEED, () => applied as Sequence);
  const lag = 3000;
  for (let at = 1; at <= 100_000; at++) {
    const payload = encoder.encode(
      `s${at % 50}` as StreamName,
      0 as Revision,
      eventDraft('x', { id: idOf(at) }),
    );
    overlay.eventAppended(at as Sequence, TENANT_DEFAULT, payload);
    applied = Math.max(at - lag, 0);
  }
  const known = (at: number): boolean => {
    key.set(TENANT_DEFAULT, `s${at % 50}` as StreamName);
    return overlay.candidates(key, idHash(idOf(at), 0, key.hash)).length > 0;
  };
  for (const at of [1, 50_000, 100_000 - lag]) expect(known(at)).toBe(false);
  for (const at of [100_000 - lag + 1, 99_999, 100_000]) expect(known(at)).toBe(true);
});
