import type { StreamName } from '../kernel/event.ts';
import { writeUtf8 } from '../kernel/index.ts';
import { TENANT_DEFAULT, type TenantId } from '../types.ts';
import { hashBytes } from './hash.ts';
import { SCOPE_BYTES, writeScope } from './scoped-name.ts';

/** Room for a scope and the longest name as writeUtf8 wants it: 512 code units of 3 bytes. */
const BYTES = SCOPE_BYTES + 512 * 3;

/**
 * A stream name as the index looks it up: bytes and hash. One key serves many lookups, and the same name again costs a
 * comparison, because an append asks for its stream several times.
 */
export class StreamKey {
  readonly bytes = new Uint8Array(BYTES);
  length = 0;
  hash = 0;
  readonly #seed: number;
  #tenant = TENANT_DEFAULT;
  #stream = '';

  constructor(seed: number) {
    this.#seed = seed;
  }

  set(tenant: TenantId, stream: StreamName): this {
    if (stream === this.#stream && tenant === this.#tenant) return this;
    this.#tenant = tenant;
    this.#stream = stream;
    this.length = writeUtf8(this.bytes, writeScope(this.bytes, tenant), stream);
    this.hash = hashBytes(this.bytes, 0, this.length, this.#seed);
    return this;
  }
}
