/**
 * Puts the tables that the code knows into the documents that show them: `node scripts/protocol-doc.ts` rewrites what
 * stands between `<!-- table: NAME -->` and `<!-- end -->`. A test fails while document and code differ.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { proofTables } from '../db/audit/format-tables.ts';
import { settingsTable } from '../db/config.ts';
import { protocolTables } from '../db/protocol/index.ts';
import { walTables } from '../db/wal/format-tables.ts';
import { repositoryRoot } from './version.ts';

/** Documents with tables of ours, and where the tables come from. */
export const DOCUMENTS: ReadonlyMap<string, () => ReadonlyMap<string, string>> = new Map([
  ['docs/wire-protocol.md', protocolTables],
  ['docs/wal-format.md', walTables],
  ['docs/proofs.md', proofTables],
  ['docs/configuration.md', () => new Map([['settings', settingsTable()]])],
]);

const BLOCK = /<!-- table: (.+?) -->\n[\s\S]*?<!-- end -->/g;

/** The document with every table as the code has it now. Throws when it names a table there is none of, or omits one. */
export function withTables(document: string, tables: ReadonlyMap<string, string>): string {
  const missing = new Set(tables.keys());
  const result = document.replace(BLOCK, (_block, name: string) => {
    const table = tables.get(name);
    if (table === undefined) throw new Error(`there is no table "${name}"`);
    missing.delete(name);
    return `<!-- table: ${name} -->\n${table}\n<!-- end -->`;
  });
  if (missing.size > 0) throw new Error(`the document lacks the tables ${[...missing].join(', ')}`);
  return result;
}

if (import.meta.main) {
  for (const [name, tables] of DOCUMENTS) {
    const path = join(repositoryRoot, name);
    writeFileSync(path, withTables(readFileSync(path, 'utf8'), tables()));
    console.log(`${name} is up to date`);
  }
}
