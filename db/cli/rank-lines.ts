/** Answers of the ranking layer as a person reads them. */
import type { Ranked, RankedHits } from '../client/index.ts';

/** Lines of an answer; JSON is one line of its own. */
export function* rankedLines(ranked: Ranked): Generator<string> {
  switch (ranked.answer) {
    case 'hits':
      yield* hitLines(ranked);
      break;
    case 'suggestions':
      for (const { text } of ranked.suggestions) yield text;
      break;
    case 'table':
      yield* tableLines(ranked.columns, ranked.rows.map(roundedRow));
      if (ranked.notes !== undefined && ranked.notes.length > 0) yield* ['', ...ranked.notes];
      break;
    case 'schema':
      yield `schema version ${ranked.version}, position ${ranked.position}; needs ${ranked.needs}`;
      for (const [what, of] of Object.entries(ranked.impact))
        if (!Array.isArray(of) || of.length > 0) yield `  ${what}: ${JSON.stringify(of)}`;
      break;
    case 'written': {
      const { accepted, duplicates, unchanged, refused, refusals, position } = ranked;
      yield `${accepted} written, ${duplicates} known, ${unchanged} unchanged, ${refused} refused; position ${position}`;
      for (const { index, code, message } of refusals) yield `  ${index}: ${code}: ${message}`;
      break;
    }
  }
}

function* hitLines({
  hits,
  plan,
  total,
  estimated,
  position,
  now,
  cursor,
  warnings,
}: RankedHits): Generator<string> {
  const names = [...new Set(hits.flatMap(({ values }) => Object.keys(values)))];
  const rows = hits.map(({ key, score, creator, placed, values }, index) => [
    index + 1,
    key,
    Number(score.toPrecision(6)),
    creator,
    placed,
    ...names.map((name) => plain(values[name])),
  ]);
  yield* tableLines(['', 'key', 'score', 'creator', 'placed', ...names], rows);
  for (const { key, contributions } of hits) {
    if (contributions.length === 0) continue;
    yield '';
    yield `${key}:`;
    const parts = contributions.map((each) => [
      each.stage,
      each.label,
      short(each.value),
      short(each.weight),
      short(each.contribution),
    ]);
    yield* tableLines(['stage', 'label', 'value', 'weight', 'contribution'], parts);
  }
  if (plan.length > 0) {
    yield '';
    const stages = plan.map(({ stage, detail, before, after, micros }) => [
      stage,
      detail,
      before,
      after,
      Math.round(micros),
    ]);
    yield* tableLines(['stage', 'detail', 'before', 'after', 'µs'], stages);
  }
  for (const warning of warnings) yield `warning: ${warning}`;
  const about = estimated ? 'about ' : '';
  yield `${hits.length} of ${about}${total}, position ${position}, now ${now}us${cursor === null ? '' : `, next page: CURSOR '${cursor}'`}`;
}

type Cell = string | number | boolean | null;

function* tableLines(columns: readonly string[], rows: readonly (readonly Cell[])[]): Generator<string> {
  const texts = rows.map((row) => row.map((cell) => visible(cell)));
  const widths = columns.map((name, index) =>
    texts.reduce((most, row) => Math.max(most, (row[index] ?? '').length), name.length),
  );
  yield columns
    .map((name, index) => name.padEnd(widths[index] ?? 0))
    .join('  ')
    .trimEnd();
  yield widths.map((width) => '-'.repeat(width)).join('  ');
  for (const [at, row] of texts.entries()) {
    const padded = row.map((text, index) => {
      const width = widths[index] ?? 0;
      return typeof rows[at]?.[index] === 'number' ? text.padStart(width) : text.padEnd(width);
    });
    yield padded.join('  ').trimEnd();
  }
}

function visible(cell: Cell): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what somebody wrote must not move the cursor.
  return cell === null ? '' : String(cell).replace(/[\u0000-\u001f\u007f-\u009f]/g, '·');
}

function plain(value: unknown): Cell {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  return Array.isArray(value) ? value.join(', ') : JSON.stringify(value);
}

/** As many digits as a person compares. */
function roundedRow(row: readonly Cell[]): readonly Cell[] {
  return row.map((cell) =>
    typeof cell === 'number' && !Number.isInteger(cell) ? Number(cell.toFixed(4)) : cell,
  );
}

function short(value: number): number {
  return Number(value.toPrecision(5));
}
