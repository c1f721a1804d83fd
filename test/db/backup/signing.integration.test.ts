/** Who signs for a restored database: the same root key, and nobody who was not given the key that signs. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { decodeCheckpoint } from '../../../db/audit/verifier.ts';
import { CheckpointGuard } from '../../../db/client/index.ts';
import { type Engine, initDatabase, openEngine } from '../../../db/engine.ts';
import { TENANT_DEFAULT } from '../../../db/types.ts';
import { runCommand } from '../support/command.ts';
import { write } from '../tenancy/support.ts';

const PROOFS = { checkpointCommits: 0, checkpointSeconds: 0 };

interface Place {
  readonly folder: string;
  readonly data: string;
  open(directory: string): Promise<Engine>;
}

function newPlace(): Place {
  const folder = mkdtempSync(join(tmpdir(), 'truthdb-signing-'));
  const data = join(folder, 'data');
  initDatabase({ directory: data, segmentBytes: 1 << 20 });
  const engines: Engine[] = [];
  onTestFinished(async () => {
    await Promise.all(engines.map((engine) => engine.close()));
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    folder,
    data,
    open: async (directory) => {
      const engine = await openEngine({ directory, ringBytes: 1 << 22, proofs: PROOFS });
      engines.push(engine);
      return engine;
    },
  };
}

async function sign(engine: Engine): Promise<number> {
  const { created } = (await engine.proofs!.ask({ command: 'checkpoint-create' })) as { created: string };
  return decodeCheckpoint(Buffer.from(created, 'base64')).size;
}

/** A guard asks a server; here the engine answers itself. */
function asked(engine: Engine) {
  return { administer: async (command: object) => ({ ...(await engine.proofs!.ask(command as never)) }) };
}

function rootKeyIn(data: string): string {
  return readFileSync(join(data, 'metadata', 'signing', 'root.public'), 'utf8').trim();
}

/** Two checkpoints, a backup, and a third one that the backup does not have. */
async function backedUp(place: Place, ...options: readonly string[]) {
  const engine = await place.open(place.data);
  await write(engine, TENANT_DEFAULT, 's', 'first');
  const first = await sign(engine);
  await write(engine, TENANT_DEFAULT, 's', 'second');
  const second = await sign(engine);
  // An idle log marks within a moment that all of it is on disk, and a backup has what is marked.
  await sleep(200);
  const to = join(place.folder, 'backup');
  const made = await runCommand('backup', 'create', '--data', place.data, '--to', to, ...options, '--json');
  await write(engine, TENANT_DEFAULT, 's', 'third');
  await sign(engine);
  const guard = new CheckpointGuard({ rootKey: rootKeyIn(place.data) });
  await guard.check(asked(engine));
  await engine.close();
  return { backup: to, made, first, second, guard };
}

test('a restored database has the root key and the checkpoints of before, signs nothing without its key, and goes on when the root key certifies one', async () => {
  const place = newPlace();
  const { backup, made, first, second, guard } = await backedUp(place);
  const { metadata } = made.json<{ metadata: string[] }>();
  expect(metadata).toEqual(['checkpoints/checkpoints', 'signing/root.public', 'signing/certificates']);
  expect(readdirSync(join(backup, 'metadata', 'signing')).sort()).toEqual(['certificates', 'root.public']);
  expect((await runCommand('backup', 'verify', backup)).code).toBe(0);

  const restored = join(place.folder, 'restored');
  const until = ['--until', String(second - 1)] as const;
  expect((await runCommand('backup', 'restore', backup, '--to', restored, ...until)).code).toBe(0);
  const rootKey = rootKeyIn(place.data);
  expect(rootKeyIn(restored)).toBe(rootKey);
  const engine = await place.open(restored);
  await expect(sign(engine)).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: expect.stringContaining('truthdb signing rotate'),
  });
  // What was signed of the history that was left is not there any more, what was kept is.
  const kept = (await engine.proofs!.ask({ command: 'checkpoint-list', from: 0, limit: 9 })) as {
    checkpoints: string[];
  };
  const sizes = kept.checkpoints.map((each) => decodeCheckpoint(Buffer.from(each, 'base64')).size);
  expect(sizes).toEqual([first]);
  expect(existsSync(join(restored, 'metadata', 'signing', 'root.key'))).toBe(false);

  const root = join(place.data, 'metadata', 'signing', 'root.key');
  expect((await runCommand('signing', 'rotate', '--data', restored, '--root', root)).code).toBe(0);
  expect(await sign(engine)).toBeGreaterThan(first);
  // Whoever saw what is gone is told so by an epoch below a signature of the same root, and may take it.
  const refusal = await guard.check(asked(engine)).catch((error: unknown) => error);
  expect(refusal).toMatchObject({ code: 'FORKED', details: { branch: true, reason: 'restore' } });
  guard.acceptBranch((refusal as { details: { epoch: number } }).details.epoch);
  await guard.check(asked(engine));
  await engine.close();
  const verified = await runCommand('verify', restored, '--public-key', rootKey);
  expect(verified.out).toContain('ok');
  expect(verified.code).toBe(0);
});

test('with the signing key in the backup it signs at once, and whoever steals that backup can too', async () => {
  const place = newPlace();
  const { backup, made } = await backedUp(place, '--with-signing');
  const { metadata } = made.json<{ metadata: string[] }>();
  expect(metadata.filter((file) => file.endsWith('.key'))).toEqual([
    expect.stringMatching(/^signing\/[0-9a-f]{32}\.key$/),
  ]);
  const restored = join(place.folder, 'restored');
  expect((await runCommand('backup', 'restore', backup, '--to', restored)).code).toBe(0);
  const engine = await place.open(restored);
  expect(await sign(engine)).toBeGreaterThan(1);
  await engine.close();
  const verified = await runCommand('verify', restored, '--public-key', rootKeyIn(place.data));
  expect(verified.code).toBe(0);
});

test('the signing key is not put into a backup where there is none', async () => {
  const place = newPlace();
  const engine = await place.open(place.data);
  await write(engine, TENANT_DEFAULT, 's', 'first');
  await engine.close();
  rmSync(join(place.data, 'metadata', 'signing'), { recursive: true, force: true });
  const to = join(place.folder, 'backup');
  const made = await runCommand('backup', 'create', '--data', place.data, '--to', to, '--with-signing');
  expect(made.err).toContain('no key');
});
