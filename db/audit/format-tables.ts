/** The format's tables as Markdown, for docs/proofs.md: printed from the constants that the encoder uses. */
import { fieldTable } from '../wal/format-tables.ts';
import type { Field, Layout } from '../wal/layout.ts';
import {
  BUNDLE_MANIFEST,
  BUNDLE_PARTS,
  CERTIFICATE,
  CHECKPOINT,
  ENTRY_RECORD,
  HASH_PREFIX,
  SIGNATURE_BYTES,
  TENANT_LEAF,
} from './format.ts';

/** Each table by its title. */
export function proofTables(): ReadonlyMap<string, string> {
  return new Map([
    ['Hashes', hashTable()],
    [CHECKPOINT.title, fieldTable([...CHECKPOINT.fields, signatureOf(CHECKPOINT)])],
    [CERTIFICATE.title, fieldTable([...CERTIFICATE.fields, signatureOf(CERTIFICATE)])],
    [TENANT_LEAF.title, fieldTable(TENANT_LEAF.fields)],
    [BUNDLE_MANIFEST.title, fieldTable(BUNDLE_MANIFEST.fields)],
    ['Bundle’s parts', rows('part', 'bytes', BUNDLE_PARTS)],
    [ENTRY_RECORD.title, fieldTable(ENTRY_RECORD.fields)],
  ]);
}

function signatureOf({ size }: Layout<string>): Field {
  const meaning = 'Ed25519 (RFC 8032) over all bytes before it';
  return {
    name: 'signature',
    type: `bytes ${SIGNATURE_BYTES}`,
    offset: size,
    size: SIGNATURE_BYTES,
    meaning,
  };
}

function hashTable(): string {
  const prefix = (name: keyof typeof HASH_PREFIX) => `0x0${HASH_PREFIX[name]}`;
  return rows('what', 'SHA-256 of', [
    ['leaf of an entry', `${prefix('leaf')} ‖ bytes 0–39 of its header ‖ SHA-256 of its payload`],
    ['node', `${prefix('node')} ‖ left ‖ right`],
    ['leaf of a lost entry', `${prefix('gap')} ‖ first sequence of the lost range, u64 ‖ last, u64`],
    ['leaf of a tenant', `${prefix('leaf')} ‖ the ${TENANT_LEAF.size} bytes below`],
    ['root of no leaves', 'nothing'],
  ]);
}

function rows(left: string, right: string, cells: readonly (readonly [string, string])[]): string {
  return [`| ${left} | ${right} |`, '|---|---|', ...cells.map(([a, b]) => `| ${a} | ${b} |`)].join('\n');
}
