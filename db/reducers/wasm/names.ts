/** What is added to a program for whoever runs it: exports under names that no program may use itself. */
export const OWN_PREFIX = 'truthdb:';
export const MEMORY_EXPORT = `${OWN_PREFIX}memory`;
/** What may still be spent; below 0 when it ran out. */
export const FUEL_EXPORT = `${OWN_PREFIX}fuel`;
/** Slots of stack that are left; below 0 when calls went too deep. */
export const STACK_EXPORT = `${OWN_PREFIX}stack`;

/** Of a program's mutable global, by its number. */
export function globalExport(index: number): string {
  return `${OWN_PREFIX}global ${index}`;
}
