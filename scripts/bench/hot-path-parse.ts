/** Reading what V8 and strace print about a run. */

const MEGABYTE = 1024 * 1024;
const COLLECTION = /^\[\d+:(0x[0-9a-f]+)\].* (\d+\.\d) \(\d+\.\d\) -> (\d+\.\d) \(\d+\.\d\) MB/;

export interface ThreadAllocations {
  /** Bytes that all isolates but the main one allocated between their first and last collection of the part. */
  readonly othersBytes: number;
  readonly collections: number;
}

/**
 * From lines of `--trace-gc`: between two collections of an isolate its heap grew from what the first left to what the
 * second found. The main isolate is the one at the lowest address: V8 makes it first, in the program's own heap, and maps the
 * others. Precise to the 0.1 MB it prints.
 */
export function allocatedByThreads(lines: readonly string[]): ThreadAllocations {
  const left = new Map<string, number>();
  const grown = new Map<string, number>();
  let collections = 0;
  for (const line of lines) {
    const [, isolate, before, after] = COLLECTION.exec(line) ?? [];
    if (isolate === undefined) continue;
    collections += 1;
    const last = left.get(isolate);
    if (last !== undefined) grown.set(isolate, (grown.get(isolate) ?? 0) + Number(before) - last);
    left.set(isolate, Number(after));
  }
  const main = [...left.keys()].sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1))[0];
  let others = 0;
  for (const [isolate, megabytes] of grown) if (isolate !== main) others += megabytes;
  return { othersBytes: others * MEGABYTE, collections };
}

/** Calls by name from `strace -c -U calls,name`. */
export function parseSyscalls(report: string): Map<string, number> {
  const calls = new Map<string, number>();
  for (const line of report.split('\n')) {
    const [, count, name] = /^\s*(\d+)\s+([a-z_0-9]+)\s*$/.exec(line) ?? [];
    if (name !== undefined && name !== 'total') calls.set(name, Number(count));
  }
  return calls;
}
