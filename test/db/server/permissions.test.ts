import { expect, test } from 'vitest';
import { allow, may, type Right } from '../../../db/server/permissions.ts';
import type { Principal } from '../../../db/server/session-host.ts';
import { ROLES, type Role } from '../../../db/server/token-file.ts';
import type { TenantId } from '../../../db/types.ts';

const ALL: readonly Right[] = [
  'append',
  'read',
  'write',
  'define',
  'verify',
  'govern',
  'observe',
  'administer',
  'copy',
];

function rights(role: Role, tenant: number): Right[] {
  const principal: Principal = { tokenId: 'x', name: 'x', role, tenant: tenant as TenantId };
  return ALL.filter((right) => may(principal, right));
}

test('what each role may, in the first tenant', () => {
  expect(Object.fromEntries(ROLES.map((role) => [role, rights(role, 0)]))).toEqual({
    operator: ALL,
    owner: ['append', 'read', 'write', 'define', 'verify', 'govern', 'observe'],
    writer: ['append', 'read', 'write', 'observe'],
    reader: ['read', 'observe'],
    auditor: ['verify', 'observe'],
  });
});

test('in another tenant nobody may what concerns more than that tenant, whatever the role', () => {
  for (const role of ROLES) {
    const within = rights(role, 7);
    expect(within).toEqual(
      rights(role, 0).filter((right) => !['observe', 'administer', 'copy'].includes(right)),
    );
  }
});

test('a refusal says who, as what, and what it was', () => {
  const auditor: Principal = { tokenId: 'x', name: 'eve', role: 'auditor', tenant: 7 as TenantId };
  expect(() => allow(auditor, 'read')).toThrow(/"eve" has the role auditor in tenant 7, which may not read/);
});
