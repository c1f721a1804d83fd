/** The events the traced program appends, which whoever looks at the log afterwards knows by their number. */
import type { EventDraft } from '../../../db/kernel/event.ts';
import { Random } from '../../../db/sim/random.ts';

/** Events that are there before the trace: two segments full, and a third begun. */
export const PREPARED = 15;

/** No sector of it is zeros, or like another's. */
export function eventOf(number: number, bytes: number): EventDraft {
  const id = new Uint8Array(16);
  new DataView(id.buffer).setUint32(4, number);
  const data = new Random(number, 'crash-states').bytes(bytes);
  return { id, type: 'traced', contentType: 'binary', data, metadata: new Uint8Array() };
}

export function numberOf({ id }: { readonly id: Uint8Array }): number {
  return new DataView(id.buffer, id.byteOffset).getUint32(4);
}
