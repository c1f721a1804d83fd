/** The one parser of the thread, and the texts it has read: programs send the same ones all the time. */
import type { ParsedStatement } from '../ast.ts';
import { loadParser, type SqlParser } from '../parse/index.ts';

const KEPT_MAX = 512;
const KEPT_TEXT_MAX = 4096;

let parser: SqlParser | null = null;
let loading: Promise<void> | null = null;
const kept = new Map<string, readonly ParsedStatement[]>();

/** Before anything is read: some 50 ms the first time in a thread. */
export function loadSql(): Promise<void> {
  loading ??= loadParser().then((loaded) => {
    parser = loaded;
  });
  return loading;
}

/** Errors: as SqlParser.parse. */
export function readStatements(text: string): readonly ParsedStatement[] {
  const known = kept.get(text);
  if (known !== undefined) return known;
  const statements = loaded().parse(text);
  if (text.length <= KEPT_TEXT_MAX) {
    if (kept.size >= KEPT_MAX) kept.clear();
    kept.set(text, statements);
  }
  return statements;
}

/** Errors: as SqlParser.split. */
export function splitStatements(text: string): readonly string[] {
  return loaded().split(text);
}

export function isSqlLoaded(): boolean {
  return parser !== null;
}

function loaded(): SqlParser {
  if (parser === null) throw new Error('SQL was read before its parser was loaded: await loadSql() first');
  return parser;
}
