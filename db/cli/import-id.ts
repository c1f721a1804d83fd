/** Event ids that follow from what is imported, so that importing it again changes nothing. */

/** A UUID of version 8 (RFC 9562: for whoever's own scheme) from the first bytes of a hash. */
export function uuidFromHash(hash: Uint8Array): Uint8Array {
  const id = Buffer.from(hash.subarray(0, 16));
  id[6] = ((id[6] as number) & 0x0f) | 0x80;
  id[8] = ((id[8] as number) & 0x3f) | 0x80;
  return id;
}
