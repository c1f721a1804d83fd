/**
 * Bearer tokens: who may talk to the server, in which tenant, as what, until when. `metadata/tokens.json` keeps only SHA-256
 * hashes and SCRAM verifiers; a token itself is shown once, when it is made. Tokens are 256 random bits, so one plain hash
 * is enough: there is nothing to guess or stretch.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { TruthError } from '../errors.ts';
import type { Disk } from '../io/index.ts';
import type { TenantId } from '../types.ts';
import { makeScramVerifier, SCRAM_SALT_BYTES } from './scram.ts';
import {
  type Role,
  readTokenFile,
  TOKEN_HASH,
  TOKEN_NAME,
  TOKENS_MAX,
  type TokenRecord,
  writeTokenFile,
} from './token-file.ts';

const TOKEN_RANDOM_BYTES = 32;
const ID_RANDOM_BYTES = 6;

export interface NewToken {
  readonly name: string;
  readonly role: Role;
  readonly tenant: TenantId;
  /** Hash of a token somebody else made and keeps; null: one is made here. */
  readonly hash: string | null;
  /** Null: never. */
  readonly expiresAt: Date | null;
}

export class TokenStore {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #random: (bytes: number) => Uint8Array;
  readonly #ended = new Set<(id: string) => void>();
  #tokens: readonly TokenRecord[];
  /** Up to here, in milliseconds, `expire` has told of what expired. */
  #sweptAt = 0;

  /** Reads the file; without one there are no tokens yet. Errors: CONFIG when the file is not what it should be. */
  constructor(disk: Disk, path: string, random: (bytes: number) => Uint8Array) {
    this.#disk = disk;
    this.#path = path;
    this.#random = random;
    this.#tokens = readTokenFile(disk, path) ?? [];
  }

  static exists(disk: Disk, path: string): boolean {
    return readTokenFile(disk, path) !== null;
  }

  list(): readonly TokenRecord[] {
    return this.#tokens;
  }

  has(id: string): boolean {
    return this.#tokens.some((token) => token.id === id);
  }

  /** The token's record, or null, also when it has expired. Takes the same time whichever token matches, or none. */
  verify(text: string, now: Date): TokenRecord | null {
    const given = createHash('sha256').update(text).digest();
    let found: TokenRecord | null = null;
    for (const token of this.#tokens) {
      if (timingSafeEqual(given, Buffer.from(token.hash, 'hex'))) found = token;
    }
    return found === null || hasExpired(found, now) ? null : found;
  }

  /** The tenant's token of that name that has not expired, or null: for logins that name a token and prove it themselves. */
  find(tenant: TenantId, name: string, now: Date): TokenRecord | null {
    const found = this.#tokens.find((token) => token.tenant === tenant && token.name === name);
    return found === undefined || hasExpired(found, now) ? null : found;
  }

  /** Stores a token; returns its text when it was made here. Errors: INVALID_ARGUMENT, ALREADY_EXISTS, TOO_LARGE. */
  create(
    request: NewToken,
    createdAt: Date,
  ): { readonly record: TokenRecord; readonly token: string | null } {
    this.#check(request, createdAt);
    const token = request.hash === null ? tokenText(this.#random(TOKEN_RANDOM_BYTES)) : null;
    const record: TokenRecord = {
      id: Buffer.from(this.#random(ID_RANDOM_BYTES)).toString('hex'),
      name: request.name,
      role: request.role,
      tenant: request.tenant,
      hash: token === null ? (request.hash as string) : hashToken(token),
      scram: token === null ? null : makeScramVerifier(token, this.#random(SCRAM_SALT_BYTES)),
      createdAt: createdAt.toISOString(),
      expiresAt: request.expiresAt?.toISOString() ?? null,
    };
    this.#store([...this.#tokens, record]);
    return { record, token };
  }

  #check({ name, hash, tenant, expiresAt }: NewToken, now: Date): void {
    if (!TOKEN_NAME.test(name)) {
      throw new TruthError(
        'INVALID_ARGUMENT',
        `"${name}" is no name for a token: letters, digits and . _ @ - are allowed, 64 at most`,
      );
    }
    if (hash !== null && !TOKEN_HASH.test(hash)) {
      throw new TruthError(
        'INVALID_ARGUMENT',
        'a token hash is the SHA-256 of the token text: 64 lowercase hexadecimal digits',
      );
    }
    if (expiresAt !== null && expiresAt <= now) {
      throw new TruthError(
        'INVALID_ARGUMENT',
        `a token that expired at ${expiresAt.toISOString()} would never let anybody in; give a time to come`,
      );
    }
    // A name that another tenant uses is nobody's business; a hash can only be known to whoever has the token.
    const taken = this.#tokens.some(
      (token) => (token.name === name && token.tenant === tenant) || token.hash === hash,
    );
    if (taken) {
      throw new TruthError(
        'ALREADY_EXISTS',
        `a token named "${name}" (or with that hash) exists; revoke it first or choose another name`,
      );
    }
    if (this.#tokens.length >= TOKENS_MAX) {
      throw new TruthError('TOO_LARGE', `there are ${TOKENS_MAX} tokens already; revoke some first`);
    }
  }

  /**
   * Removes the token with that id or name and tells the listeners, who close its connections. `tenant` null: of any tenant;
   * a name that several tenants have must then be told by its id. Errors: NOT_FOUND, INVALID_ARGUMENT.
   */
  revoke(idOrName: string, tenant: TenantId | null): TokenRecord {
    const found = this.#tokens.filter(
      (token) =>
        (tenant === null || token.tenant === tenant) && (token.id === idOrName || token.name === idOrName),
    );
    const [record] = found;
    if (record === undefined) {
      throw new TruthError('NOT_FOUND', `there is no token with the id or name "${idOrName}"`);
    }
    if (found.length > 1) {
      const ids = found.map(({ id }) => id).join(', ');
      throw new TruthError(
        'INVALID_ARGUMENT',
        `${found.length} tenants have a token named "${idOrName}": give one of ${ids}`,
      );
    }
    this.#remove([record]);
    return record;
  }

  /** Removes every token of a tenant, as `revoke` does. */
  revokeTenant(tenant: TenantId): readonly TokenRecord[] {
    const records = this.#tokens.filter((token) => token.tenant === tenant);
    if (records.length > 0) this.#remove(records);
    return records;
  }

  /** Tells the listeners of tokens that have expired since the last call. To be called now and then. */
  expire(now: Date): void {
    const before = this.#sweptAt;
    this.#sweptAt = now.getTime();
    for (const { id, expiresAt } of this.#tokens) {
      const at = expiresAt === null ? Number.POSITIVE_INFINITY : Date.parse(expiresAt);
      if (at <= before || at > this.#sweptAt) continue;
      for (const listener of this.#ended) listener(id);
    }
  }

  /** Calls with the id of each token that was revoked or has expired. Returns the way to stop. */
  onEnded(listener: (id: string) => void): () => void {
    this.#ended.add(listener);
    return () => this.#ended.delete(listener);
  }

  #remove(records: readonly TokenRecord[]): void {
    this.#store(this.#tokens.filter((token) => !records.includes(token)));
    for (const { id } of records) for (const listener of this.#ended) listener(id);
  }

  #store(tokens: readonly TokenRecord[]): void {
    writeTokenFile(this.#disk, this.#path, tokens);
    this.#tokens = tokens;
  }
}

export function hashToken(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hasExpired({ expiresAt }: TokenRecord, now: Date): boolean {
  return expiresAt !== null && Date.parse(expiresAt) <= now.getTime();
}

function tokenText(random: Uint8Array): string {
  return Buffer.from(random).toString('base64url');
}
