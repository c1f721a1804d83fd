/** A benchmark's result as people read it, and as programs do. */
import type { BenchResult, BenchRow } from './bench.ts';
import type { Machine } from './machine.ts';

/** One object, one line: `{ bench, machine, rows, aims }`. */
export function reportJson(bench: string, machine: Machine, result: BenchResult): string {
  return JSON.stringify({ bench, machine, rows: result.rows, aims: result.aims });
}

/** The machine, the table, then each aim with what came out. */
export function reportText(bench: string, machine: Machine, result: BenchResult): string {
  const aims = result.aims.map((aim) => ({
    aim: aim.name,
    wanted: aim.aim,
    value: aim.value,
    met: aim.met ? 'yes' : 'NO',
  }));
  return [
    `bench ${bench} on ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.kernel}, node ${machine.node}, ${machine.fileSystem}`,
    '',
    table(result.rows),
    ...(aims.length > 0 ? ['', table(aims)] : []),
    '',
  ].join('\n');
}

/** Columns of the first row; numbers flush right, text flush left. */
export function table(rows: readonly BenchRow[]): string {
  const columns = Object.keys(rows[0] ?? {});
  const cells = [columns, ...rows.map((row) => columns.map((column) => cell(row[column])))];
  const widths = columns.map((_, index) => Math.max(...cells.map((line) => line[index]!.length)));
  const right = columns.map((column) => rows.every((row) => typeof row[column] === 'number'));
  const lines = cells.map((line) =>
    line
      .map((text, index) => (right[index] ? text.padStart(widths[index]!) : text.padEnd(widths[index]!)))
      .join('  ')
      .trimEnd(),
  );
  lines.splice(1, 0, widths.map((width) => '-'.repeat(width)).join('  '));
  return lines.join('\n');
}

function cell(value: string | number | undefined): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return value;
  return Number.isInteger(value) ? value.toLocaleString('en-US') : String(value);
}
