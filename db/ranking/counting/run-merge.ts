import type { CellRun } from './cell-run.ts';
import { RunBuilder } from './run-builder.ts';

/** One run of the cells of two. */
export function mergeRuns(one: CellRun, other: CellRun): CellRun {
  const builder = new RunBuilder(one.size + other.size, commonUnit(one, other));
  let left = 0;
  let right = 0;
  while (left < one.groups.length || right < other.groups.length) {
    // Behind the last group of one, those of the other come first.
    const leftGroup = one.groups[left] ?? Number.POSITIVE_INFINITY;
    const rightGroup = other.groups[right] ?? Number.POSITIVE_INFINITY;
    builder.begin(Math.min(leftGroup, rightGroup));
    if (leftGroup < rightGroup) copyCells(builder, one, one.starts[left]!, one.starts[left + 1]!);
    else if (rightGroup < leftGroup)
      copyCells(builder, other, other.starts[right]!, other.starts[right + 1]!);
    else mergeCells(builder, one, left, other, right);
    if (leftGroup <= rightGroup) left += 1;
    if (rightGroup <= leftGroup) right += 1;
  }
  return builder.finish();
}

/** Cells of a run that a test lets through, with counts and weights times `factor`; null when there are none. */
export function selectCells(
  run: CellRun,
  factor: number,
  isKept: (group: number, item: number) => boolean,
): CellRun | null {
  const builder = new RunBuilder(run.size, run.shape.unit);
  for (const [place, group] of run.groups.entries()) {
    builder.begin(group);
    const end = run.starts[place + 1]!;
    for (let cell = run.starts[place]!; cell < end; cell++) {
      const item = run.items[cell]!;
      if (isKept(group, item)) builder.add(item, run.countAt(cell) * factor, run.weightAt(cell) * factor);
    }
  }
  return builder.size === 0 ? null : builder.finish();
}

function commonUnit(one: CellRun, other: CellRun): number | null {
  return one.shape.unit === other.shape.unit ? one.shape.unit : null;
}

function copyCells(builder: RunBuilder, run: CellRun, from: number, to: number): void {
  for (let cell = from; cell < to; cell++)
    builder.add(run.items[cell]!, run.countAt(cell), run.weightAt(cell));
}

function mergeCells(builder: RunBuilder, one: CellRun, left: number, other: CellRun, right: number): void {
  let a = one.starts[left]!;
  let b = other.starts[right]!;
  const aEnd = one.starts[left + 1]!;
  const bEnd = other.starts[right + 1]!;
  while (a < aEnd && b < bEnd) {
    const aItem = one.items[a]!;
    const bItem = other.items[b]!;
    if (aItem < bItem) {
      builder.add(aItem, one.countAt(a), one.weightAt(a));
      a += 1;
    } else if (bItem < aItem) {
      builder.add(bItem, other.countAt(b), other.weightAt(b));
      b += 1;
    } else {
      builder.add(aItem, one.countAt(a) + other.countAt(b), one.weightAt(a) + other.weightAt(b));
      a += 1;
      b += 1;
    }
  }
  copyCells(builder, one, a, aEnd);
  copyCells(builder, other, b, bEnd);
}
