/** `truthdb read`: events of a stream, or of all. */
import type { Command } from './command.ts';
import { eventLine } from './event-line.ts';
import { connectTo, TARGET_OPTIONS } from './target.ts';

export const read: Command = {
  name: 'read',
  summary: 'Prints the events of a stream, or of the whole log when no stream is named.',
  detail: '',
  positionals: [{ name: 'STREAM', required: false }],
  options: [
    { flag: 'from', value: 'N', help: 'revision in the stream (or position in the log) to begin with' },
    { flag: 'limit', value: 'N', help: 'most events to print' },
    { flag: 'backwards', value: null, help: 'newest first' },
    ...TARGET_OPTIONS,
  ],
  example: 'truthdb read orders --from 10 --limit 5',
  run: async (args, terminal) => {
    const stream = args.positional(0);
    const from = args.number('from', 0);
    const limit = args.number('limit', 1);
    const options = {
      direction: args.switch('backwards') ? 'backwards' : 'forwards',
      ...(from === undefined ? {} : { from }),
      ...(limit === undefined ? {} : { limit }),
    } as const;
    const db = await connectTo(args, terminal);
    try {
      const events = stream === undefined ? db.readAll(options) : db.readStream(stream, options);
      for await (const event of events) {
        if (terminal.signal.aborted) break;
        await terminal.out(eventLine(event, terminal.json));
      }
      return 0;
    } finally {
      await db.close();
    }
  },
};
