/**
 * The installer: puts TruthDB on a disk of this machine.
 *
 * Two kinds of processes. The engine (engine/) reads the disks, decides what may be done, and does it; interfaces (screens/) attach
 * to its socket and show its pages. Between them lies a pure core: disks/ (what there is and what may be erased), session/ (the
 * dialogue), layout.ts, plan.ts and steps/ (what will be written, in which order), answers/ (the unattended dialogue). host.ts is
 * the only file that runs programs. Data comes in from /sys, udev, the probing tools and the payload, and goes out to one disk, and
 * only after that disk was confirmed by name. The installer shares no code with the database: it runs `truthdb init`.
 *
 * This file is the command line.
 */

import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { answerJsonSchema } from './answers/index.ts';
import { findAnswer, unattendedAllowed } from './answers/source.ts';
import { type Disk, formatDiskSize } from './disks/disk.ts';
import { inventory } from './disks/index.ts';
import { probe } from './disks/probe.ts';
import { startEngine } from './engine/index.ts';
import { asInstallError } from './errors.ts';
import { readHardwareFacts } from './hardware.ts';
import { createHost, type Host } from './host.ts';
import { type InterfaceKind, runInterface } from './screens/index.ts';
import { runUnattended } from './screens/unattended.ts';

const RUN_FOLDER = '/run/truthdb-installer';
const SOCKET = `${RUN_FOLDER}/engine.sock`;
const PAYLOAD = '/run/truthdb/payload';

const HELP = `truthdb-installer - puts TruthDB on a disk of this machine

  truthdb-installer engine [--socket PATH] [--payload FOLDER]
      The process that reads and writes disks. Interfaces attach to its socket.
  truthdb-installer ui [--ui=blessed|line] [--socket PATH] [--tty DEVICE]
      The pages, on this terminal or on DEVICE. Falls back to plain lines where the terminal cannot do more.
  truthdb-installer unattended [--socket PATH]
      Installs as an answer file says. Only on the -unattended medium.
  truthdb-installer disks [--json]
      Lists every disk with its serial, content, content fingerprint, and why it may not be chosen.
  truthdb-installer answer-schema
      Prints the JSON schema of answer files.

Example: truthdb-installer disks --json | grep -A1 serial
`;

/** @returns Exit code: 0 done, 1 failed, 2 wrong usage. */
export async function main(args: string[]): Promise<number> {
  const [command, ...rest] = args;
  try {
    switch (command) {
      case 'engine':
        return await runEngine(rest);
      case 'ui':
        return await runUi(rest);
      case 'unattended':
        return await runUnattended(optionsOf(rest, ['socket']).socket ?? SOCKET, (line) =>
          process.stdout.write(`${line}\n`),
        );
      case 'disks':
        return await listDisks(rest);
      case 'answer-schema':
        process.stdout.write(`${JSON.stringify(answerJsonSchema(), undefined, 2)}\n`);
        return 0;
      case '--help':
      case '-h':
        process.stdout.write(HELP);
        return 0;
      default:
        process.stderr.write(
          `${command === undefined ? 'no command' : `unknown command "${command}"`}\n\n${HELP}`,
        );
        return 2;
    }
  } catch (thrown) {
    const usage =
      thrown instanceof TypeError && 'code' in thrown && String(thrown.code).startsWith('ERR_PARSE_ARGS');
    const error = asInstallError(thrown);
    process.stderr.write(
      usage ? `${error.message}\n\n${HELP}` : `truthdb-installer: [${error.code}] ${error.message}\n`,
    );
    return usage ? 2 : 1;
  }
}

function optionsOf<Name extends string>(
  args: string[],
  names: readonly Name[],
): Partial<Record<Name, string>> {
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]));
  return parseArgs({ args, options, allowPositionals: false }).values as Partial<Record<Name, string>>;
}

async function readDisks(host: Host, settle: boolean): Promise<readonly Disk[]> {
  return inventory(await probe({ host, settle }), randomBytes);
}

async function runEngine(args: string[]): Promise<number> {
  const { socket = SOCKET, payload = PAYLOAD } = optionsOf(args, ['socket', 'payload']);
  const engine = await startEngine({
    socketPath: socket,
    payloadFolder: payload,
    mountRoot: `${RUN_FOLDER}/mounts`,
    logFile: `${RUN_FOLDER}/install.log`,
    createHost: (log) => createHost({ log }),
    readDisks,
    readFacts: () => readHardwareFacts(new Date()),
    unattendedAllowed,
    findAnswer: (host) => findAnswer(host, `${RUN_FOLDER}/mounts/answer`),
    random: randomBytes,
    nowMs: () => performance.now(),
  });
  await new Promise<void>((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  await engine.close();
  return 0;
}

async function runUi(args: string[]): Promise<number> {
  const { ui = 'blessed', socket = SOCKET, tty } = optionsOf(args, ['ui', 'socket', 'tty']);
  if (ui !== 'blessed' && ui !== 'line') {
    process.stderr.write(`--ui=${ui}: blessed or line\n`);
    return 2;
  }
  const { TERM: term } = process.env;
  return runInterface({ kind: ui satisfies InterfaceKind, socketPath: socket, tty, term });
}

async function listDisks(args: string[]): Promise<number> {
  const { json = false } = parseArgs({
    args,
    options: { json: { type: 'boolean' } },
    allowPositionals: false,
  }).values;
  const disks = await readDisks(createHost({ log: () => undefined }), true);
  if (json) process.stdout.write(`${JSON.stringify({ disks: disks.map(jsonOf) }, undefined, 2)}\n`);
  else for (const disk of disks) process.stdout.write(`${textOf(disk)}\n`);
  return 0;
}

/** What an answer file may name, and what a person wants to know before writing one. */
function jsonOf(disk: Disk) {
  const { path, bytes, model, serial, wwn, byId, bus, shared, contents, ineligible } = disk;
  return {
    path,
    bytes,
    model,
    serial,
    wwn,
    byId,
    bus,
    shared,
    content: contents.summary,
    empty: contents.state === 'empty',
    contentFingerprint: contents.fingerprint,
    eligible: ineligible.length === 0,
    reasons: ineligible,
  };
}

function textOf(disk: Disk): string {
  const reasons = disk.ineligible.map(({ text }) => text).join('; ');
  return [
    `${disk.path}  ${formatDiskSize(disk.bytes)}  ${disk.model}  serial ${disk.serial || 'none'}  ${disk.bus}`,
    `  ${disk.contents.summary}; content ${disk.contents.fingerprint}`,
    ...(reasons === '' ? [] : [`  not eligible: ${reasons}`]),
  ].join('\n');
}
