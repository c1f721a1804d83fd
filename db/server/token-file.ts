/**
 * `metadata/tokens.json`. Version 1 knew three roles and no tenants; it is still read, and still written for as long as
 * nothing in it needs version 2, so that a release that only knows version 1 can be gone back to.
 */
import { z } from 'zod';
import { TruthError } from '../errors.ts';
import { type Disk, readSmallFile, writeSmallFile } from '../io/index.ts';
import { TENANT_DEFAULT, type TenantId } from '../types.ts';
import type { ScramVerifier } from './scram.ts';

export const ROLES = ['operator', 'owner', 'writer', 'reader', 'auditor'] as const;
/** What each may do: permissions.ts. */
export type Role = (typeof ROLES)[number];

export interface TokenRecord {
  readonly id: string;
  /** One of a kind within its tenant. */
  readonly name: string;
  readonly role: Role;
  readonly tenant: TenantId;
  /** SHA-256 of the token's text, 64 hexadecimal digits. */
  readonly hash: string;
  /** For logins that prove the token without sending it; null for tokens somebody else made. */
  readonly scram: ScramVerifier | null;
  readonly createdAt: string;
  /** ISO 8601, like `createdAt`; null: never. */
  readonly expiresAt: string | null;
}

export const TOKENS_MAX = 10_000;
export const TOKEN_NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/;
export const TOKEN_HASH = /^[0-9a-f]{64}$/;
const TENANT_MAX = 0xffff_ffff;
const ROLES_OF_VERSION_1 = ['operator', 'writer', 'reader'] as const;

const common = {
  id: z.string().min(1),
  name: z.string().regex(TOKEN_NAME),
  hash: z.string().regex(TOKEN_HASH),
  createdAt: z.iso.datetime(),
};
const scramSchema = z.strictObject({
  salt: z.base64(),
  iterations: z.int().min(4096),
  storedKey: z.base64(),
  serverKey: z.base64(),
});
const fileSchema = z.discriminatedUnion('version', [
  z.strictObject({
    version: z.literal(1),
    tokens: z.array(z.strictObject({ ...common, role: z.enum(ROLES_OF_VERSION_1) })).max(TOKENS_MAX),
  }),
  z.strictObject({
    version: z.literal(2),
    tokens: z
      .array(
        z.strictObject({
          ...common,
          role: z.enum(ROLES),
          tenant: z.int().min(0).max(TENANT_MAX),
          scram: scramSchema.nullable(),
          expiresAt: z.iso.datetime().nullable(),
        }),
      )
      .max(TOKENS_MAX),
  }),
]);

/** Null when there is no file. Errors: CONFIG when it is not what it should be. */
export function readTokenFile(disk: Disk, path: string): readonly TokenRecord[] | null {
  const bytes = readSmallFile(disk, path);
  if (bytes === null) return null;
  try {
    const file = fileSchema.parse(JSON.parse(Buffer.from(bytes).toString()));
    if (file.version === 2)
      return file.tokens.map((token) => ({ ...token, tenant: token.tenant as TenantId }));
    return file.tokens.map((token) => ({ ...token, tenant: TENANT_DEFAULT, scram: null, expiresAt: null }));
  } catch (cause) {
    throw new TruthError(
      'CONFIG',
      `${path} is not a token file of this version; restore it, or move it away and run "truthdb init" again`,
      {},
      { cause },
    );
  }
}

export function writeTokenFile(disk: Disk, path: string, tokens: readonly TokenRecord[]): void {
  const file = tokens.every(isOfVersion1)
    ? {
        version: 1,
        tokens: tokens.map(({ id, name, role, hash, createdAt }) => ({ id, name, role, hash, createdAt })),
      }
    : {
        version: 2,
        tokens: tokens.map(({ id, name, role, tenant, hash, scram, createdAt, expiresAt }) => {
          return { id, name, role, tenant, hash, scram, createdAt, expiresAt };
        }),
      };
  writeSmallFile(disk, path, Buffer.from(`${JSON.stringify(file, null, 2)}\n`));
}

function isOfVersion1({ role, tenant, scram, expiresAt }: TokenRecord): boolean {
  const roles: readonly Role[] = ROLES_OF_VERSION_1;
  return roles.includes(role) && tenant === TENANT_DEFAULT && scram === null && expiresAt === null;
}
