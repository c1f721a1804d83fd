import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { EngineOptions } from '../../../installer/engine/index.ts';
import { ended, useLoopEngine } from './loop-engine.ts';

const loop = useLoopEngine();

describe('an unattended installation', () => {
  const answer = (disk: Record<string, string>) =>
    JSON.stringify({
      version: 1,
      disk,
      operator: { passwordHash: `$6$saltsaltsalt$${'A'.repeat(86)}` },
      adminTokenHash: 'ab'.repeat(32),
      after: 'poweroff',
    });
  const unattended = async (disk: Record<string, string>, changes: Partial<EngineOptions> = {}) => {
    const client = await loop.start({
      unattendedAllowed: async () => true,
      findAnswer: async () => ({ source: 'the test', text: answer(disk) }),
      ...changes,
    });
    client.send({ type: 'unattended' });
    return { client, page: await ended(client) };
  };

  beforeAll(() => loop.machine.reset());
  afterEach(loop.stop);

  it('is refused on a medium without the gate', async () => {
    const { client, page } = await unattended(
      { serial: 'LOOP-0042' },
      { unattendedAllowed: async () => false },
    );
    expect([page, client.view.text[0]]).toEqual(['error', expect.stringMatching(/^\[UNATTENDED_GATE\]/)]);
    expect(loop.isUntouched()).toBe(true);
  });

  it('stops at a machine it cannot install on', async () => {
    const facts = {
      uefi: false,
      efiVariables: false,
      memoryBytes: 4 * 1024 ** 3,
      year: 2026,
      interfaces: [],
    };
    const { client, page } = await unattended({ serial: 'LOOP-0042' }, { readFacts: async () => facts });
    expect([page, client.view.text[0]]).toEqual([
      'error',
      expect.stringMatching(/^\[HARDWARE\] Started without UEFI/),
    ]);
    expect(loop.isUntouched()).toBe(true);
  });

  it('stops at a disk it does not find', async () => {
    const { client, page } = await unattended({ serial: 'LOOP-0043' });
    expect([page, client.view.text[0]]).toEqual([
      'error',
      expect.stringMatching(/^\[ANSWER_DISK\] no disk matches serial "LOOP-0043"/),
    ]);
    expect(loop.isUntouched()).toBe(true);
  });

  it('installs on the empty disk it names, once', async () => {
    expect((await unattended({ serial: 'LOOP-0042' })).page).toBe('done');
    await loop.stop();
    const before = loop.readTable().partitions.map(({ uuid }) => uuid);
    const { client, page } = await unattended({ serial: 'LOOP-0042' });
    expect([page, client.view.text[0]]).toEqual([
      'error',
      expect.stringMatching(/is not empty \(TruthDB with its data\)/),
    ]);
    expect(loop.readTable().partitions.map(({ uuid }) => uuid)).toEqual(before);
  });
});
