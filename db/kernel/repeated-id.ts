import type { EventDraft } from './event.ts';

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
    const id = events[second]!.id;
    let slot = mix(id) & (slots - 1);
    for (let taken = table[slot]!; taken !== 0; taken = table[slot]!) {
      if (areSame(events[taken - 1]!.id, id)) return { first: taken - 1, second };
      slot = (slot + 1) & (slots - 1);
    }
    table[slot] = second + 1;
  }
  return null;
}

function mix(id: Uint8Array): number {
  let hash = 0;
  for (let word = 0; word < WORDS; word++) {
    const at = word * WORD_BYTES;
    const value = id[at]! | (id[at + 1]! << 8) | (id[at + 2]! << 16) | (id[at + 3]! << 24);
    hash = Math.imul(hash ^ value, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash;
}

/** Nearly always different in the first byte already, which a call out of JavaScript is not worth. */
function areSame(a: Uint8Array, b: Uint8Array): boolean {
  for (let at = 0; at < WORDS * WORD_BYTES; at++) if (a[at] !== b[at]) return false;
  return true;
}
