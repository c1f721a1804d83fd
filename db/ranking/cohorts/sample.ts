/**
 * Which cells stay where there is no room for all: of every item, one of 2^level by a hash of the cell, which then counts
 * 2^level times. Who is in the sample of a level is in those of all lower ones, so a sample can be thinned without the rest.
 */

export function isSampled(level: number, group: number, item: number, bucket: number): boolean {
  return level === 0 || cellHash(group, item, bucket) >>> (32 - level) === 0;
}

/** Mixed as MurmurHash3 does (Appleby, 2011). */
function cellHash(group: number, item: number, bucket: number): number {
  let hash = Math.imul(item ^ (item >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13) ^ group, 0xc2b2_ae35);
  hash = Math.imul(hash ^ (hash >>> 16) ^ bucket, 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
