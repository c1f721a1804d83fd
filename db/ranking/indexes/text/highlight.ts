/** Which words of a text a query means: what a page of results puts in bold. */

import { Splitter, TOKEN } from './splitter.ts';
import { STOP_WORDS } from './stop-words.ts';
import { parseTextQuery } from './text-query.ts';
import { stemOf } from './vocabulary.ts';

/** [start, end) in UTF-16 units. */
export interface TextRange {
  readonly start: number;
  readonly end: number;
}

const splitter = new Splitter();

/** Ranges in order that do not touch each other. Stop words only where the query has nothing else, or asks for them in quotes. */
export function highlight(text: string, query: string): readonly TextRange[] {
  const meant = meantBy(query);
  const ranges: { start: number; end: number }[] = [];
  const tokens = splitter.split(text);
  for (let at = 0; at < tokens.count; at++) {
    const word = tokens.words[at]!;
    const isMeant = meant.stems.has(stemOf(word)) || meant.prefixes.some((prefix) => word.startsWith(prefix));
    if (isMeant) ranges.push({ start: tokens.starts[at]!, end: tokens.ends[at]! });
  }
  return merged(ranges);
}

function meantBy(query: string): {
  readonly stems: ReadonlySet<string>;
  readonly prefixes: readonly string[];
} {
  const stems = new Set<string>();
  const minor = new Set<string>();
  const prefixes: string[] = [];
  for (const { role, form, text } of parseTextQuery(query)) {
    if (role === 'not') continue;
    const tokens = splitter.split(text);
    for (let at = 0; at < tokens.count; at++) {
      const word = tokens.words[at]!;
      if (tokens.kinds[at] === TOKEN.glyph) continue;
      if (form === 'prefix' && at === tokens.count - 1) prefixes.push(word);
      else (form === 'text' && STOP_WORDS.has(word) ? minor : stems).add(stemOf(word));
    }
  }
  return { stems: stems.size + prefixes.length === 0 ? minor : stems, prefixes };
}

function merged(ranges: readonly TextRange[]): readonly TextRange[] {
  const all: { start: number; end: number }[] = [];
  for (const { start, end } of ranges.toSorted(
    (one, other) => one.start - other.start || one.end - other.end,
  )) {
    const last = all.at(-1);
    if (last !== undefined && start <= last.end) last.end = Math.max(last.end, end);
    else all.push({ start, end });
  }
  return all;
}
