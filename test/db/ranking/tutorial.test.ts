/** docs/ranking.md does what it says, statement by statement. */
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { initDatabase, openEngine } from '../../../db/engine.ts';
import { RealDisk } from '../../../db/io/index.ts';
import { parseScript } from '../../../db/ranking/retrieve/language/index.ts';
import { TENANT_DEFAULT } from '../../../db/types.ts';
import { temporaryDirectory } from '../support/serving.ts';

const DOCUMENT = join(import.meta.dirname, '../../../docs/ranking.md');
/** A block of the language, and what its last statement is said to give. */
const BLOCK = /```tidal\n([\s\S]*?)```(?:\n<!-- gives(, in any order)?: (.*?) -->)?/g;

test('the tutorial works as it is written', async () => {
  const parent = temporaryDirectory();
  const directory = join(parent, 'data');
  initDatabase({ directory, disk: new RealDisk(), random: randomBytes });
  const engine = await openEngine({ directory });
  let questions = 0;
  for (const [, script = '', anyOrder, gives] of readFileSync(DOCUMENT, 'utf8').matchAll(BLOCK)) {
    let keys: string[] = [];
    for (const statement of parseScript(script)) {
      const answer = await engine.ranking.run(TENANT_DEFAULT, statement, []);
      if (answer.answer === 'hits') keys = answer.result.hits.map(({ key }) => key);
    }
    if (gives === undefined) continue;
    questions += 1;
    const expected = gives.split(', ');
    expect(anyOrder === undefined ? keys : keys.sort(), script).toEqual(expected);
  }
  expect(questions).toBeGreaterThan(4);
  await engine.close();
  rmSync(parent, { recursive: true });
});
