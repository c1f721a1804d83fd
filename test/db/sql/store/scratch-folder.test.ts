import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

const MODULE = new URL('../../../../db/sql/store/index.ts', import.meta.url).href;

test('what lies in a folder of its own goes with the process, and with the next one where that was killed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'truthdb-store-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const run = (ending: string): void => {
    const program = `import { SqliteStore } from '${MODULE}';
      const store = new SqliteStore({ path: ':memory:', logId: new Uint8Array(16) });
      store.begin();
      ${ending}`;
    execFileSync(process.execPath, ['--input-type=module', '-e', program], {
      env: { ...process.env, TMPDIR: folder },
      stdio: 'ignore',
    });
  };
  run('');
  expect(readdirSync(folder)).toEqual([]);
  expect(() => run('process.kill(process.pid, "SIGKILL");')).toThrow();
  expect(readdirSync(folder)).toHaveLength(1);
  const alive = join(folder, `truthdb-scratch-${process.pid}-x`);
  mkdirSync(alive);
  run('');
  expect(readdirSync(folder)).toHaveLength(1);
  expect(existsSync(alive)).toBe(true);
});
