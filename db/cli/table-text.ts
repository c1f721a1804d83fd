/**
 * Tables as text, a record a line and cells parted by a delimiter. With quotes (RFC 4180) a cell may stand in them and hold delimiters,
 * line ends and, doubled, quotes; without them a quote is a letter like others, as files parted by `::` have it.
 */
import { TruthError } from '../errors.ts';

/** What one record stands on. */
export interface TextRecord {
  /** First line of it, from 1, and last. */
  readonly line: number;
  readonly end: number;
  readonly text: string;
}

const RECORD_CHARACTERS_MAX = 4 * 1024 * 1024;

/** Lines as records; with a delimiter and quotes, those together that one cell goes over. */
export async function* recordsOf(
  lines: AsyncIterable<string>,
  quotesWithin: string | null,
): AsyncGenerator<TextRecord> {
  let [line, end, open] = [0, 0, null as string | null];
  for await (const whole of lines) {
    end += 1;
    if (open === null) line = end;
    const text: string = open === null ? whole : `${open}\n${whole}`;
    const isOpen = quotesWithin !== null && text.includes('"') && cellsIn(text, quotesWithin) === null;
    if (isOpen && text.length <= RECORD_CHARACTERS_MAX) {
      open = text;
      continue;
    }
    open = null;
    yield { line, end, text: text.endsWith('\r') ? text.slice(0, -1) : text };
  }
  if (open !== null) yield { line, end, text: open };
}

/** Errors: INVALID_ARGUMENT, `where` is what the record is called. */
export function cellsOf(text: string, delimiter: string, hasQuotes: boolean, where: string): string[] {
  if (!hasQuotes || !text.includes('"')) return text.split(delimiter);
  const cells = cellsIn(text, delimiter);
  if (cells !== null) return cells;
  throw new TruthError(
    'INVALID_ARGUMENT',
    `${where} has a quote that is not closed before the delimiter or the end: double quotes within a cell, or say "quotes": false in the mapping`,
  );
}

/** Null: a cell in quotes goes on behind the end. */
function cellsIn(text: string, delimiter: string): string[] | null {
  const cells: string[] = [];
  for (let at = 0; at <= text.length; ) {
    if (text[at] !== '"') {
      const next = text.indexOf(delimiter, at);
      cells.push(next === -1 ? text.slice(at) : text.slice(at, next));
      at = next === -1 ? text.length + 1 : next + delimiter.length;
      continue;
    }
    const close = closingQuote(text, at + 1, delimiter);
    if (close === -1) return null;
    cells.push(text.slice(at + 1, close).replaceAll('""', '"'));
    at =
      close + 1 >= text.length || text[close + 1] === '\r' ? text.length + 1 : close + 1 + delimiter.length;
  }
  return cells;
}

/** A quote that is not doubled and has the delimiter or the end behind it. */
function closingQuote(text: string, from: number, delimiter: string): number {
  for (let at = text.indexOf('"', from); at !== -1; at = text.indexOf('"', at + 1)) {
    if (text[at + 1] === '"') at += 1;
    else if (at + 1 === text.length || text.startsWith(delimiter, at + 1) || text.slice(at + 1) === '\r')
      return at;
  }
  return -1;
}

/** A record with commas; without its line end. */
export function recordText(cells: readonly string[]): string {
  return cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',');
}
