/** Functions over JSON, and those that tell what the statement knows. */
import { VERSION } from '../../version.ts';
import { type FunctionTable, from1, ofContext, type SqlFunction } from './function-table.ts';
import { jsonArrayLength, jsonAt, jsonKind, jsonText } from './json-path.ts';
import { BOOLEAN, INTEGER, JSON_TYPE, TEXT, TIMESTAMP, UUID } from './operand.ts';

/** What clients find out about the dialect, and about us. */
const VERSION_TEXT = `PostgreSQL 15.0 (TruthDB ${VERSION})`;

const now = [ofContext(TIMESTAMP, 'stable', (context) => context.now)];
const user = [ofContext(TEXT, 'stable', (context) => context.user)];
const database = [ofContext(TEXT, 'stable', (context) => context.database)];

export const OTHER_FUNCTIONS: FunctionTable = {
  json_extract_path: [jsonPath(JSON_TYPE, (text, path) => jsonAt(text, path))],
  json_extract_path_text: [
    jsonPath(TEXT, (text, path) => {
      const found = jsonAt(text, path);
      return found === null ? null : jsonText(found);
    }),
  ],
  json_typeof: [from1(JSON_TYPE, TEXT, jsonKind)],
  json_array_length: [from1(JSON_TYPE, INTEGER, jsonArrayLength)],
  json_valid: [from1(TEXT, BOOLEAN, isJson)],
  now,
  current_timestamp: now,
  transaction_timestamp: now,
  statement_timestamp: now,
  localtimestamp: now,
  gen_random_uuid: [ofContext(UUID, 'volatile', (context) => context.randomUuid())],
  current_user: user,
  session_user: user,
  current_role: user,
  user,
  current_database: database,
  current_catalog: database,
  current_schema: [ofContext(TEXT, 'stable', () => 'public')],
  version: [ofContext(TEXT, 'stable', () => VERSION_TEXT)],
};

function jsonPath(
  gives: typeof TEXT,
  find: (text: string, path: readonly string[]) => string | null,
): SqlFunction {
  return {
    takes: [JSON_TYPE, TEXT],
    repeats: true,
    gives,
    volatility: 'immutable',
    apply: ([text, ...path]) => find(text as string, path as string[]),
  };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
