import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ThreadedRunner } from '../../../db/materializer/index.ts';
import { temporaryData } from '../support/temporary.ts';

test('a thread of its own does the steps in order and says what went wrong', async () => {
  const directory = temporaryData();
  const runner = new ThreadedRunner();
  const folder = join(directory, 'views', 'notes');
  const part = join(folder, 'part');
  const bytes = new Uint8Array(100_000).fill(5);
  await runner.run({ kind: 'folder', path: folder });
  await runner.run({ kind: 'part', path: part, bytes });
  await runner.run({ kind: 'sync folder', path: folder });
  await runner.run({ kind: 'replace', path: join(directory, 'small'), bytes: bytes.subarray(0, 3) });
  expect(readFileSync(part)).toEqual(Buffer.from(bytes));
  expect(readFileSync(join(directory, 'small'))).toEqual(Buffer.from([5, 5, 5]));
  await runner.run({ kind: 'remove', path: part });
  expect(existsSync(part)).toBe(false);
  await expect(
    runner.run({ kind: 'part', path: join(directory, 'nowhere', 'part'), bytes }),
  ).rejects.toMatchObject({
    code: 'IO',
    message: expect.stringContaining('ENOENT'),
  });
  await runner.run({ kind: 'remove', path: part });
  await runner.close();
});

test('a step that the thread does not live to finish fails, and the next one has a new thread', async () => {
  const directory = temporaryData();
  const runner = new ThreadedRunner();
  const step = runner.run({ kind: 'folder', path: join(directory, 'a') });
  const refused = expect(step).rejects.toMatchObject({
    code: 'IO',
    message: expect.stringContaining('ended'),
  });
  await runner.close();
  await refused;
  await runner.run({ kind: 'folder', path: join(directory, 'b') });
  expect(existsSync(join(directory, 'b'))).toBe(true);
  await runner.close();
});
