/** The project's own TypeScript as data for the house rules: files, their imports and what they export. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '..', '..');

export interface Source {
  /** Path from the repository's root. */
  readonly path: string;
  readonly text: string;
  readonly lines: number;
  /** Paths from the root of what it imports relatively, `import type` included. */
  readonly imports: readonly string[];
  readonly exports: readonly Export[];
}

export interface Export {
  readonly name: string;
  /** A type that only describes another export's shape is used by that export. */
  readonly isType: boolean;
}

export function sourcesBelow(...folders: readonly string[]): Source[] {
  return folders.flatMap((folder) => filesBelow(join(root, folder))).map(readSource);
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter(
      (entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.parentPath.includes('node_modules'),
    )
    .map((entry) => join(entry.parentPath, entry.name));
}

const IMPORT = /(?:from|import)\s*\(?\s*'(\.{1,2}\/[^']+)'/g;
const THREAD = /new URL\('(\.{1,2}\/[^']+\.ts)'/g;
const EXPORT =
  /^export (?:declare )?(?:abstract )?(?:async )?(function\*?|const|class|interface|type) (\w+)/gm;
const REEXPORT = /^export (?:type )?\{([^}]*)\}/gm;

function readSource(file: string): Source {
  const text = readFileSync(file, 'utf8');
  const imported = [...text.matchAll(IMPORT), ...text.matchAll(THREAD)].map((match) =>
    relative(root, resolve(dirname(file), match[1] ?? '')),
  );
  const named = [...text.matchAll(EXPORT)].map((match) => ({
    name: match[2] ?? '',
    isType: match[1] === 'interface' || match[1] === 'type',
  }));
  const listed = [...text.matchAll(REEXPORT)].flatMap((match) => (match[1] ?? '').split(',').map(reexport));
  return {
    path: relative(root, file),
    text,
    lines: text.split('\n').length,
    imports: imported,
    exports: [...named, ...listed.filter(({ name }) => name !== '')],
  };
}

function reexport(part: string): Export {
  const words = part
    .replace(/^\s*type\s+/, '')
    .trim()
    .split(/\s+as\s+/);
  return { name: words.at(-1)?.trim() ?? '', isType: true };
}
