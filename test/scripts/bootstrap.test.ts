import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { repositoryRoot } from '../../scripts/version.ts';

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A machine on which no Debian package is installed and whose apt-get does what `aptGet` says. */
function bareMachine(aptGet: string): string {
  const bin = mkdtempSync(join(tmpdir(), 'truthdb-bootstrap-'));
  folders.push(bin);
  const program = (name: string, body: string) =>
    writeFileSync(join(bin, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  program('dpkg-query', 'exit 1');
  program('apt-get', aptGet);
  program('sudo', 'shift; exec "$@"');
  return bin;
}

function bootstrap(bin: string, ...args: readonly string[]) {
  const { PATH = '' } = process.env;
  return spawnSync(process.execPath, [join(repositoryRoot, 'scripts', 'bootstrap.mjs'), ...args], {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${bin}:${PATH}` },
  });
}

describe('bootstrap', () => {
  it('asks apt-get for every missing package and says when it fails', () => {
    const done = bootstrap(bareMachine('echo "called with $*" >&2; exit 7'), 'test:vm');
    expect(done.stderr).toContain('installing');
    expect(done.stderr).toMatch(/called with -o \S+ update/);
    expect(done.stderr).toContain('apt-get update failed (exit status 7)');
    expect(done.status).toBe(1);
  });

  it('names the commands it knows', () => {
    const done = bootstrap(bareMachine('exit 0'), 'tset');
    expect(done.stderr).toContain('"tset" is not a command of this project');
    expect(done.status).toBe(1);
  });
});
