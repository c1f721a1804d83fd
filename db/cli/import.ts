/** `truthdb import`: many events from a file, a pipe or a git repository; can be repeated and continued. */
import { basename, resolve } from 'node:path';
import { TruthError } from '../errors.ts';
import { type Arguments, type Command, misused, type Terminal } from './command.ts';
import { gitEvents } from './import-git.ts';
import { type ImportedEvent, jsonlEvents } from './import-jsonl.ts';
import { Importer } from './importer.ts';
import { connectTo, TARGET_OPTIONS } from './target.ts';
import { filePieces } from './text-file.ts';

const PROGRESS_MILLIS = 500;

export const importEvents: Command = {
  name: 'import',
  summary: 'Appends many events: from JSON lines, or the history of a git repository.',
  detail:
    'A line is {"stream":…,"type":…,"data":…}; of a repository each file is a stream. Importing the same again adds\n' +
    'nothing, and an interrupted import is continued by running it again.',
  positionals: [{ name: 'FILE', required: false }],
  options: [
    { flag: 'git', value: 'DIR', help: 'import the history of this repository instead of a file' },
    {
      flag: 'source',
      value: 'NAME',
      help: 'name for ids of lines without one; default: the name of the file',
    },
    { flag: 'stream', value: 'NAME', help: 'stream of lines that name none' },
    { flag: 'type', value: 'TYPE', help: 'type of lines that name none' },
    ...TARGET_OPTIONS,
  ],
  example: 'truthdb import events.jsonl    (or: … | truthdb import -    or: truthdb import --git .)',
  run: async (args, terminal) => {
    const events = eventsFrom(args, terminal);
    const db = await connectTo(args, terminal);
    const importer = new Importer(db);
    const startedAt = performance.now();
    const ticker = setInterval(() => terminal.progress(progressLine(importer, startedAt)), PROGRESS_MILLIS);
    try {
      for await (const { stream, event } of events) {
        if (terminal.signal.aborted) throw interrupted(importer);
        await importer.add(stream, event);
      }
      await importer.finish();
    } finally {
      clearInterval(ticker);
      await db.close();
    }
    await printSummary(importer, performance.now() - startedAt, terminal);
    return 0;
  },
};

function eventsFrom(args: Arguments, terminal: Terminal): AsyncIterable<ImportedEvent> {
  const file = args.positional(0);
  const git = args.text('git');
  if ((file === undefined) === (git === undefined)) {
    throw misused(importEvents, 'give either a FILE (or - for standard input) or --git DIR');
  }
  if (git !== undefined) return gitEvents(resolve(git));
  const name = file as string;
  const source = args.text('source') ?? (name === '-' ? 'stdin' : basename(name));
  const input = name === '-' ? terminal.stdin() : filePieces(name);
  return jsonlEvents(input, { source, stream: args.text('stream'), type: args.text('type') });
}

function progressLine(importer: Importer, startedAt: number): string {
  const { done, known, bytes } = importer.counts;
  const seconds = (performance.now() - startedAt) / 1000;
  return (
    `${done.toLocaleString('en')} events, ${known.toLocaleString('en')} of them known, ` +
    `${(bytes / 1e6).toFixed(1)} MB, ${Math.round(done / seconds).toLocaleString('en')} events/s`
  );
}

async function printSummary(importer: Importer, millis: number, terminal: Terminal): Promise<void> {
  const { done, known, bytes } = importer.counts;
  if (terminal.json) {
    await terminal.out(
      JSON.stringify({ events: done, appended: done - known, known, bytes, millis: Math.round(millis) }),
    );
  } else {
    await terminal.out(
      `imported ${done} events: ${done - known} new, ${known} known before, in ${(millis / 1000).toFixed(1)} s`,
    );
  }
}

function interrupted(importer: Importer): TruthError {
  return new TruthError(
    'CLOSED',
    `interrupted after ${importer.counts.done} events; run the same import again to continue`,
  );
}
