/** `truthdb backup …`: copies of the log, made beside a running server, checked, and brought back. */
import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import {
  type BackupCheck,
  type BackupTarget,
  type CreatedBackup,
  createBackup,
  DirectoryTarget,
  type RestoreUntil,
  restoreBackup,
  TarTarget,
  verifyBackup,
} from '../backup/index.ts';
import { ERROR_CODES, TruthError } from '../errors.ts';
import { RealDisk, realClock } from '../io/index.ts';
import { type Arguments, type Command, misused, type Option, type Terminal } from './command.ts';
import { giveTo, ownerOf } from './ownership.ts';

const BASE: Option = {
  flag: 'base',
  value: 'DIR',
  help: 'where the backup that DIR continues is now, if not where it was or beside DIR',
};
/** With a zone: a moment must not depend on who asks. */
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/;

export const backupCreate: Command = {
  name: 'backup create',
  summary:
    'Copies the log of a database, running or not, to a directory or as a tar archive to standard output.',
  detail:
    'Reads the files of the data directory up to what is known to be durable, and checks every byte of it; the server\n' +
    'notices nothing. What was signed goes along; tokens, TLS key and signing key are left out unless asked for.',
  positionals: [],
  options: [
    { flag: 'data', value: 'DIR', help: 'directory of the database (required)' },
    { flag: 'to', value: 'DIR|-', help: 'an empty or new directory, or - for standard output (required)' },
    { flag: 'incremental', value: null, help: 'only what came after the backup named by --base' },
    { flag: 'base', value: 'DIR', help: 'the backup to continue; only its backup.json is read' },
    { flag: 'with-tokens', value: null, help: 'include the hashes of the tokens' },
    { flag: 'with-tls', value: null, help: 'include certificate and private key: keep such a backup secret' },
    {
      flag: 'with-signing',
      value: null,
      help: 'include the key that signs checkpoints (never the root key): keep such a backup secret',
    },
  ],
  example: 'truthdb backup create --data /var/lib/truthdb --to /mnt/backups/monday',
  run: async (args, terminal) => {
    const data = required(backupCreate, args, 'data');
    const to = required(backupCreate, args, 'to');
    const disk = new RealDisk();
    const directory = resolve(data);
    const created = await createBackup({
      disk,
      directory,
      made: (path) => giveTo(ownerOf(directory), path),
      target: targetFrom(to, disk, terminal),
      base: baseFrom(args),
      with: {
        tokens: args.switch('with-tokens'),
        tls: args.switch('with-tls'),
        signing: args.switch('with-signing'),
      },
      clock: realClock,
      random: randomBytes,
      progress: (line) => terminal.progress(line),
    });
    const line = terminal.json ? JSON.stringify(created) : createdLine(created);
    if (to === '-') terminal.say(line);
    else await terminal.out(line);
    return 0;
  },
};

export const backupVerify: Command = {
  name: 'backup verify',
  summary: 'Checks every byte of a backup and of those it continues, and the log they make up.',
  detail: `Changes nothing. Exit code ${ERROR_CODES.CORRUPT.exit} when something is wrong.`,
  positionals: [{ name: 'DIR', required: true }],
  options: [BASE],
  example: 'truthdb backup verify /mnt/backups/tuesday',
  run: async (args, terminal) => {
    const check = verifyBackup({
      disk: new RealDisk(),
      directory: resolve(args.positional(0) as string),
      base: pathFrom(args, 'base'),
      progress: (line) => terminal.progress(line),
    });
    if (terminal.json) await terminal.out(JSON.stringify(check));
    else for (const line of checkLines(check)) await terminal.out(line);
    return check.ok ? 0 : ERROR_CODES.CORRUPT.exit;
  },
};

export const backupRestore: Command = {
  name: 'backup restore',
  summary: 'Makes a data directory of a backup, whole or as it was at a sequence or moment.',
  detail:
    'The backup is verified first. The restored log is byte for byte what it was up to the cut, which lies behind a commit, and\n' +
    'begins an epoch of its own there. Views are computed at the first start.',
  positionals: [{ name: 'DIR', required: true }],
  options: [
    { flag: 'to', value: 'DATA', help: 'data directory to make: new or empty (required)' },
    { flag: 'until', value: 'SEQUENCE', help: 'nothing after this position' },
    {
      flag: 'until-time',
      value: 'TIME',
      help: 'nothing recorded after this moment, ISO 8601 with a zone: 2026-01-02T03:04:05Z',
    },
    BASE,
  ],
  example:
    'truthdb backup restore /mnt/backups/tuesday --to /var/lib/truthdb --until-time 2026-01-02T03:04:05Z',
  run: async (args, terminal) => {
    const to = resolve(required(backupRestore, args, 'to'));
    const owner = ownerOf(to);
    const restored = await restoreBackup({
      disk: new RealDisk(),
      from: resolve(args.positional(0) as string),
      base: pathFrom(args, 'base'),
      to,
      until: untilFrom(args),
      clock: realClock,
      random: randomBytes,
      progress: (line) => terminal.progress(line),
    });
    giveTo(owner, to);
    await terminal.out(
      terminal.json
        ? JSON.stringify(restored)
        : `log ${restored.logId} up to position ${restored.position} (${restored.recordedAt}), ${restored.segments} segments; epoch ${restored.epoch} begins`,
    );
    return 0;
  },
};

function required(command: Command, args: Arguments, flag: string): string {
  const text = args.text(flag);
  if (text === undefined) throw misused(command, `--${flag} is missing`);
  return text;
}

function pathFrom(args: Arguments, flag: string): string | null {
  const text = args.text(flag);
  return text === undefined ? null : resolve(text);
}

function targetFrom(to: string, disk: RealDisk, terminal: Terminal): BackupTarget {
  if (to !== '-') return new DirectoryTarget(disk, resolve(to));
  const seconds = Number(realClock.nowNanos() / 1_000_000_000n);
  const write = async (bytes: Uint8Array): Promise<void> => {
    await terminal.bytes(bytes);
    if (!terminal.signal.aborted) return;
    throw new TruthError(
      'CLOSED',
      'stopped before the whole archive was written: what was written is no backup',
    );
  };
  return new TarTarget(write, seconds);
}

function baseFrom(args: Arguments): string | null {
  const base = pathFrom(args, 'base');
  if (args.switch('incremental') === (base !== null)) return base;
  throw misused(
    backupCreate,
    base === null
      ? '--incremental needs --base DIR, the backup to continue'
      : '--base is given without --incremental',
  );
}

function untilFrom(args: Arguments): RestoreUntil {
  const sequence = args.number('until', 1);
  const time = args.text('until-time');
  if (sequence !== undefined && time !== undefined) {
    throw misused(backupRestore, 'both --until and --until-time are given; one is possible');
  }
  if (sequence !== undefined) return { kind: 'sequence', sequence };
  if (time === undefined) return { kind: 'end' };
  const millis = MOMENT.test(time) ? Date.parse(time) : Number.NaN;
  if (Number.isNaN(millis)) {
    throw misused(
      backupRestore,
      `--until-time is "${time}"; a moment with its zone is needed: 2026-01-02T03:04:05Z`,
    );
  }
  // All of that millisecond: more digits than people see are not meant.
  return { kind: 'moment', recordedAt: BigInt(millis) * 1_000_000n + 999_999n };
}

function createdLine(created: CreatedBackup): string {
  const { id, kind, position, recordedAt, pieces, bytes, snapshots, metadata } = created;
  const others = [...snapshots.map((name) => `snapshot ${name}`), ...metadata];
  const along = others.length === 0 ? '' : `; with ${others.join(', ')}`;
  return `${kind} backup ${id} up to position ${position} (${recordedAt}): ${bytes} bytes in ${pieces} pieces${along}`;
}

function checkLines(check: BackupCheck): string[] {
  return [
    createdLine(check),
    ...check.bases.map((base) => `  continues ${base}`),
    ...check.gaps.map(({ from, to }) => `  without positions ${from} to ${to}, which were declared lost`),
    ...check.problems.map((problem) => `PROBLEM ${problem}`),
    check.ok
      ? `ok: log ${check.logId}, positions ${check.firstPosition} to ${check.position}, ${check.commits} commits`
      : `NOT OK: ${check.problems.length} problems`,
  ];
}
