/** Who may ask which proofs. */
import { describe, expect, test } from 'vitest';
import type { EngineProofs, ProofCommand } from '../../../db/engine.ts';
import { askForProof } from '../../../db/server/proof-requests.ts';
import type { Principal } from '../../../db/server/session-host.ts';
import type { TenantId } from '../../../db/types.ts';

const proofs: EngineProofs = {
  status: () => ({ sequence: 0, signed: 0, checkpoints: 0, problem: null }),
  ask: async (command) => ({ ...command }),
  settle: async () => {},
};

/** What was told of whom. */
const told: string[] = [];
const audit: Parameters<typeof askForProof>[1] = {
  act: async ({ name }, what, act) => {
    told.push(`${name}: ${what}`);
    return act();
  },
  read: ({ name }, what) => void told.push(`${name}: ${what}`),
};

function principal(role: Principal['role'], tenant: number): Principal {
  return { tokenId: 'id', name: `${role} of ${tenant}`, role, tenant: tenant as TenantId };
}

const range = (kind: 'entries' | 'tenant', tenant: number): ProofCommand => ({
  command: 'proof-range',
  kind,
  tenant,
  from: 1,
  to: 2,
  since: null,
});

const entries = (kind: 'entries' | 'tenant', tenant: number, payloads: boolean): ProofCommand => ({
  command: 'proof-entries',
  kind,
  tenant,
  from: 1,
  to: 2,
  firstLeaf: 0,
  leaves: 2,
  at: 0,
  payloads,
});

const ask = (who: Principal, command: ProofCommand) => askForProof(proofs, audit, who, command);
const FORBIDDEN = { code: 'FORBIDDEN' };

describe('everybody', () => {
  test.each(['operator', 'owner', 'writer', 'reader', 'auditor'] as const)(
    'as %s may have checkpoints',
    async (role) => {
      await ask(principal(role, 3), { command: 'checkpoint-latest' });
      await ask(principal(role, 3), { command: 'proof-consistency', size: 1 });
    },
  );

  test('hears where no proofs are kept', () => {
    expect(() => askForProof(null, audit, principal('reader', 0), { command: 'checkpoint-latest' })).toThrow(
      'keeps no proofs',
    );
  });
});

describe('an auditor', () => {
  const auditor = principal('auditor', 3);

  test('sees the proofs of his tenant, and no payload', async () => {
    await ask(auditor, range('tenant', 3));
    await ask(auditor, entries('tenant', 3, false));
    expect(await ask(auditor, entries('tenant', 3, true))).toMatchObject({ payloads: false });
  });

  test('of a tenant sees nothing of another one, nor of all', () => {
    for (const command of [
      range('tenant', 4),
      range('tenant', 0),
      range('entries', 0),
      entries('entries', 0, false),
    ])
      expect(() => ask(auditor, command)).toThrowError(expect.objectContaining(FORBIDDEN));
  });

  test('of the first tenant verifies everything and reads nothing', async () => {
    const first = principal('auditor', 0);
    for (const command of [range('tenant', 4), range('entries', 0), entries('entries', 0, false)])
      await ask(first, command);
    expect(await ask(first, entries('entries', 0, true))).toMatchObject({ payloads: false });
  });
});

test('payloads are for whoever may read them: owners their own, operators all', async () => {
  expect(await ask(principal('owner', 3), entries('tenant', 3, true))).toMatchObject({ payloads: true });
  expect(() => ask(principal('owner', 3), entries('tenant', 4, true))).toThrowError(
    expect.objectContaining(FORBIDDEN),
  );
  await ask(principal('operator', 0), entries('tenant', 4, true));
  expect(await ask(principal('operator', 0), entries('entries', 0, true))).toMatchObject({ payloads: true });
  expect(() => ask(principal('writer', 3), range('tenant', 3))).toThrowError(
    expect.objectContaining(FORBIDDEN),
  );
});

test('signing now is for operators', async () => {
  await ask(principal('operator', 0), { command: 'checkpoint-create' });
  for (const role of ['owner', 'writer', 'reader', 'auditor'] as const)
    expect(() => ask(principal(role, 0), { command: 'checkpoint-create' })).toThrowError(
      expect.objectContaining(FORBIDDEN),
    );
});

test('signing, and what entries hold being shown, is told once each', async () => {
  told.length = 0;
  const operator = principal('operator', 0);
  await ask(operator, { command: 'checkpoint-create' });
  for (const at of [0, 1]) await ask(operator, { ...entries('tenant', 4, true), at } as ProofCommand);
  await ask(operator, entries('tenant', 4, false));
  expect(told).toEqual([
    'operator of 0: checkpoint-create',
    'operator of 0: entries of tenant 4 from 1 to 2, with proof',
  ]);
});
