import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ByteWriter, encodeHello } from '../../../db/protocol/index.ts';
import { DOCUMENTS, withTables } from '../../../scripts/protocol-doc.ts';

const root = join(import.meta.dirname, '..', '..', '..');

test.each([...DOCUMENTS])('%s shows the tables the code has', (name, tables) => {
  const document = readFileSync(join(root, name), 'utf8');
  expect(withTables(document, tables())).toBe(document);
});

test('the example frame of the document is the one the code writes', () => {
  const out = new ByteWriter();
  encodeHello(out, 1, { versionMin: 1, versionMax: 1, token: 't', name: 'x' });
  const hex = Buffer.from(out.taken()).toString('hex').replace(/(..)/g, '$1 ').trim();
  const document = readFileSync(join(root, 'docs/wire-protocol.md'), 'utf8');
  expect(document.replace(/\s+/g, ' ')).toContain(hex);
});

test('a document that forgets a table is noticed', () => {
  expect(() => withTables('nothing', new Map([['kinds', 'x']]))).toThrow(/lacks the tables kinds/);
});
