/** `truthdb wal …`: the log's files, looked at without a server. Nothing is changed. */
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { ERROR_CODES } from '../errors.ts';
import { RealDisk } from '../io/index.ts';
import { sequence } from '../types.ts';
import {
  type InspectedCommit,
  type InspectedEntry,
  type InspectedField,
  type InspectedSegment,
  inspectCommit,
  inspectEntry,
  inspectSegment,
  type VerifyReport,
  verifyLogInThreads,
} from '../wal/index.ts';
import { type Arguments, type Command, misused, type Option } from './command.ts';

const DATA: Option = { flag: 'data', value: 'DIR', help: 'directory of the database (required)' };
const HEX_BYTES_SHOWN = 256;

export const walVerify: Command = {
  name: 'wal verify',
  summary: 'Checks every byte of a log from its files alone.',
  detail:
    'Checksums, order, hash chain, seals; needs no server and changes nothing. ' +
    `Exit code ${ERROR_CODES.CORRUPT.exit} when something is wrong.`,
  positionals: [],
  options: [
    DATA,
    { flag: 'threads', value: 'N', help: 'segments checked at once; as many as there are processors' },
  ],
  example: 'truthdb wal verify --data /var/lib/truthdb',
  run: async (args, terminal) => {
    const { directory } = placeFrom(walVerify, args);
    const report = await verifyLogInThreads({
      directory,
      threads: args.number('threads', 1) ?? availableParallelism(),
      progress: (line) => terminal.progress(line),
    });
    if (terminal.json) await terminal.out(JSON.stringify(report));
    else for (const line of verifyLines(report)) await terminal.out(line);
    return report.ok ? 0 : ERROR_CODES.CORRUPT.exit;
  },
};

export const walInspect: Command = {
  name: 'wal inspect',
  summary: 'Shows what a segment, a commit or one entry of a log holds, field by field, with offsets.',
  detail: 'Segments by number, commits by ordinal, entries by sequence. Damage on the way does not matter.',
  positionals: [
    { name: 'segment|commit|entry', required: true },
    { name: 'N', required: true },
  ],
  options: [DATA],
  example: 'truthdb wal inspect entry 42 --data /var/lib/truthdb',
  run: async (args, terminal) => {
    const what = args.positional(0);
    const number = Number(args.positional(1));
    if (what !== 'segment' && what !== 'commit' && what !== 'entry')
      throw misused(walInspect, `"${what}" is none of segment, commit and entry`);
    if (!Number.isSafeInteger(number) || number < 1) {
      throw misused(walInspect, `"${args.positional(1)}" is no number of a ${what}`);
    }
    const place = placeFrom(walInspect, args);
    const found =
      what === 'segment'
        ? inspectSegment(place, number)
        : what === 'commit'
          ? inspectCommit(place, number)
          : inspectEntry(place, sequence(number));
    if (terminal.json) await terminal.out(JSON.stringify(found));
    else for (const line of linesOf(found)) await terminal.out(line);
    return 0;
  },
};

function placeFrom(command: Command, args: Arguments) {
  const data = args.text('data');
  if (data === undefined) throw misused(command, '--data is missing');
  return { directory: resolve(data), disk: new RealDisk() };
}

function verifyLines(report: VerifyReport): string[] {
  const { segments, problems, gaps, tornTail } = report;
  return [
    `log ${report.logId}`,
    ...segments.map(
      ({ name, firstSequence, lastSequence, commits, bytes }) =>
        `${name}  ${firstSequence}–${lastSequence}  ${commits} commits  ${bytes} bytes`,
    ),
    ...(tornTail === null
      ? []
      : [
          `torn tail in ${tornTail.segment} at ${tornTail.offset}: ${tornTail.bytes} bytes a start will cut off`,
        ]),
    ...gaps.map(
      ({ segment, from, to }) =>
        `gap in segment ${segment}: sequences ${from}–${to} are lost; unproven across it`,
    ),
    ...problems.map(
      ({ segment, offset, sequence: at, problem, next }) =>
        `PROBLEM ${segment} offset ${offset}${at === null ? '' : ` sequence ${at}`}: ${problem}` +
        (next === null ? '' : `; readable again from ${next}`),
    ),
    report.ok
      ? `ok: ${report.commits} commits up to sequence ${report.lastSequence}, chain ${report.chain}`
      : `NOT OK: ${problems.length} problems`,
  ];
}

function segmentLines(segment: InspectedSegment): string[] {
  return [
    segment.name,
    ...segment.header.map(fieldLine),
    ...segment.groups.map(
      ({ offset, bytes, kind, firstSequence, lastSequence }) =>
        `${String(offset).padStart(10)}  ${kind.padEnd(6)}  ${firstSequence}–${lastSequence}  ${bytes} bytes`,
    ),
    `${String(segment.end.offset).padStart(10)}  end: ${segment.end.reason}, next sequence ${segment.end.sequence}`,
  ];
}

function linesOf(found: InspectedSegment | InspectedCommit | InspectedEntry): string[] {
  if ('groups' in found) return segmentLines(found);
  return 'entries' in found ? commitLines(found) : entryLines(found);
}

function commitLines(found: InspectedCommit): string[] {
  return [
    `${found.segment} offset ${found.offset}, ${found.bytes} bytes, commit ${found.ordinal}, ${found.entries.length} entries`,
    ...found.entries.map(
      ({ sequence: at, offset, type, payloadBytes }) =>
        `${String(offset).padStart(10)}  sequence ${at}  type ${type}  ${payloadBytes} bytes`,
    ),
    ...entryLines(found.commit),
  ];
}

function entryLines(entry: InspectedEntry): string[] {
  return [
    `${entry.segment} offset ${entry.offset}, ${entry.bytes} bytes, sequence ${entry.sequence}, type ${entry.type}`,
    ...entry.header.map(fieldLine),
    ...(entry.fields.length === 0 ? [] : ['payload decoded:', ...entry.fields.map(fieldLine)]),
    `payload of ${entry.payloadHex.length / 2} bytes:`,
    ...hexLines(Buffer.from(entry.payloadHex, 'hex')),
  ];
}

function fieldLine({ name, offset, size, value, meaning }: InspectedField): string {
  return `${String(offset).padStart(10)}  ${String(size).padStart(4)}  ${name.padEnd(16)}${value}   (${meaning})`;
}

/** As hexdump -C shows it. */
function hexLines(bytes: Buffer): string[] {
  const lines: string[] = [];
  for (let at = 0; at < Math.min(bytes.length, HEX_BYTES_SHOWN); at += 16) {
    const row = bytes.subarray(at, at + 16);
    const hex = [...row].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const text = row.toString('latin1').replace(/[^\x20-\x7e]/g, '.');
    lines.push(`${at.toString(16).padStart(8, '0')}  ${hex.padEnd(47)}  ${text}`);
  }
  if (bytes.length > HEX_BYTES_SHOWN)
    lines.push(`… ${bytes.length - HEX_BYTES_SHOWN} more (all of it with --json)`);
  return lines;
}
