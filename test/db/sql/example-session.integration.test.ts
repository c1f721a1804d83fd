import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { parseConnectionString } from '../../../db/protocol/index.ts';
import { psql } from '../support/pg-serving.ts';
import { ServerProcess } from '../support/program.ts';
import { temporaryDirectory } from '../support/serving.ts';

const FILE = join(import.meta.dirname, 'example-session.sql');

/** What is another one each time: positions in the log and moments. */
function withoutMoments(text: string): string {
  return text
    .replace(/^\d+\|\d{4}-\d\d-\d\d [\d:.]+\|/gm, 'POSITION|MOMENT|')
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+/g, 'MOMENT')
    .replace(/(Position: |position |commit )\d+/g, '$1N')
    .replaceAll(`psql:${FILE}:`, 'example-session.sql:');
}

test('psql runs the example session against a server started as npm start does', async () => {
  const directory = join(temporaryDirectory(), 'data');
  const server = new ServerProcess(directory);
  onTestFinished(async () => {
    await server.stop();
  });
  const { pgPort, connection } = await server.serving();
  const address = parseConnectionString(connection ?? '');
  if (address.kind !== 'tls' || pgPort === null) throw new Error('the server does not serve as expected');
  const ran = await psql({ port: pgPort, password: address.token }, '', {
    args: ['--echo-all', '--file', FILE],
    // Errors between the statements that they are about.
    merged: true,
  });
  await expect(withoutMoments(ran.out)).toMatchFileSnapshot('example-session.expected.txt');
  expect(ran.code).toBe(0);
  expect(readFileSync(FILE, 'utf8')).toContain('docs/sql.md');
});
