/** Fitting text into columns, for every interface. */

import type { ViewColumn } from '../session/view.ts';

/** Usable width of a terminal of 80 columns: the last stays free, some terminals wrap when it is written. */
export const LINE_WIDTH = 79;

/**
 * Breaks a paragraph into lines. Lines that begin with a blank keep their blanks and are broken only where they must.
 */
export function wrap(paragraph: string, width: number): string[] {
  if (paragraph.startsWith(' ')) return chop(paragraph, width);
  const lines: string[] = [];
  let line = '';
  for (const word of paragraph.split(' ')) {
    if (line === '') line = word;
    else if (line.length + 1 + word.length <= width) line += ` ${word}`;
    else {
      lines.push(...chop(line, width));
      line = word;
    }
  }
  return [...lines, ...chop(line, width)];
}

function chop(text: string, width: number): string[] {
  const lines: string[] = [];
  for (let start = 0; start < text.length || start === 0; start += width)
    lines.push(text.slice(start, start + width));
  return lines;
}

/** Cells side by side, cut at the end that matters less; '~' marks the cut. */
export function layCells(cells: readonly string[], columns: readonly ViewColumn[]): string {
  return columns
    .map(({ width, keep }, index) => {
      const cell = cells[index] ?? '';
      if (cell.length <= width) return cell.padEnd(width);
      return keep === 'start' ? `${cell.slice(0, width - 1)}~` : `~${cell.slice(cell.length - width + 1)}`;
    })
    .join(' ')
    .trimEnd();
}

export function percent(fraction: number): string {
  return `${Math.floor(Math.min(1, Math.max(0, fraction)) * 100)} %`;
}
