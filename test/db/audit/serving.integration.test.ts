/** Proofs of a running server, as people meet them: the program as a process, bundles in files, a client that remembers. */
import { copyFileSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseCheckpointText } from '../../../db/audit/checkpoint.ts';
import { decodeCheckpoint } from '../../../db/audit/verifier.ts';
import type { BundleReport } from '../../../db/audit/verify-bundle.ts';
import type { DataReport } from '../../../db/audit/verify-log.ts';
import { CheckpointGuard, connect } from '../../../db/client/index.ts';
import { runCommand as run } from '../support/command.ts';
import { ServerProcess } from '../support/program.ts';
import { temporaryData } from '../support/temporary.ts';

interface Shown {
  readonly rootKey: string;
  readonly certificates: readonly object[];
}

/** Signs by itself only when it stops. */
const SELDOM = { TRUTHDB_PROOFS_CHECKPOINT_COMMITS: '100000', TRUTHDB_PROOFS_CHECKPOINT_SECONDS: '3600' };

async function serving(data: string, args: readonly string[] = []) {
  const server = new ServerProcess(data, args, SELDOM);
  const { connection } = await server.serving();
  return { server, connection };
}

function dataDirectory(): string {
  const directory = temporaryData();
  for (const name of readdirSync(directory)) rmSync(join(directory, name), { recursive: true });
  return directory;
}

function rootKeyIn(data: string): string {
  return readFileSync(join(data, 'metadata', 'signing', 'root.public'), 'utf8').trim();
}

describe('a server that keeps proofs', () => {
  test('signs when asked and when it stops; its directory, its bundles and its checkpoints verify elsewhere', async () => {
    const data = dataDirectory();
    const { server, connection } = await serving(data);
    const url = connection as string;
    const db = await connect(url);
    for (let at = 0; at < 20; at++) await db.append(`s${at % 3}`, { type: 'tested', data: { at } });
    expect((await run('checkpoint', 'create', '--url', url)).code).toBe(0);
    const guard = new CheckpointGuard({ rootKey: rootKeyIn(data) });
    await (await connect(url, { guard })).close();
    expect(guard.last).toMatchObject({ tenants: 1 });
    expect((await db.status())['proofs']).toMatchObject({ problem: null, checkpoints: 1 });
    const key = rootKeyIn(data);
    const elsewhere = dataDirectory();
    const [proof, bundle, kept] = ['p', 'b', 'k'].map((name) => join(elsewhere, name)) as [
      string,
      string,
      string,
    ];
    expect((await run('prove', '--sequence', '3', '--payloads', '--out', proof, '--url', url)).code).toBe(0);
    expect((await run('export', 'audit', '--tenant', '0', '--out', bundle, '--url', url)).code).toBe(0);
    expect((await run('checkpoint', 'show', '--out', kept, '--url', url)).code).toBe(0);
    const verified = await run('verify', bundle, '--public-key', key, '--expect', kept, '--json');
    expect(verified.code).toBe(0);
    expect(verified.json()).toMatchObject({
      ok: true,
      unproven: [],
      shown: { tenant: 0 },
    });
    // The events, and beside them what the server audits.
    const { entries, payloads } = verified.json<BundleReport>().shown!;
    expect(entries).toBeGreaterThanOrEqual(20);
    expect(payloads).toBe(entries);
    expect((await run('verify', proof, '--public-key', key, '--json')).json()).toMatchObject({
      shown: { entries: 1 },
    });
    expect((await run('verify', bundle, '--public-key', '00'.repeat(32))).code).toBe(65);

    await db.append('s', { type: 'tested', data: 1 });
    await db.close();
    expect((await server.stop()).code).toBe(0);
    const report = (
      await run('verify', data, '--public-key', key, '--expect', kept, '--json')
    ).json<DataReport>();
    expect(report).toMatchObject({ ok: true, pinned: true, checkpoints: 2, problems: [], unproven: [] });
    expect(report.signed!.size).toBeGreaterThan(
      decodeCheckpoint(parseCheckpointText(readFileSync(kept, 'utf8')).checkpoint).size,
    );
    expect(statSync(join(data, 'metadata', 'signing', 'root.key')).mode & 0o777).toBe(0o600);

    const offline = join(elsewhere, 'offline');
    expect(
      (await run('export', 'audit', '--tenant', '0', '--hashes', '--out', offline, '--data', data)).code,
    ).toBe(0);
    expect((await run('verify', offline, '--public-key', key, '--json')).json()).toMatchObject({
      shown: { payloads: 0 },
    });
    const narrowed = ['--from', '1', '--to', '9', '--tenant', '5', '--out', offline, '--data', data];
    expect((await run('prove', ...narrowed)).code).toBe(0);
    expect((await run('verify', offline, '--public-key', key, '--json')).json()).toMatchObject({
      shown: { tenant: 5, entries: 0 },
    });
    expect((await run('checkpoint', 'list', '--data', data)).out.trim().split('\n')).toHaveLength(2);

    copyFileSync(kept, `${kept}.changed`);
    writeFileSync(`${kept}.changed`, readFileSync(kept, 'utf8').replace('epoch: 1', 'epoch: 2'));
    const wrong = await run('verify', data, '--public-key', key, '--expect', `${kept}.changed`);
    expect(wrong.code).not.toBe(0);
  });

  test('knows tenants by name as well as number, as does its directory, and suggests who may have been meant', async () => {
    const data = dataDirectory();
    const { server, connection } = await serving(data);
    const url = connection as string;
    const places = [['--url', url] as const, ['--data', data] as const];
    const id = (await run('tenant', 'create', 'acme', '--url', url, '--json')).json<{ id: number }>().id;
    expect((await run('tenant', 'create', 'zenith', '--url', url)).code).toBe(0);
    expect((await run('checkpoint', 'create', '--url', url)).code).toBe(0);
    const out = join(dataDirectory(), 'bundle');
    for (const place of places) {
      for (const given of ['acme', String(id)]) {
        expect((await run('export', 'audit', '--tenant', given, '--out', out, ...place)).code).toBe(0);
        const shown = (
          await run('verify', out, '--public-key', rootKeyIn(data), '--json')
        ).json<BundleReport>();
        expect(shown).toMatchObject({ ok: true, shown: { tenant: id } });
        expect(shown.shown!.entries).toBeGreaterThan(0);
      }
      const range = ['--from', '1', '--to', '3', '--out', out] as const;
      expect((await run('prove', ...range, '--tenant', 'zenith', ...place)).code).toBe(0);
      const wrong = await run('prove', ...range, '--tenant', 'acne', ...place);
      expect(wrong).toMatchObject({ code: 4, err: expect.stringContaining('did you mean "acme"?') });
      const unknown = await run('export', 'audit', '--tenant', 'nobody-like-this', '--out', out, ...place);
      expect(unknown).toMatchObject({ code: 4, err: expect.stringContaining('truthdb tenant list') });
    }
    await server.stop();
  });

  test('goes on behind a restart, with its trees deleted, and with another signing key', async () => {
    const data = dataDirectory();
    const first = await serving(data);
    const url = first.connection as string;
    const db = await connect(url);
    await db.append('s', { type: 'tested', data: 1 });
    await db.administer({ command: 'checkpoint-create' });
    await db.close();
    await first.server.stop();
    rmSync(join(data, 'views', 'proof'), { recursive: true });
    expect((await run('signing', 'rotate', '--data', data)).code).toBe(0);
    const second = await serving(data);
    const moved = new URL(url);
    moved.port = String((await second.server.serving()).port);
    expect((await run('checkpoint', 'create', '--url', moved.href)).code).toBe(0);
    await second.server.stop();
    const shown = (await run('signing', 'show', '--data', data, '--json')).json<Shown>();
    expect(shown.certificates).toHaveLength(2);
    const report = (await run('verify', data, '--public-key', shown.rootKey, '--json')).json<DataReport>();
    expect(report).toMatchObject({ ok: true, unproven: [] });
    expect(report.checkpoints).toBeGreaterThan(1);
  });
});
