/** `truthdb snapshot …`: copies of all views at one position, taken, listed, kept, checked and put back. */
import { resolve } from 'node:path';
import { ERROR_CODES } from '../errors.ts';
import { RealDisk } from '../io/index.ts';
import {
  restoreSnapshot,
  type SnapshotCheck,
  SnapshotStore,
  type SnapshotSummary,
  verifySnapshot,
} from '../snapshot/index.ts';
import { type Arguments, type Command, misused, type Option, type Terminal } from './command.ts';
import { giveTo, ownerOf } from './ownership.ts';
import { connectTo, TARGET_OPTIONS } from './target.ts';

/** Taking one of a large database may take this long. */
const CREATE_MILLIS = 3_600_000;
const DATA: Option = {
  flag: 'data',
  value: 'DIR',
  help: 'directory of a database: its files, without a server',
};
const DATA_REQUIRED: Option = { ...DATA, help: 'directory of the database (required)' };
const NAME = { name: 'NAME', required: true } as const;

export const snapshotCreate: Command = {
  name: 'snapshot create',
  summary: 'Takes a snapshot of all views while the server goes on working.',
  detail: 'Works through the local socket, or with the token of an operator.',
  positionals: [],
  options: [
    { flag: 'hold', value: 'REASON', help: 'keep it whatever the policy says, until it is released' },
    ...TARGET_OPTIONS,
  ],
  example: 'truthdb snapshot create --hold "before the migration"',
  run: async (args, terminal) => {
    const command = { command: 'snapshot-create', hold: args.text('hold') ?? null };
    const { created } = await administer(args, terminal, command, CREATE_MILLIS);
    await show(terminal, created as SnapshotSummary);
    return 0;
  },
};

export const snapshotList: Command = {
  name: 'snapshot list',
  summary: 'Lists the snapshots there are, the newest first.',
  detail: 'With --data from the files, otherwise from the server.',
  positionals: [],
  options: [DATA, ...TARGET_OPTIONS],
  example: 'truthdb snapshot list --data /var/lib/truthdb',
  run: async (args, terminal) => {
    const store = storeFrom(args);
    const snapshots =
      store?.list() ??
      ((await administer(args, terminal, { command: 'snapshot-list' }))['snapshots'] as SnapshotSummary[]);
    for (const snapshot of snapshots) await show(terminal, snapshot);
    return 0;
  },
};

export const snapshotHold: Command = {
  name: 'snapshot hold',
  summary: 'Keeps a snapshot whatever the policy says, until it is released.',
  detail: 'With --data in the files, otherwise through the server.',
  positionals: [NAME],
  options: [
    { flag: 'reason', value: 'TEXT', help: 'why; shown in the list (required)' },
    DATA,
    ...TARGET_OPTIONS,
  ],
  example: 'truthdb snapshot hold 00000000000000000812-0000000003 --reason "the audit of May"',
  run: async (args, terminal) => {
    const name = args.positional(0) as string;
    const reason = args.text('reason');
    if (reason === undefined) throw misused(snapshotHold, '--reason is missing');
    const store = storeFrom(args);
    const held =
      store?.hold(name, reason) ??
      (await administer(args, terminal, { command: 'snapshot-hold', name, reason }))['held'];
    if (store !== null) giveTo(ownerOf(store.folder), store.folder);
    await show(terminal, held as SnapshotSummary);
    return 0;
  },
};

export const snapshotRelease: Command = {
  name: 'snapshot release',
  summary: 'Lets the policy remove a snapshot that was held.',
  detail: 'With --data in the files, otherwise through the server.',
  positionals: [NAME],
  options: [DATA, ...TARGET_OPTIONS],
  example: 'truthdb snapshot release 00000000000000000812-0000000003',
  run: async (args, terminal) => {
    const name = args.positional(0) as string;
    const released =
      storeFrom(args)?.release(name) ??
      (await administer(args, terminal, { command: 'snapshot-release', name }))['released'];
    await show(terminal, released as SnapshotSummary);
    return 0;
  },
};

export const snapshotVerify: Command = {
  name: 'snapshot verify',
  summary: 'Checks every byte of a snapshot, its views’ digests, and that the log bears it out.',
  detail: `Without NAME all of them. Needs no server and changes nothing. Exit code ${ERROR_CODES.CORRUPT.exit} when something is wrong.`,
  positionals: [{ name: 'NAME', required: false }],
  options: [DATA_REQUIRED],
  example: 'truthdb snapshot verify --data /var/lib/truthdb',
  run: async (args, terminal) => {
    const directory = directoryFrom(snapshotVerify, args);
    const disk = new RealDisk();
    const name = args.positional(0);
    const names =
      name === undefined ? new SnapshotStore(disk, directory).list().map((each) => each.name) : [name];
    const { VIEWS: definitions } = await import('../engine.ts');
    let ok = true;
    for (const each of names) {
      terminal.progress(`checking snapshot ${each}`);
      const check = verifySnapshot({ disk, directory, name: each, definitions });
      ok &&= check.ok;
      if (terminal.json) await terminal.out(JSON.stringify(check));
      else for (const line of checkLines(check)) await terminal.out(line);
    }
    return ok ? 0 : ERROR_CODES.CORRUPT.exit;
  },
};

export const snapshotRestore: Command = {
  name: 'snapshot restore',
  summary: 'Puts a snapshot in place of the views of a database that is not running.',
  detail:
    'It is verified first; the next start reads the log from there on. Only the time of a start depends on it, never what\n' +
    'the database holds: the log alone decides that. To go back in time, restore a backup with --until.',
  positionals: [NAME],
  options: [DATA_REQUIRED],
  example: 'truthdb snapshot restore 00000000000000000812-0000000003 --data /var/lib/truthdb',
  run: async (args, terminal) => {
    const directory = directoryFrom(snapshotRestore, args);
    const name = args.positional(0) as string;
    const { VIEWS: definitions } = await import('../engine.ts');
    const restored = await restoreSnapshot({ disk: new RealDisk(), directory, name, definitions });
    giveTo(ownerOf(directory), directory);
    await terminal.out(
      terminal.json
        ? JSON.stringify(restored)
        : `views at ${restored.position} from snapshot ${name}: ${restored.views.join(', ')}`,
    );
    return 0;
  },
};

function storeFrom(args: Arguments): SnapshotStore | null {
  const data = args.text('data');
  return data === undefined ? null : new SnapshotStore(new RealDisk(), resolve(data));
}

function directoryFrom(command: Command, args: Arguments): string {
  const data = args.text('data');
  if (data === undefined) throw misused(command, '--data is missing');
  return resolve(data);
}

async function administer(args: Arguments, terminal: Terminal, command: object, timeoutMillis?: number) {
  const db = await connectTo(args, terminal);
  try {
    return await db.administer(command, timeoutMillis);
  } finally {
    await db.close();
  }
}

function show(terminal: Terminal, snapshot: SnapshotSummary): Promise<void> {
  return terminal.out(terminal.json ? JSON.stringify(snapshot) : summaryLine(snapshot));
}

function summaryLine({ name, position, epoch, recordedAt, bytes, held, missing, problem }: SnapshotSummary) {
  if (problem !== null) return `${name}  DAMAGED: ${problem}`;
  return [
    `${name}  position ${position}  epoch ${epoch}  ${recordedAt}  ${bytes} bytes`,
    ...(held === null ? [] : [`held: ${held}`]),
    ...missing.map((view) => `without view ${view.name} (${view.reason})`),
  ].join('  ');
}

function checkLines({ name, ok, position, bytes, views, problems }: SnapshotCheck): string[] {
  return [
    ...(ok ? [`${name}  ok: position ${position}, ${bytes} bytes`] : [`${name}  NOT OK`]),
    ...views.map((view) => `  view ${view.name}  digest ${view.digest}`),
    ...problems.map((problem) => `  PROBLEM ${problem}`),
  ];
}
