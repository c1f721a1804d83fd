/** Certificates of erasure as people meet them: issued by a database that signs, checked by the command without it. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SigningKeys } from '../../../db/audit/signing-keys.ts';
import { decodeCheckpoint, hex, unhex } from '../../../db/audit/verifier.ts';
import { RealDisk } from '../../../db/io/index.ts';
import { runCommand } from '../support/command.ts';
import { newDatabase, write } from './support.ts';

const SIGNING = { proofs: { checkpointCommits: 0, checkpointSeconds: 0 } };

test('an erasure is certified by the key that signs checkpoints, which name it from then on', async () => {
  const database = newDatabase();
  const engine = await database.open(SIGNING);
  const { id } = await engine.tenants.create('a', { encrypted: true });
  await write(engine, id, 'about', 'words', 'alice');
  const before = await engine.proofs!.ask({ command: 'checkpoint-create' });
  const certificate = await engine.tenants.eraseSubject('a', 'alice');
  const after = await engine.proofs!.ask({ command: 'checkpoint-create' });
  await engine.close();
  const [first, second] = [before, after].map((each) =>
    decodeCheckpoint(Buffer.from((each as { created: string }).created, 'base64')),
  );
  expect(first).toMatchObject({ erased: 0 });
  expect(second).toMatchObject({ erased: 1, erasures: certificate.leaf });
  expect(certificate).toMatchObject({ of: 'subject', tenant: id, signed: { keyId: first!.keyId } });

  const { directory } = database;
  const rootKey = hex(new SigningKeys(new RealDisk(), directory, first!.logId).rootKey!);
  const folder = join(directory, 'metadata', 'erasures');
  const file = join(folder, readdirSync(folder)[0]!);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(certificate);
  const alone = await runCommand('verify', file, '--public-key', rootKey);
  expect(alone).toMatchObject({ code: 0, out: expect.stringContaining(`entry at ${certificate.position}`) });
  expect(alone.out).toContain('UNCONFIRMED exports of keys made before');
  const whole = await runCommand('verify', directory, '--public-key', rootKey);
  expect(whole).toMatchObject({
    code: 0,
    out: expect.stringContaining('1 in the log, 1 certificates, 1 of them signed'),
  });

  writeFileSync(file, readFileSync(file, 'utf8').replace('backups and archives made before', 'nobody'));
  expect(await runCommand('verify', file, '--public-key', rootKey)).toMatchObject({
    code: 65,
    out: expect.stringContaining('the signature of the certificate'),
  });
  expect(await runCommand('verify', directory, '--public-key', rootKey)).toMatchObject({ code: 65 });
  const other = hex(unhex('5a'.repeat(32)));
  expect((await runCommand('verify', file, '--public-key', other)).out).toContain('PROBLEM');
});
