/** The one parser of the thread. It remembers the texts it read lately, which programs send all the time. */
import type { ParsedStatement } from '../ast.ts';
import { loadParser, type SqlParser } from '../parse/index.ts';

let parser: SqlParser | null = null;
let loading: Promise<void> | null = null;

/** Before anything is read: some 50 ms the first time in a thread. */
export function loadSql(): Promise<void> {
  loading ??= loadParser().then((loaded) => {
    parser = loaded;
  });
  return loading;
}

/** Errors: as SqlParser.parse. */
export function readStatements(text: string): readonly ParsedStatement[] {
  return loaded().parse(text);
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
