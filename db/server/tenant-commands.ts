/** Tenants, their keys and what is audited, over a connection. */
import { z } from 'zod';
import type { Engine } from '../engine.ts';
import { TruthError } from '../errors.ts';
import { READS_AUDITED, type TenantRecord } from '../tenancy/index.ts';
import { type Sequence, sequence, TENANT_DEFAULT, type TenantId } from '../types.ts';
import { allow, may, type Right } from './permissions.ts';
import type { Principal } from './session-host.ts';
import type { TokenStore } from './tokens.ts';

const limit = z.int().min(0).nullable();
const name = z.string().min(1);
/** Null: the tenant of whoever asks. */
const tenant = z.string().min(1).nullable().default(null);

export const TENANT_COMMANDS = [
  z.strictObject({ command: z.literal('tenant-list') }),
  /** The number of the tenant with a name. */
  z.strictObject({ command: z.literal('tenant-find'), name }),
  z.strictObject({ command: z.literal('tenant-create'), name, encrypted: z.boolean() }),
  z.strictObject({ command: z.literal('tenant-rename'), name, to: name }),
  z.strictObject({
    command: z.literal('tenant-quota'),
    name,
    bytes: limit,
    bytesPerSecond: limit,
    streams: limit,
  }),
  z.strictObject({ command: z.literal('tenant-suspend'), name }),
  z.strictObject({ command: z.literal('tenant-resume'), name }),
  z.strictObject({ command: z.literal('tenant-encrypt'), name }),
  z.strictObject({ command: z.literal('tenant-audit-reads'), name, audited: z.enum(READS_AUDITED) }),
  /** `confirm` is the name again, typed by whoever wants it. */
  z.strictObject({ command: z.literal('tenant-shred'), name, confirm: z.string() }),
  z.strictObject({ command: z.literal('subject-erase'), tenant, subject: name, confirm: z.string() }),
  z.strictObject({ command: z.literal('key-rotate'), tenant }),
  z.strictObject({ command: z.literal('key-rewrap') }),
  /** `publicKey` in PEM: to whom they are sealed. */
  z.strictObject({ command: z.literal('key-export'), publicKey: z.string() }),
  z.strictObject({
    command: z.literal('audit-list'),
    /** A name; null: the tenant of whoever asks, for an operator all of them. */
    tenant,
    before: z.int().min(1).nullable().default(null),
    limit: z.int().min(1).max(1000).default(100),
  }),
] as const;

export type TenantCommand = z.infer<(typeof TENANT_COMMANDS)[number]>;

const OWN: Readonly<Partial<Record<TenantCommand['command'], Right>>> = {
  'tenant-find': 'verify',
  'subject-erase': 'govern',
  'key-rotate': 'govern',
  'audit-list': 'verify',
};

/** Whether a command changes nothing. */
export function isListing(command: string): boolean {
  return command.endsWith('-list') || command === 'tenant-find';
}

/** Errors: FORBIDDEN. */
export function allowTenantCommand(principal: Principal, command: TenantCommand): void {
  const right = OWN[command.command];
  const elsewhere = 'tenant' in command && command.tenant !== null;
  allow(principal, right === undefined || elsewhere ? 'administer' : right);
}

type TenantsEngine = Pick<Engine, 'tenants' | 'audit'>;

/** Errors: those of the command. The right was checked. */
export async function administerTenants(
  { tenants, audit }: TenantsEngine,
  tokens: TokenStore,
  principal: Principal,
  command: TenantCommand,
): Promise<object> {
  const own = (): string => nameOf(tenants.get(principal.tenant));
  switch (command.command) {
    case 'tenant-list':
      return { tenants: tenants.list() };
    case 'tenant-find':
      return { id: idOf(tenants, principal, command.name) };
    case 'tenant-create':
      return { tenant: await tenants.create(command.name, command) };
    case 'tenant-rename':
      return { tenant: await tenants.rename(command.name, command.to) };
    case 'tenant-quota': {
      const { bytes, bytesPerSecond, streams } = command;
      return { tenant: await tenants.limit(command.name, { bytes, bytesPerSecond, streams }) };
    }
    case 'tenant-suspend':
      return { tenant: await tenants.suspend(command.name) };
    case 'tenant-resume':
      return { tenant: await tenants.resume(command.name) };
    case 'tenant-encrypt':
      return { tenant: await tenants.encrypt(command.name) };
    case 'tenant-audit-reads':
      return { tenant: await tenants.auditReads(command.name, command.audited) };
    case 'tenant-shred': {
      checkConfirmed(command.confirm, command.name);
      const { id } = tenants.named(command.name);
      const certificate = await tenants.shred(command.name);
      return { certificate, revoked: tokens.revokeTenant(id).length };
    }
    case 'subject-erase':
      checkConfirmed(command.confirm, command.subject);
      return { certificate: await tenants.eraseSubject(command.tenant ?? own(), command.subject) };
    case 'key-rotate':
      return { tenant: await tenants.rotateKey(command.tenant ?? own()) };
    case 'key-rewrap':
      await tenants.replaceKek();
      return { rewrapped: true };
    case 'key-export':
      return { sealed: tenants.exportKeys(command.publicKey) };
    case 'audit-list': {
      const of = command.tenant === null ? scopeOf(principal) : tenants.named(command.tenant).id;
      const before =
        command.before === null ? (Number.MAX_SAFE_INTEGER as Sequence) : sequence(command.before);
      const entries = audit.list({ tenant: of, before, limit: command.limit });
      return { entries: entries.map((entry) => ({ ...entry, at: timeOf(entry.at) })) };
    }
  }
}

/** What a command is about, for the trail: never what somebody typed as a secret. */
export function aboutCommand(command: object): string {
  const words = Object.entries(command).filter(
    ([key]) => !['hash', 'confirm', 'subject', 'publicKey', 'file'].includes(key),
  );
  return words
    .map(([key, value]) => (key === 'command' ? String(value) : `${key}=${JSON.stringify(value)}`))
    .join(' ');
}

function scopeOf(principal: Principal): TenantId | null {
  return may(principal, 'administer') ? null : principal.tenant;
}

/** Whoever sees proofs of all tenants may know their names; others know their own. Errors: NOT_FOUND. */
function idOf(tenants: Engine['tenants'], { name: token, tenant }: Principal, wanted: string): TenantId {
  if (tenant === TENANT_DEFAULT) return tenants.find(wanted).id;
  const own = nameOf(tenants.get(tenant));
  if (wanted === own) return tenant;
  throw new TruthError(
    'NOT_FOUND',
    `the token "${token}" is of tenant "${own}" and knows of no tenant "${wanted}"`,
    { tenant: wanted },
  );
}

function nameOf(record: TenantRecord | null): string {
  if (record !== null) return record.name;
  throw new TruthError('NOT_FOUND', 'the tenant of this token does not exist');
}

function checkConfirmed(given: string, wanted: string): void {
  if (given === wanted) return;
  throw new TruthError(
    'INVALID_ARGUMENT',
    'what is typed to confirm must be what is to be erased, letter for letter; nothing was erased',
  );
}

function timeOf(at: bigint): string {
  return new Date(Number(at / 1_000_000n)).toISOString();
}
