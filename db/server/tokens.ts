/**
 * Bearer tokens: who may talk to the server. `metadata/tokens.json` keeps only SHA-256 hashes; a token itself is shown
 * once, when it is made. Tokens are 256 random bits, so one plain hash is enough: there is nothing to guess or stretch.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { TruthError } from '../errors.ts';
import { type Disk, readSmallFile, writeSmallFile } from '../io/index.ts';

export const ROLES = ['operator', 'writer', 'reader'] as const;
/** `operator` may do everything, `writer` append and read, `reader` only read. */
export type Role = (typeof ROLES)[number];

export interface TokenRecord {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  /** SHA-256 of the token's text, 64 hexadecimal digits. */
  readonly hash: string;
  readonly createdAt: string;
}

const TOKENS_MAX = 1000;
const TOKEN_RANDOM_BYTES = 32;
const ID_RANDOM_BYTES = 6;
const HASH = /^[0-9a-f]{64}$/;
export const TOKEN_NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/;

const fileSchema = z.strictObject({
  version: z.literal(1),
  tokens: z
    .array(
      z.strictObject({
        id: z.string().min(1),
        name: z.string().regex(TOKEN_NAME),
        role: z.enum(ROLES),
        hash: z.string().regex(HASH),
        createdAt: z.iso.datetime(),
      }),
    )
    .max(TOKENS_MAX),
});

export interface NewToken {
  readonly name: string;
  readonly role: Role;
  /** Hash of a token somebody else made and keeps; null: one is made here. */
  readonly hash: string | null;
}

export class TokenStore {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #random: (bytes: number) => Uint8Array;
  readonly #revoked = new Set<(id: string) => void>();
  #tokens: readonly TokenRecord[];

  /** Reads the file; without one there are no tokens yet. Errors: CONFIG when the file is not what it should be. */
  constructor(disk: Disk, path: string, random: (bytes: number) => Uint8Array) {
    this.#disk = disk;
    this.#path = path;
    this.#random = random;
    this.#tokens = readTokens(disk, path) ?? [];
  }

  static exists(disk: Disk, path: string): boolean {
    return readTokens(disk, path) !== null;
  }

  list(): readonly TokenRecord[] {
    return this.#tokens;
  }

  has(id: string): boolean {
    return this.#tokens.some((token) => token.id === id);
  }

  /** The token's record, or null. Takes the same time whichever token matches, or none. */
  verify(text: string): TokenRecord | null {
    const given = createHash('sha256').update(text).digest();
    let found: TokenRecord | null = null;
    for (const token of this.#tokens) {
      if (timingSafeEqual(given, Buffer.from(token.hash, 'hex'))) found = token;
    }
    return found;
  }

  /** Stores a token; returns its text when it was made here. Errors: INVALID_ARGUMENT, ALREADY_EXISTS. */
  create(
    request: NewToken,
    createdAt: Date,
  ): { readonly record: TokenRecord; readonly token: string | null } {
    if (!TOKEN_NAME.test(request.name)) {
      throw new TruthError(
        'INVALID_ARGUMENT',
        `"${request.name}" is no name for a token: letters, digits and . _ @ - are allowed, 64 at most`,
      );
    }
    if (request.hash !== null && !HASH.test(request.hash)) {
      throw new TruthError(
        'INVALID_ARGUMENT',
        'a token hash is the SHA-256 of the token text: 64 lowercase hexadecimal digits',
      );
    }
    if (this.#tokens.some((token) => token.name === request.name || token.hash === request.hash)) {
      throw new TruthError(
        'ALREADY_EXISTS',
        `a token named "${request.name}" (or with that hash) exists; revoke it first or choose another name`,
      );
    }
    if (this.#tokens.length >= TOKENS_MAX) {
      throw new TruthError('TOO_LARGE', `there are ${TOKENS_MAX} tokens already; revoke some first`);
    }
    const token = request.hash === null ? tokenText(this.#random(TOKEN_RANDOM_BYTES)) : null;
    const record: TokenRecord = {
      id: Buffer.from(this.#random(ID_RANDOM_BYTES)).toString('hex'),
      name: request.name,
      role: request.role,
      hash: token === null ? (request.hash as string) : hashToken(token),
      createdAt: createdAt.toISOString(),
    };
    this.#store([...this.#tokens, record]);
    return { record, token };
  }

  /** Removes the token with that id or name and tells the listeners, who close its connections. Errors: NOT_FOUND. */
  revoke(idOrName: string): TokenRecord {
    const record = this.#tokens.find((token) => token.id === idOrName || token.name === idOrName);
    if (record === undefined) {
      throw new TruthError('NOT_FOUND', `there is no token with the id or name "${idOrName}"`);
    }
    this.#store(this.#tokens.filter((token) => token !== record));
    for (const listener of this.#revoked) listener(record.id);
    return record;
  }

  onRevoked(listener: (id: string) => void): () => void {
    this.#revoked.add(listener);
    return () => this.#revoked.delete(listener);
  }

  #store(tokens: readonly TokenRecord[]): void {
    const text = `${JSON.stringify({ version: 1, tokens }, null, 2)}\n`;
    writeSmallFile(this.#disk, this.#path, Buffer.from(text));
    this.#tokens = tokens;
  }
}

export function hashToken(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function tokenText(random: Uint8Array): string {
  return Buffer.from(random).toString('base64url');
}

function readTokens(disk: Disk, path: string): readonly TokenRecord[] | null {
  const bytes = readSmallFile(disk, path);
  if (bytes === null) return null;
  try {
    return fileSchema.parse(JSON.parse(Buffer.from(bytes).toString())).tokens;
  } catch (cause) {
    throw new TruthError(
      'CONFIG',
      `${path} is not a token file of this version; restore it, or move it away and run "truthdb init" again`,
      {},
      { cause },
    );
  }
}
