/** A number in [0, 1) that depends on an entity and a seed only (the finaliser of MurmurHash3, public domain). */
export function mixed(number: number, seed: number): number {
  let hash = Math.imul(number ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(seed | 0, 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 4_294_967_296;
}
