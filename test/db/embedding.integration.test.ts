/** The examples of docs/embedding.md, run as they stand there against the package as it is exported. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundleEmbedded } from '../../scripts/build-embedded.ts';

const root = join(import.meta.dirname, '..', '..');
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'truthdb-embedding-'));
  const home = join(folder, 'node_modules', 'truthdb');
  const { name, version, type, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const outfile = join(home, exports['./embedded'].default);
  mkdirSync(dirname(outfile), { recursive: true });
  writeFileSync(join(home, 'package.json'), JSON.stringify({ name, version, type, exports }));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  await bundleEmbedded(outfile);
  const text = readFileSync(join(root, 'docs', 'embedding.md'), 'utf8');
  for (const [, file, code] of text.matchAll(/```ts\n\/\/ (\S+\.ts)\n([\s\S]*?)```/g)) {
    writeFileSync(join(folder, file!), code!);
  }
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(file: string): string {
  const data = join(folder, `${file}.data`);
  return execFileSync(process.execPath, [join(folder, file), data], { encoding: 'utf8', timeout: 20_000 });
}

test('the example with one thread says what it has appended and read', () => {
  expect(run('one-thread.ts')).toBe('orders is at revision 0\norder-placed {"id":1}\n');
});

test('the example with tables shows the ledger as it is and as it was', () => {
  expect(run('tables.ts')).toBe(
    'now [{"owner":"Ann","balance":"70.00"},{"owner":"Bob","balance":"80.00"}]\n' +
      'then [{"owner":"Ann","balance":"100.00"},{"owner":"Bob","balance":"50.00"}]\n',
  );
});

test('the example with workers ends with an event from each', () => {
  expect(run('main.ts')).toBe('3 events in 3 streams\n');
});
