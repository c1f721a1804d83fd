/** A client's memory of what it saw signed, against servers that are honest, rolled back, restored, or of two minds. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ProofCommand } from '../../../db/audit/proof-commands.ts';
import { hex, sha256 } from '../../../db/audit/verifier.ts';
import { type Asked, CheckpointGuard } from '../../../db/client/checkpoint-guard.ts';
import { appendFor, openProven, type Proven, rootKeyOf, signAll } from '../audit/support.ts';
import { temporaryData } from '../support/temporary.ts';

/** A server, as far as a guard meets one: what is asked and answered is JSON. */
function server({ service }: Proven): Asked {
  return {
    administer: async (command) => JSON.parse(JSON.stringify(await service.answer(command as ProofCommand))),
  };
}

async function signedServer(entries = 3): Promise<Proven> {
  const proven = await openProven();
  for (let at = 0; at < entries; at++) appendFor(proven.log, 1, 2);
  signAll(proven);
  return proven;
}

function guardOf(proven: Proven, file?: string): CheckpointGuard {
  return new CheckpointGuard({ rootKey: hex(rootKeyOf(proven)), ...(file === undefined ? {} : { file }) });
}

/** More of a history, signed. */
function goOn(proven: Proven, entries = 4): void {
  for (let at = 0; at < entries; at++) appendFor(proven.log, 2);
  signAll(proven);
}

describe('a history that extends what was seen', () => {
  test('is remembered, in a file from one client to the next', async () => {
    const file = join(temporaryData(), 'seen');
    const proven = await signedServer();
    const first = await guardOf(proven, file).check(server(proven));
    goOn(proven);
    const next = guardOf(proven, file);
    expect(next.last).toEqual(first);
    const second = await next.check(server(proven));
    expect(second!.size).toBeGreaterThan(first!.size);
    expect(await next.check(server(proven))).toEqual(second);
    expect(guardOf(proven, file).last).toEqual(second);
  });

  test('may have nothing signed yet', async () => {
    const proven = await openProven();
    const guard = new CheckpointGuard({ rootKey: '00'.repeat(32) });
    expect(await guard.check(server(proven))).toBeNull();
    expect(guard.last).toBeNull();
  });
});

describe('a server is refused', () => {
  const REFUSED = { code: 'FORKED', details: { branch: false } };

  test('that was rolled back, also when it goes on from there', async () => {
    const proven = await signedServer();
    const older = proven.disk.copy();
    goOn(proven);
    const guard = guardOf(proven);
    await guard.check(server(proven));
    const rolledBack = await openProven(older);
    await expect(guard.check(server(rolledBack))).rejects.toMatchObject(REFUSED);
    goOn(rolledBack, 40);
    await expect(guard.check(server(rolledBack))).rejects.toMatchObject(REFUSED);
    expect(() => guard.acceptBranch(2)).toThrow('no branch of epoch 2');
    await guard.check(server(proven));
  });

  test('that shows one history to one client and another to the next', async () => {
    const proven = await signedServer();
    const fork = await openProven(proven.disk.copy());
    goOn(proven, 4);
    for (let at = 0; at < 3; at++) appendFor(fork.log, 1);
    signAll(fork);
    const [alice, bob] = [guardOf(proven), guardOf(fork)];
    await alice.check(server(proven));
    await bob.check(server(fork));
    await expect(alice.check(server(fork))).rejects.toMatchObject(REFUSED);
    await expect(bob.check(server(proven))).rejects.toMatchObject(REFUSED);
  });

  test('that has signed nothing although something was seen', async () => {
    const proven = await signedServer();
    const guard = guardOf(proven);
    await guard.check(server(proven));
    await expect(guard.check(server(await openProven()))).rejects.toMatchObject(REFUSED);
  });

  test('whose checkpoints another root key vouches for', async () => {
    const [proven, other] = [await signedServer(), await signedServer()];
    await expect(guardOf(proven).check(server(other))).rejects.toMatchObject({ code: 'CORRUPT' });
  });

  test('whose proof of consistency does not hold, or that gives none', async () => {
    const proven = await signedServer();
    const guard = guardOf(proven);
    await guard.check(server(proven));
    goOn(proven);
    const honest = server(proven);
    const lying = (path: unknown): Asked => ({
      administer: async (command) => ({ ...(await honest.administer(command)), path }),
    });
    const wrong = [Buffer.alloc(32).toString('base64')];
    for (const path of [[], wrong, null, 7]) {
      await expect(guard.check(lying(path))).rejects.toMatchObject(REFUSED);
    }
  });
});

describe('a restored server', () => {
  async function restored() {
    const proven = await signedServer();
    const older = proven.disk.copy();
    goOn(proven);
    const guard = guardOf(proven);
    const seen = await guard.check(server(proven));
    const branch = await openProven(older, 'restore');
    goOn(branch, 20);
    return { guard, seen: seen!, branch, proven };
  }

  test('is refused with the branch it has signed, until somebody accepts that one', async () => {
    const { guard, seen, branch, proven } = await restored();
    const refusal = await guard.check(server(branch)).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'FORKED', details: { branch: true, reason: 'restore' } });
    const { epoch, sequence } = (refusal as { details: { epoch: number; sequence: number } }).details;
    expect(sequence).toBeLessThan(seen.size);
    expect(guard.last).toEqual(seen);
    expect(() => guard.acceptBranch(epoch + 1)).toThrow('no branch');
    guard.acceptBranch(epoch);
    await guard.check(server(branch));
    goOn(branch);
    await guard.check(server(branch));
    await expect(guard.check(server(proven))).rejects.toMatchObject({ code: 'FORKED' });
  });

  test('cannot pass off another entry as the epoch it began', async () => {
    const { guard, seen, branch } = await restored();
    const honest = server(branch);
    const { bundle } = await honest.administer({
      command: 'proof-branch',
      epoch: seen.epoch,
      size: seen.size,
    });
    const changed = Buffer.from(String(bundle), 'base64');
    // The last part of the epoch entry's payload, and then the hash of the whole.
    changed.writeUInt8(changed.readUInt8(changed.length - 60) ^ 1, changed.length - 60);
    changed.set(sha256(changed.subarray(0, -32)), changed.length - 32);
    const lying: Asked = {
      administer: async (command) =>
        (command as ProofCommand).command === 'proof-branch'
          ? { bundle: changed.toString('base64') }
          : honest.administer(command),
    };
    await expect(guard.check(lying)).rejects.toMatchObject({ code: 'FORKED', details: { branch: false } });
  });
});

test('a file that was changed, or a key that is none, is not believed', async () => {
  const file = join(temporaryData(), 'seen');
  const proven = await signedServer();
  await guardOf(proven, file).check(server(proven));
  writeFileSync(file, 'truthdb checkpoint 1\n');
  expect(() => guardOf(proven, file)).toThrow('not the text of a checkpoint');
  expect(() => new CheckpointGuard({ rootKey: 'abc' })).toThrow('64 hexadecimal digits');
});
