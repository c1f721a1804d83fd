import type { Durability } from './log.ts';

const STRICTNESS: Readonly<Record<Durability, number>> = { async: 0, group_sync: 1, sync: 2 };

/** The one of two durabilities that promises more. */
export function stricter(a: Durability, b: Durability): Durability {
  return STRICTNESS[a] >= STRICTNESS[b] ? a : b;
}
