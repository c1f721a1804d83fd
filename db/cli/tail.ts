/** `truthdb tail`: events as they happen. */
import type { Command } from './command.ts';
import { eventLine } from './event-line.ts';
import { connectTo, TARGET_OPTIONS } from './target.ts';

export const tail: Command = {
  name: 'tail',
  summary: 'Prints events as they are appended, until interrupted.',
  detail: '',
  positionals: [{ name: 'STREAM', required: false }],
  options: [
    {
      flag: 'after',
      value: 'POSITION',
      help: 'first print everything after this position; default: only what is new',
    },
    { flag: 'limit', value: 'N', help: 'stop after that many events' },
    ...TARGET_OPTIONS,
  ],
  example: 'truthdb tail orders --after 0',
  run: async (args, terminal) => {
    const stream = args.positional(0);
    let left = args.number('limit', 1) ?? Number.POSITIVE_INFINITY;
    const db = await connectTo(args, terminal);
    const subscription = await db.subscribe({
      after: args.number('after', 0) ?? 'now',
      ...(stream === undefined ? {} : { stream }),
    });
    terminal.signal.addEventListener('abort', () => subscription.close(), { once: true });
    try {
      for await (const event of subscription) {
        await terminal.out(eventLine(event, terminal.json));
        left -= 1;
        if (left === 0 || terminal.signal.aborted) break;
      }
      return 0;
    } finally {
      await db.close();
    }
  },
};
