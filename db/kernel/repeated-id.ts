import type { EventDraft } from './event.ts';
import { idOffset, idSource } from './packed-draft.ts';

/** The table is at most half full. */
const SLOTS_PER_EVENT = 2;
const WORDS = 4;
const WORD_BYTES = 4;

/**
 * The first two events of a request that carry the same id, or null. Compares by table, not by pairs: a request of
 * 10,000 events would otherwise cost 50 million comparisons.
 */
export function repeatedId(events: readonly EventDraft[]): { first: number; second: number } | null {
  if (events.length < 2) return null;
  const slots = 1 << (32 - Math.clz32(events.length * SLOTS_PER_EVENT - 1));
  const table = new Int32Array(slots);
  for (let second = 0; second < events.length; second++) {
    const event = events[second]!;
    const id = idSource(event);
    const at = idOffset(event);
    let slot = mix(id, at) & (slots - 1);
    for (let taken = table[slot]!; taken !== 0; taken = table[slot]!) {
      if (isId(events[taken - 1]!, id, at)) return { first: taken - 1, second };
      slot = (slot + 1) & (slots - 1);
    }
    table[slot] = second + 1;
  }
  return null;
}

function mix(id: Uint8Array, start: number): number {
  let hash = 0;
  for (let word = 0; word < WORDS; word++) {
    const at = start + word * WORD_BYTES;
    const value = id[at]! | (id[at + 1]! << 8) | (id[at + 2]! << 16) | (id[at + 3]! << 24);
    hash = Math.imul(hash ^ value, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash;
}

/** Nearly always different in the first byte already, which a call out of JavaScript is not worth. */
function isId(event: EventDraft, id: Uint8Array, start: number): boolean {
  const other = idSource(event);
  const offset = idOffset(event);
  for (let at = 0; at < WORDS * WORD_BYTES; at++) if (other[offset + at] !== id[start + at]) return false;
  return true;
}
