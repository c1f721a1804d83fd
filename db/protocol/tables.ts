/** The protocol's numbers as Markdown, for docs/wire-protocol.md. */
import { ERROR_CODES } from '../errors.ts';
import { KIND, KIND_MEANINGS, type KindName, LAYOUTS } from './constants.ts';
import { layoutTable } from './layout.ts';
import { SQL_GIVEN, SQL_TYPES } from './sql-constants.ts';

const FIRST_KIND_TO_CLIENT = 64;

/** Each table by the name the document calls it. */
export function protocolTables(): ReadonlyMap<string, string> {
  return new Map([
    ['kinds', kindTable()],
    ...LAYOUTS.map((each) => [each.title, layoutTable(each)] as const),
    ['SQL types', formTable('type', SQL_TYPES)],
    ['SQL parameters', formTable('given as', SQL_GIVEN)],
    ['errors', errorTable()],
  ]);
}

function kindTable(): string {
  const rows = Object.entries(KIND).map(([name, kind]) => {
    const towards = kind < FIRST_KIND_TO_CLIENT ? 'server' : 'client';
    return `| ${kind} | ${name} | ${towards} | ${KIND_MEANINGS[name as KindName]} |`;
  });
  return ['| kind | name | to | meaning |', '|---|---|---|---|', ...rows].join('\n');
}

function formTable(
  title: string,
  forms: Readonly<Record<string, { readonly wire: number; readonly form: string }>>,
): string {
  const rows = Object.entries(forms).map(([name, { wire, form }]) => `| ${wire} | ${name} | ${form} |`);
  return [`| wire | ${title} | form |`, '|---|---|---|', ...rows].join('\n');
}

function errorTable(): string {
  const rows = Object.entries(ERROR_CODES).map(
    ([code, { wire, http, exit, retry }]) =>
      `| ${wire} | ${code} | ${http} | ${exit} | ${retry ? 'yes' : ''} |`,
  );
  return [
    '| wire | code | HTTP status | exit code | may be retried |',
    '|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}
