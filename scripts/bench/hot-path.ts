/**
 * `bench hot-path`: what the log's own path costs besides time. Memory allocated per entry, on the thread that orders
 * (V8's own count) and on the log's threads (from V8's trace of collections: what grew between two of them), and system
 * calls per 1,000 commits, counted by strace in a run of N commits and one of 2 N, so that start and stop cancel out.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { atMost, type Bench, type BenchContext, type BenchResult, type BenchRow, rounded } from './bench.ts';
import { allocatedByThreads, parseSyscalls } from './hot-path-parse.ts';

const PROGRAM = join(import.meta.dirname, 'hot-path-load.ts');
const BEGIN = 'measured part begins';
const END = 'measured part ends';
const ENTRIES = 10_000_000;
const QUICK_ENTRIES = 500_000;
const COMMITS = 2_000;
/** Under a pointer's worth per entry nothing can have been made for each. */
const ALLOCATED_AIM = 8;
/** One write and one sync for each commit; the rest is rollover. */
const DISK_CALLS_AIM = 2.2;

interface Shape {
  readonly batch: number;
  readonly inFlight: number;
}

const DISK_CALLS = new Set(['pwrite64', 'pwritev', 'fdatasync', 'fsync', 'sync_file_range', 'fallocate']);

const BATCHES: Shape = { batch: 1000, inFlight: 4 };
const SINGLES: Shape = { batch: 1, inFlight: 1024 };
const ONE_BY_ONE: Shape = { batch: 1, inFlight: 1 };
const GROUPS: Shape = { batch: 1000, inFlight: 1 };

export const hotPath: Bench = {
  name: 'hot-path',
  summary: 'memory allocated per entry and system calls per 1,000 commits, counted from outside',
  run,
};

async function run(context: BenchContext): Promise<BenchResult> {
  const { values } = parseArgs({ args: [...context.args], options: { quick: { type: 'boolean' } } });
  const entries = values.quick === true ? QUICK_ENTRIES : ENTRIES;
  const batches = await allocations(context, BATCHES, entries);
  const singles = await allocations(context, SINGLES, Math.ceil(entries / 5));
  const oneByOne = await systemCalls(context, ONE_BY_ONE);
  const groups = await systemCalls(context, GROUPS);
  return {
    rows: [batches, singles, oneByOne, groups],
    aims: [
      atMost(
        'ordering thread, bytes allocated an entry in batches of 1,000',
        ALLOCATED_AIM,
        Number(batches['ordering_b_entry']),
      ),
      atMost(
        "log's threads, bytes allocated an entry in batches of 1,000",
        ALLOCATED_AIM,
        Number(batches['threads_b_entry']),
      ),
      atMost('pwrite and fdatasync a commit of one entry', DISK_CALLS_AIM, Number(oneByOne['disk_a_commit'])),
      atMost('pwrite and fdatasync a commit of 1,000', DISK_CALLS_AIM, Number(groups['disk_a_commit'])),
    ],
  };
}

async function allocations(context: BenchContext, shape: Shape, entries: number): Promise<BenchRow> {
  context.progress(`memory over ${entries.toLocaleString('en')} entries in batches of ${shape.batch}`);
  const directory = join(context.directory, `memory-${shape.batch}`);
  const lines = await runLoad(context, ['--trace-gc'], directory, shape, entries);
  const marks = new Map<string, number>();
  const measured: string[] = [];
  for (const line of lines) {
    if (line.startsWith('{')) {
      const { mark, allocated } = JSON.parse(line) as { mark: string; allocated: number };
      marks.set(mark, allocated);
    } else if (marks.has(BEGIN) && !marks.has(END)) measured.push(line);
  }
  const [begin, end] = [marks.get(BEGIN), marks.get(END)];
  if (begin === undefined || end === undefined) throw new Error('the load ended before it had measured');
  const threads = allocatedByThreads(measured);
  return {
    ...row(shape, entries),
    ordering_b_entry: rounded((end - begin) / entries),
    threads_b_entry: rounded(threads.othersBytes / entries),
    collections: threads.collections,
  };
}

async function systemCalls(context: BenchContext, shape: Shape): Promise<BenchRow> {
  context.progress(`system calls of commits of ${shape.batch} entries, one at a time`);
  const counts = [];
  for (const commits of [COMMITS, 2 * COMMITS]) {
    const name = `calls-${shape.batch}-${commits}`;
    const report = join(context.directory, `${name}.txt`);
    const strace = ['strace', '-f', '-qq', '-c', '-U', 'calls,name', '-o', report];
    await runLoad(context, [], join(context.directory, name), shape, commits * shape.batch, strace);
    counts.push(parseSyscalls(readFileSync(report, 'utf8')));
  }
  const [once = new Map<string, number>(), twice = new Map<string, number>()] = counts;
  const perThousand = [...twice].map(([name, count]) => ({
    name,
    calls: ((count - (once.get(name) ?? 0)) * 1000) / COMMITS,
  }));
  const disk = perThousand
    .filter(({ name }) => DISK_CALLS.has(name))
    .reduce((sum, { calls }) => sum + calls, 0);
  const most = perThousand.sort((a, b) => b.calls - a.calls).slice(0, 5);
  return {
    ...row(shape, COMMITS * shape.batch),
    calls: Math.round(perThousand.reduce((sum, { calls }) => sum + calls, 0)),
    disk_a_commit: rounded(disk / 1000),
    most: most.map(({ name, calls }) => `${name} ${Math.round(calls)}`).join(', '),
  };
}

/** All rows have all columns, as tables need; a dash where a column is not measured. */
function row({ batch, inFlight }: Shape, entries: number): BenchRow {
  const none = { ordering_b_entry: '-', threads_b_entry: '-', collections: '-', calls: '-' };
  return { batch, in_flight: inFlight, entries, ...none, disk_a_commit: '-', most: '-' };
}

function runLoad(
  { signal }: BenchContext,
  nodeOptions: readonly string[],
  directory: string,
  { batch, inFlight }: Shape,
  entries: number,
  prefix: readonly string[] = [],
): Promise<string[]> {
  const warmUp = nodeOptions.length === 0 ? batch : Math.min(entries, 200 * batch + 20_000);
  const load = [directory, entries, batch, inFlight, warmUp].map(String);
  const [program = '', ...args] = [...prefix, process.execPath, ...nodeOptions, PROGRAM, ...load];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'], signal });
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve(lines) : reject(new Error(`the load ended with ${code}`)),
    );
  });
}
