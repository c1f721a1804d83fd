/** The tables of a timeline as sections of a checkpoint: those of a stretch of time together, which stays as it is once that is over. */
import { CellRun, isSound, type RunShape, runBytes } from './cell-run.ts';
import { CellTable, LEVEL_MAX } from './cell-table.ts';
import type { KeptRun } from './kept-run.ts';
import type { PartReader } from './part-reader.ts';
import type { PartWriter } from './part-writer.ts';
import type { Section, SectionKey } from './section.ts';
import type { NamedTable, Timeline } from './timeline.ts';
import type { Grain } from './window.ts';

/** Buckets of a stretch: all minutes that are kept and more, a day of hours, half a month of days. */
const STRETCH: Readonly<Record<Grain, number>> = Object.freeze({ minute: 1440, hour: 24, day: 16 });
/** A section with so many bytes gets no further tables: whoever saves it holds all of it. */
const SECTION_BYTES = 8 << 20;

/** Sections of all tables of a timeline; their kind is that of `key`. */
export function timelineSections(timeline: Timeline, key: SectionKey): Section[] {
  const stretches = new Map<number, NamedTable[]>();
  for (const bucket of timeline.buckets) {
    const stretch = Math.floor(bucket / STRETCH[timeline.grain]);
    const tables = stretches.get(stretch) ?? [];
    tables.push({ bucket, table: timeline.table(bucket)! });
    stretches.set(stretch, tables);
  }
  return [...stretches].flatMap(([stretch, tables]) =>
    inSections(tables).map((some) => tablesSection(key, `s${key.owner}-${timeline.grain}s-${stretch}`, some)),
  );
}

function inSections(tables: readonly NamedTable[]): NamedTable[][] {
  const sections: NamedTable[][] = [];
  let bytes = SECTION_BYTES;
  for (const named of tables) {
    if (bytes >= SECTION_BYTES) {
      sections.push([]);
      bytes = 0;
    }
    sections.at(-1)!.push(named);
    bytes += named.table.bytes;
  }
  return sections;
}

/** One section of some tables. The last change to any of them and which ones they are tell it from others of the name. */
export function tablesSection(key: SectionKey, name: string, tables: readonly NamedTable[]): Section {
  const frozen = tables.map(({ bucket, table }) => ({
    bucket,
    level: table.level,
    changedAt: table.changedAt,
    runs: [...table.closed()],
  }));
  const changed = frozen.reduce((last, { changedAt }) => Math.max(last, changedAt), 0);
  const bytes = tables.reduce((sum, { table }) => sum + table.bytes, 0);
  return {
    ...key,
    name: `${name}-${frozen[0]?.bucket ?? 0}-${frozen.length}-${changed}`,
    place: 'body',
    bytes,
    write: (writer) => {
      writer.u32(frozen.length);
      for (const table of frozen) writeTable(writer, table);
    },
  };
}

/** Errors: CORRUPT. */
export function readTables(reader: PartReader): NamedTable[] {
  const count = reader.u32();
  const tables: NamedTable[] = [];
  for (let at = 0; at < count; at++) tables.push(readTable(reader));
  return tables;
}

interface FrozenTable {
  readonly bucket: number;
  readonly level: number;
  readonly changedAt: number;
  readonly runs: readonly KeptRun[];
}

function writeTable(writer: PartWriter, { bucket, level, changedAt, runs }: FrozenTable): void {
  writer.f64(bucket);
  writer.u8(level);
  writer.f64(changedAt);
  writer.u32(runs.length);
  for (const run of runs) {
    const { shape } = run;
    for (const length of [shape.size, shape.groups, shape.large]) writer.u32(length);
    writer.u8(shape.unit === null ? 0 : 1);
    writer.f64(shape.unit ?? 0);
    writer.later(run.bytes, () => run.cells.bytes);
  }
}

function readTable(reader: PartReader): NamedTable {
  const bucket = reader.count();
  const level = reader.u8();
  const changedAt = reader.count();
  const count = reader.u32();
  const runs: CellRun[] = [];
  for (let at = 0; at < count; at++) runs.push(readRun(reader));
  if (bucket < 0 || level > LEVEL_MAX || runs.length === 0)
    throw reader.corrupt(`has a bucket ${bucket} of level ${level} with ${runs.length} runs`);
  return { bucket, table: CellTable.restored(level, changedAt, runs) };
}

function readRun(reader: PartReader): CellRun {
  const size = reader.u32();
  const groups = reader.u32();
  const large = reader.u32();
  const hasUnit = reader.u8() !== 0;
  const unit = reader.f64();
  const shape: RunShape = { size, groups, large, unit: hasUnit ? unit : null };
  const run = new CellRun(shape, reader.raw(runBytes(shape)).buffer);
  if (!isSound(run)) throw reader.corrupt('has cells that are not in order');
  return run;
}
