import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { bundle } from '../../../../scripts/build-db.ts';
import { root } from '../../../house/sources.ts';
import { temporaryData } from '../../support/temporary.ts';

const run = promisify(execFile);

test('the bundle of the single executable parses without a file beside it', async () => {
  // Far from any node_modules.
  const file = join(temporaryData(), 'parser.cjs');
  writeFileSync(file, await bundle(join(root, 'db', 'sql', 'parse', 'index.ts'), []));
  const program = `
    const { loadParser } = require(${JSON.stringify(file)});
    loadParser().then((parser) => {
      const [{ statement }] = parser.parse('SELECT * FROM t AS OF POSITION 5 WHERE id = ?');
      let message = null;
      try { parser.parse('SELECT a b c'); } catch (error) { message = error.message; }
      console.log(JSON.stringify({ position: statement.asOf.value.text, message }));
    });
  `;
  const { stdout } = await run(process.execPath, ['--eval', program], { cwd: '/' });
  expect(JSON.parse(stdout)).toEqual({
    position: '5',
    message: 'syntax error at 1:12: found "c"; expected ",", FROM, WHERE or INTO',
  });
});
