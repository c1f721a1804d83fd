/** `truthdb append`: one event from the command line or standard input. */
import type { NewEvent } from '../client/index.ts';
import { TruthError } from '../errors.ts';
import { parseJson } from '../protocol/index.ts';
import { type Arguments, type Command, misused, type Terminal } from './command.ts';
import { connectTo, TARGET_OPTIONS } from './target.ts';

export const append: Command = {
  name: 'append',
  summary: 'Appends one event to a stream and prints where it stands.',
  detail: '',
  positionals: [{ name: 'STREAM', required: true }],
  options: [
    { flag: 'type', value: 'TYPE', help: 'what happened, e.g. order-placed (required)' },
    { flag: 'data', value: 'JSON', help: 'the data; without it, or as "-", it is read from standard input' },
    { flag: 'binary', value: null, help: 'standard input is bytes, not JSON' },
    { flag: 'metadata', value: 'JSON', help: 'free metadata' },
    { flag: 'id', value: 'UUID', help: 'id of the event; the same id and bytes again change nothing' },
    { flag: 'expected', value: 'REVISION', help: 'any (default), none, exists, or the last revision' },
    { flag: 'durability', value: 'MODE', help: 'async, sync or group_sync; default as the log is set' },
    {
      flag: 'subject',
      value: 'PERSON',
      help: 'whom the stream is about, with its first event; encrypted tenants only',
    },
    ...TARGET_OPTIONS,
  ],
  example: `truthdb append orders --type order-placed --data '{"id":1}' --expected none`,
  run: async (args, terminal) => {
    const stream = args.positional(0) as string;
    const event = await eventFrom(args, terminal);
    const durability = durabilityFrom(args.text('durability'));
    const expected = expectedFrom(args.text('expected'));
    const subject = args.text('subject');
    const db = await connectTo(args, terminal);
    try {
      const result = await db.append(stream, event, {
        expected,
        ...(subject === undefined ? {} : { subject }),
        ...(durability === undefined
          ? {}
          : { durability, ack: durability === 'async' ? 'durable' : 'applied' }),
      });
      await terminal.out(
        terminal.json
          ? JSON.stringify(result)
          : `${result.stream}@${result.lastRevision} at position ${result.position}${result.duplicate ? ' (was there already)' : ''}`,
      );
      return 0;
    } finally {
      await db.close();
    }
  },
};

async function eventFrom(args: Arguments, terminal: Terminal): Promise<NewEvent> {
  const type = args.text('type');
  if (type === undefined) throw misused(append, '--type is missing');
  const metadata = args.text('metadata');
  const id = args.text('id');
  return {
    type,
    data: await dataFrom(args, terminal),
    ...(metadata === undefined ? {} : { metadata: parseJson(metadata, '--metadata') }),
    ...(id === undefined ? {} : { id }),
  };
}

async function dataFrom(args: Arguments, terminal: Terminal): Promise<unknown> {
  const given = args.text('data');
  if (given !== undefined && given !== '-') return parseJson(given, '--data');
  const chunks: Buffer[] = [];
  for await (const chunk of terminal.stdin()) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  return args.switch('binary') ? bytes : parseJson(bytes.toString(), 'standard input');
}

function expectedFrom(text: string | undefined): 'any' | 'none' | 'exists' | number {
  if (text === undefined) return 'any';
  if (text === 'any' || text === 'none' || text === 'exists') return text;
  if (/^\d+$/.test(text)) return Number(text);
  throw new TruthError(
    'INVALID_ARGUMENT',
    `--expected is "${text}"; any, none, exists or a revision is needed`,
  );
}

function durabilityFrom(text: string | undefined): 'async' | 'sync' | 'group_sync' | undefined {
  if (text === undefined || text === 'async' || text === 'sync' || text === 'group_sync') return text;
  throw new TruthError('INVALID_ARGUMENT', `--durability is "${text}"; async, sync or group_sync is needed`);
}
