/**
 * `ranking/indexes/bitmaps/` has sets of entity numbers: what filters, states and candidates are made of. It may import ground
 * and the kernel's `invariant`. Numbers come in one by one or sorted; sets, their combinations and their bytes go out.
 *
 *     Bitmap            for many, and for sets that change; copies are cheap
 *     SortedNumbers     for few, and for those that are only gone through
 *     number-sets       out of two, whatever they are
 *     roaring-format    bytes that other Roaring libraries read
 */
export { Bitmap } from './bitmap.ts';
export { intersect, intersectionSize, NO_NUMBERS, unite, without } from './number-sets.ts';
export { decodeRoaring, encodeRoaring } from './roaring-format.ts';
export { SortedNumbers } from './sorted-numbers.ts';
