/** `truthdb follow`: keeps a byte-exact copy of another server's log, and lets it be read. */
import { resolve } from 'node:path';
import { type Config, resolveConfig, SETTINGS } from '../config.ts';
import type { FollowerState, lagOf as LagOfState, openReplica } from '../follow/index.ts';
import { RealDisk } from '../io/index.ts';
import { type Address, isFollowerName, parseConnectionString } from '../protocol/index.ts';
import { type Arguments, type Command, misused, type Terminal } from './command.ts';
import { announceServing, announceUnseen } from './serving-lines.ts';

const PROGRESS_MILLIS = 500;
/** Settings of a server that mean nothing to a copy: its log is as its source's. */
const NOT_FOR_COPIES = new Set(['data', 'durability', 'segment-bytes']);

export const follow: Command = {
  name: 'follow',
  summary: 'Keeps a copy of another server’s log, byte for byte, until interrupted.',
  detail:
    'Every checksum, sequence and link of the chain is verified before anything is kept. It resumes after any cut, heals damage\n' +
    'of its own files from the source, and stops, changing nothing, where the two logs are different histories.\n' +
    'URL is the source’s connection string with the token of an operator; TRUTHDB_URL in its place keeps it out of the list\n' +
    'of processes. With --serve the copy can be read like any server, with tokens of its own; appends are refused (READ_ONLY).',
  positionals: [{ name: 'URL', required: false }],
  options: [
    { flag: 'data', value: 'DIR', help: 'directory of the copy (required); made on first use' },
    {
      flag: 'name',
      value: 'NAME',
      help: 'what the source calls this copy; without it the copy makes up a name at its first start and keeps it',
    },
    { flag: 'verify', value: null, help: 'first check every byte of the copy, and heal what is damaged' },
    {
      flag: 'serve',
      value: null,
      help: 'serve reads from the copy; the options below are those of `truthdb serve`',
    },
    ...SETTINGS.flatMap(({ flag, value, help }) =>
      flag === null || NOT_FOR_COPIES.has(flag) ? [] : [{ flag, value, help }],
    ),
  ],
  example: 'truthdb follow truthdb://TOKEN@192.0.2.10:9650?fp=… --data /var/lib/truthdb-copy --serve',
  run: async (args, terminal) => {
    const url = args.positional(0) ?? terminal.environment['TRUTHDB_URL'];
    const data = args.text('data');
    if (url === undefined) throw misused(follow, 'the URL of the source is missing');
    if (data === undefined) throw misused(follow, '--data is missing');
    const name = args.text('name') ?? null;
    if (name !== null && !isFollowerName(name)) {
      throw misused(
        follow,
        `--name is "${name}"; 1 to 64 letters, digits, points, hyphens and underscores are needed`,
      );
    }
    const address = parseConnectionString(url);
    const options = {
      address,
      source: placeOf(address),
      name,
      everything: args.switch('verify'),
      nowMillis: () => performance.now(),
      report: (line: string) => terminal.say(line),
    };
    if (args.switch('serve')) return serveCopy(args, terminal, options);
    const place = { directory: resolve(data), disk: new RealDisk() };
    const { Follower, lagOf } = await import('../follow/index.ts');
    const progress = progressTo(terminal, lagOf);
    await new Follower({ ...options, ...place, onState: progress.show }).run(terminal.signal);
    progress.last();
    terminal.say('stopped');
    return 0;
  },
};

type LagOf = typeof LagOfState;

/** Errors: what ended the follower. */
async function serveCopy(
  args: Arguments,
  terminal: Terminal,
  follower: Parameters<typeof openReplica>[0]['follower'],
): Promise<number> {
  const { signal, environment } = terminal;
  const config: Config = resolveConfig({ file: null, environment, flags: args.values });
  const disk = new RealDisk();
  const { openReplica } = await import('../follow/index.ts');
  const { runServer } = await import('../server/index.ts');
  try {
    const failure = await runServer({
      config,
      environment,
      signal,
      ownLog: false,
      open: (engine) => openReplica({ follower, engine: { ...engine, disk }, signal }),
      say: (line) => terminal.say(line),
      onServing: (serving) => void announceServing(serving, terminal),
      onUnseenToken: (connection) => void announceUnseen(connection, terminal),
    });
    if (failure !== null) throw failure;
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return 0;
}

function placeOf(address: Address): string {
  return address.kind === 'unix' ? address.path : `${address.host}:${address.port}`;
}

/** Where the copy is, now and then and at the end; with --json a line each time. */
function progressTo(terminal: Terminal, lagOf: LagOf) {
  let shownAt = Number.NEGATIVE_INFINITY;
  let wasConnected = false;
  let unshown: FollowerState | null = null;
  let timer: NodeJS.Timeout | null = null;
  const last = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (unshown !== null) void showState(unshown, terminal, lagOf);
    unshown = null;
    shownAt = performance.now();
  };
  const show = (state: FollowerState): void => {
    const { durable, connected, source } = state;
    if (connected && !wasConnected) {
      terminal.say(`following ${source} from sequence ${durable?.sequence ?? 0}`);
    }
    wasConnected = connected;
    unshown = state;
    if (performance.now() - shownAt >= PROGRESS_MILLIS) last();
    else timer ??= setTimeout(last, PROGRESS_MILLIS);
  };
  return { show, last };
}

async function showState(state: FollowerState, terminal: Terminal, lagOf: LagOf): Promise<void> {
  const { durable, connected, reconnects } = state;
  if (durable === null) return;
  const { sequence, segment } = durable;
  const lag = lagOf(state);
  if (terminal.json) {
    await terminal.out(JSON.stringify({ sequence, segment, lag, connected, reconnects }));
  } else {
    const behind = lag === null ? '' : `, ${lag.entries} entries and ${lag.bytes} bytes behind`;
    terminal.progress(`sequence ${sequence} in segment ${segment}${behind}`);
  }
}
