/** `truthdb rank export`: what a log says of entities, signals and relationships, as `rank import` reads it. */
import type { Command } from './command.ts';

export const rankExport: Command = {
  name: 'rank export',
  summary: 'Exports entities, signals and relationships with their times, in the order of the log.',
  detail:
    'Reads the files of the data directory, beside a running server or without one. JSON lines have the definitions too, so that\n' +
    'importing them into an empty database makes the same views. A table (--format csv) is of one sort: signals, relationships, or the\n' +
    'entities of one kind, each row with everything it has by then; --map writes the mapping that rank import reads it with.\n' +
    'What comes later is exported with the --from that is printed at the end.',
  positionals: [],
  options: [
    { flag: 'data', value: 'DIR', help: 'directory of the database (required)' },
    { flag: 'tenant', value: 'NAME|N', help: 'whose data; default: the first tenant' },
    { flag: 'kind', value: 'SORT', help: 'schema, entities, signals or relationships; default: all' },
    { flag: 'of', value: 'NAME', help: 'only of this kind of entity, this signal or this relationship' },
    { flag: 'format', value: 'NAME', help: 'jsonl (default) or csv' },
    { flag: 'map', value: 'FILE', help: 'with csv: write the mapping for rank import into a file' },
    { flag: 'from', value: 'POSITION', help: 'first position of the log; default: 1' },
    { flag: 'to', value: 'POSITION', help: 'last position; default: all there is' },
    { flag: 'out', value: 'FILE', help: 'write into a new file; default: standard output' },
  ],
  example: 'truthdb rank export --data /var/lib/truthdb --out ranking.jsonl',
  run: async (args, terminal) => {
    const { runRankExport } = await import('./rank-export-run.ts');
    return runRankExport(rankExport, args, terminal);
  },
};
