/** `truthdb rank import`: entities, signals and relationships from JSON lines or tables, in batches, in the order of the file. */
import type { Command } from './command.ts';
import { TARGET_OPTIONS } from './target.ts';

export const rankImport: Command = {
  name: 'rank import',
  summary: 'Writes many items, users, signals and relationships from a file.',
  detail:
    'A line of JSON is {"entity":"item","key":…,"set":{…}}, {"signal":"view","target":…,"user":…} or\n' +
    '{"relate":"follows","from":…,"to":…}. With --map a mapping says what the columns of a table mean, or the fields of other JSON;\n' +
    'docs/ranking.md has examples. What is refused is counted by its reason and the first of each shown, with exit code 1; what was\n' +
    'imported before is not counted again as far back as signals are remembered, and --from goes on behind a line.',
  positionals: [{ name: 'FILE', required: true }],
  options: [
    { flag: 'map', value: 'FILE', help: 'what columns mean, as JSON' },
    {
      flag: 'source',
      value: 'NAME',
      help: 'name for ids of signals without one; default: the name of the file',
    },
    { flag: 'from', value: 'LINE', help: 'begin with this line, the first is 1' },
    {
      flag: 'keep-going',
      value: null,
      help: 'count lines that cannot be read too, instead of ending at the first',
    },
    {
      flag: 'dry-run',
      value: null,
      help: 'write nothing, and say what a server would write and refuse; without one only the form of the lines is looked at',
    },
    ...TARGET_OPTIONS,
  ],
  example: 'truthdb rank import ratings.csv --map ratings.json',
  run: async (args, terminal) => {
    const { runRankImport } = await import('./rank-import-run.ts');
    return runRankImport(rankImport, args, terminal);
  },
};
