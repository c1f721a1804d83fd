/** `truthdb wal stream`: a server's log as it lies in its files, byte for byte. */
import { LogStream } from '../client/log-stream.ts';
import { type StreamedGroup, StreamedGroups } from '../follow/streamed-groups.ts';
import { ByteWriter, encodeLogFrame, type LogFrame, type StreamLog } from '../protocol/index.ts';
import { sequence } from '../types.ts';
import { type Arguments, type Command, misused, type Terminal } from './command.ts';
import { addressFor, TARGET_OPTIONS } from './target.ts';

const REQUEST = 1;
const LIVE_AGAIN = 'the end; what follows is live';

export const walStream: Command = {
  name: 'wal stream',
  summary: 'Streams the log’s own bytes from a server, then live, until interrupted.',
  detail:
    'Shows a line for each group of entries; with --raw the frames themselves (LOG_SEGMENT, LOG_BYTES, LOG_GAP, LOG_END of the wire\n' +
    'protocol), each with its checksum. Needs a token of an operator, or the local socket.',
  positionals: [],
  options: [
    {
      flag: 'from',
      value: 'SEQUENCE',
      help: 'begin with the group that holds this sequence; start: with all there is (default)',
    },
    { flag: 'raw', value: null, help: 'write the frames as they are, for programs' },
    { flag: 'until-end', value: null, help: 'stop when everything stable has been shown' },
    ...TARGET_OPTIONS,
  ],
  example: 'truthdb wal stream --from start --until-end --url truthdb://TOKEN@192.0.2.10:9650?fp=…',
  run: async (args, terminal) => {
    const from = beginning(args);
    const stream = await LogStream.open({ address: addressFor(args, terminal), from, gaps: true });
    const stop = (): void => stream.close();
    terminal.signal.addEventListener('abort', stop);
    const show = args.switch('raw') ? rawFrames(terminal) : lines(terminal);
    try {
      for (let frames = await stream.next(); frames !== null; frames = await stream.next()) {
        for (const frame of frames) {
          await show(frame);
          if (frame.kind === 'end' && frame.caughtUp && args.switch('until-end')) return 0;
        }
      }
      return 0;
    } finally {
      terminal.signal.removeEventListener('abort', stop);
      stream.close();
    }
  },
};

function beginning(args: Arguments): StreamLog['from'] {
  const text = args.text('from') ?? 'start';
  if (text === 'start') return null;
  const number = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number) || number < 1) {
    throw misused(walStream, `--from is "${text}"; a sequence from 1 on, or start, is needed`);
  }
  return sequence(number - 1);
}

function rawFrames(terminal: Terminal): (frame: LogFrame) => Promise<void> {
  const out = new ByteWriter();
  return async (frame) => {
    encodeLogFrame(out, REQUEST, frame);
    await terminal.bytes(Uint8Array.from(out.taken()));
    out.reuse();
  };
}

function lines(terminal: Terminal): (frame: LogFrame) => Promise<void> {
  const groups = new StreamedGroups();
  let live = false;
  return async (frame) => {
    for (const group of groups.receive(frame)) await terminal.out(groupLine(group, terminal.json));
    if (frame.kind === 'segment') {
      const { index, firstSequence, offset } = frame;
      await terminal.out(
        terminal.json
          ? JSON.stringify({ kind: 'segment', segment: index, firstSequence, offset })
          : `segment ${index} from sequence ${firstSequence}, at offset ${offset}`,
      );
    } else if (frame.kind === 'gap') {
      const { segment, from, to } = frame;
      await terminal.out(
        terminal.json ? JSON.stringify(frame) : `gap in segment ${segment}: sequences ${from}–${to} are lost`,
      );
    } else if (frame.kind === 'end' && frame.caughtUp && !live) {
      live = true;
      if (terminal.json) await terminal.out(JSON.stringify({ kind: 'end', sequence: frame.sequence }));
      else terminal.say(`sequence ${frame.sequence}: ${LIVE_AGAIN}`);
    }
  };
}

function groupLine(group: StreamedGroup, json: boolean): string {
  const { segment, offset, kind, first, last, bytes, epoch } = group;
  const chain = Buffer.from(group.chain).toString('hex');
  const at = group.recordedAt;
  if (json) {
    const recordedAt = at === null ? null : String(at);
    return JSON.stringify({ kind, segment, offset, first, last, bytes, epoch, recordedAt, chain });
  }
  const time = at === null ? '' : `  ${new Date(Number(at / 1_000_000n)).toISOString()}`;
  return `${String(offset).padStart(12)}  ${kind.padEnd(6)}  ${first}–${last}  ${bytes} bytes  epoch ${epoch}${time}  chain ${chain.slice(0, 16)}`;
}
