/** Answers to statements as a person reads them: tables aligned as psql does it, NULL marked, lines kept whole. */
import type { QueryColumn, QueryResult } from '../client/index.ts';
import type { Terminal } from './command.ts';

/** Empty text and NULL must not look the same. */
const NULL_MARK = '∅';
const NUMBERS: ReadonlySet<QueryColumn['type']> = new Set(['integer', 'bigint', 'double', 'decimal']);
/** East Asian wide and emoji: two columns of a terminal. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1f64f}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u;
const COMBINING = /\p{Mark}|\u200d/u;

/** What a result leaves out is not among its rows, and not in its output. */
export function sayNotices({ notices }: QueryResult, terminal: Pick<Terminal, 'say'>): void {
  for (const { message } of notices) terminal.say(`NOTICE: ${visible(message)}`);
}

/** Lines of a result: a table when it has columns, else its tag. */
export function* resultLines(result: QueryResult): Generator<string> {
  if (result.columns.length === 0 && !result.tag.startsWith('SELECT')) {
    yield result.tag;
    return;
  }
  yield* tableLines(result.columns, result.values);
  if (!/^(SELECT|EXPLAIN|SHOW|DIFF)\b/.test(result.tag)) yield result.tag;
}

function* tableLines(columns: readonly QueryColumn[], values: QueryResult['values']): Generator<string> {
  const cells = values.map((row) => row.map(cellText));
  const widths = columns.map(({ name }, index) =>
    cells.reduce((most, row) => Math.max(most, widthOf(row[index] ?? '')), widthOf(name)),
  );
  yield columns.map(({ name }, index) => ` ${centred(name, widths[index] ?? 0)} `).join('|');
  yield widths.map((width) => '-'.repeat(width + 2)).join('+');
  for (const row of cells) {
    const padded = columns.map(({ type }, index) => {
      const text = row[index] ?? '';
      const gap = ' '.repeat((widths[index] ?? 0) - widthOf(text));
      return NUMBERS.has(type) ? ` ${gap}${text} ` : ` ${text}${gap} `;
    });
    yield padded.join('|').trimEnd();
  }
  yield values.length === 1 ? '(1 row)' : `(${values.length} rows)`;
  yield '';
}

function centred(text: string, width: number): string {
  const gap = width - widthOf(text);
  const before = Math.floor(gap / 2);
  return ' '.repeat(before) + text + ' '.repeat(gap - before);
}

function widthOf(text: string): number {
  let width = 0;
  for (const character of text) {
    if (character < '\x7f') width += 1;
    else if (!COMBINING.test(character)) width += WIDE.test(character) ? 2 : 1;
  }
  return width;
}

/** One line: a line break inside would break the table. */
function cellText(value: unknown): string {
  return visible(value === null ? NULL_MARK : valueText(value));
}

/** Control characters could say anything to a terminal. */
function visible(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => {
    if (character === '\n') return '↵';
    if (character === '\t') return '    ';
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}

function valueText(value: unknown): string {
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString('hex')}`;
  if (value === true) return 't';
  if (value === false) return 'f';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** One JSON object a row; a statement without rows is one object with its tag. */
export function* jsonLines(result: QueryResult): Generator<string> {
  if (result.columns.length === 0) {
    yield JSON.stringify({ tag: result.tag, count: result.count, position: result.position });
    return;
  }
  for (const row of result.values) {
    const entries = result.columns.map(({ name }, index) => [name, jsonValue(row[index])]);
    yield JSON.stringify(Object.fromEntries(entries));
  }
}

/** A bigint keeps its digits as a number; bytes are text as PostgreSQL writes them. */
function jsonValue(value: unknown): unknown {
  if (value instanceof Uint8Array) return valueText(value);
  if (typeof value !== 'bigint') return value;
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(String(value));
}
