/** `truthdb follow`: keeps a byte-exact copy of another server's log. */
import { resolve } from 'node:path';
import { Follower, type FollowerState, lagOf } from '../follow/index.ts';
import { RealDisk } from '../io/index.ts';
import { parseConnectionString } from '../protocol/index.ts';
import { type Command, misused, type Terminal } from './command.ts';

const PROGRESS_MILLIS = 500;

export const follow: Command = {
  name: 'follow',
  summary: 'Keeps a copy of another server’s log, byte for byte, until interrupted.',
  detail:
    'Every checksum, sequence and link of the chain is verified before anything is kept. It resumes after any cut, heals damage\n' +
    'of its own files from the source, and stops, changing nothing, where the two logs are different histories.\n' +
    'URL is the source’s connection string with the token of an operator; TRUTHDB_URL in its place keeps it out of the list\n' +
    'of processes.',
  positionals: [{ name: 'URL', required: false }],
  options: [
    { flag: 'data', value: 'DIR', help: 'directory of the copy (required); made on first use' },
    { flag: 'verify', value: null, help: 'first check every byte of the copy, and heal what is damaged' },
  ],
  example: 'TRUTHDB_URL=truthdb://TOKEN@192.0.2.10:9650?fp=… truthdb follow --data /var/lib/truthdb-copy',
  run: async (args, terminal) => {
    const url = args.positional(0) ?? terminal.environment['TRUTHDB_URL'];
    const data = args.text('data');
    if (url === undefined) throw misused(follow, 'the URL of the source is missing');
    if (data === undefined) throw misused(follow, '--data is missing');
    const address = parseConnectionString(url);
    const follower = new Follower({
      address,
      source: address.kind === 'unix' ? address.path : `${address.host}:${address.port}`,
      directory: resolve(data),
      disk: new RealDisk(),
      everything: args.switch('verify'),
      nowMillis: () => performance.now(),
      report: (line) => terminal.say(line),
      onState: progressTo(terminal),
    });
    await follower.run(terminal.signal);
    terminal.say('stopped');
    return 0;
  },
};

/** Where the copy is, now and then; with --json a line each time. */
function progressTo(terminal: Terminal): (state: FollowerState) => void {
  let toldAt = Number.NEGATIVE_INFINITY;
  let wasConnected = false;
  return (state) => {
    const { durable, connected, source, reconnects } = state;
    if (connected && !wasConnected)
      terminal.say(`following ${source} from sequence ${durable?.sequence ?? 0}`);
    wasConnected = connected;
    if (durable === null || performance.now() - toldAt < PROGRESS_MILLIS) return;
    toldAt = performance.now();
    const lag = lagOf(state);
    if (terminal.json) {
      void terminal.out(
        JSON.stringify({ sequence: durable.sequence, segment: durable.segment, lag, connected, reconnects }),
      );
    } else {
      const behind = lag === null ? '' : `, ${lag.entries} entries and ${lag.bytes} bytes behind`;
      terminal.progress(`sequence ${durable.sequence} in segment ${durable.segment}${behind}`);
    }
  };
}
