/** `truthdb status`: how the server is. */
import type { Command } from './command.ts';
import { connectTo, TARGET_OPTIONS } from './target.ts';

export const status: Command = {
  name: 'status',
  summary: 'Prints the state of a server.',
  detail: 'Log, queues, views, connections. Exit code 1 when it serves but not everything.',
  positionals: [],
  options: [...TARGET_OPTIONS],
  example: 'truthdb status --json',
  run: async (args, terminal) => {
    const db = await connectTo(args, terminal);
    try {
      const report = await db.status();
      if (terminal.json) await terminal.out(JSON.stringify(report));
      else for (const line of lines(report)) await terminal.out(line);
      return report['state'] === 'serving' ? 0 : 1;
    } finally {
      await db.close();
    }
  },
};

/** Nested values as `log.queue.bytes  12`, one a line. */
function lines(report: Readonly<Record<string, unknown>>): string[] {
  const rows = flatten('', report);
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  return rows.map(([name, value]) => `${name.padEnd(width)}${value}`);
}

function flatten(prefix: string, value: unknown): [string, string][] {
  if (typeof value !== 'object' || value === null) return [[prefix, shown(value)]];
  return Object.entries(value).flatMap(([key, inner]) =>
    flatten(prefix === '' ? key : `${prefix}.${key}`, inner),
  );
}

function shown(value: unknown): string {
  if (value === null) return '-';
  return typeof value === 'number' && !Number.isInteger(value) ? value.toFixed(3) : String(value);
}
