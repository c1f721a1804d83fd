/** Which server a command talks to: named by a flag, by the environment, or the one on this machine. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Client } from '../client/index.ts';
import { TruthError } from '../errors.ts';
import { type Address, parseConnectionString } from '../protocol/index.ts';
import type { Arguments, Option, Terminal } from './command.ts';

/** Where the appliance's server has its socket, and where one started from this directory has it. */
const USUAL_SOCKETS = ['/run/truthdb/truthdb.sock', 'data/truthdb.sock'];

export const TARGET_OPTIONS: readonly Option[] = [
  { flag: 'url', value: 'URL', help: 'connection string truthdb://TOKEN@host:port?fp=… (or TRUTHDB_URL)' },
  {
    flag: 'socket',
    value: 'PATH',
    help: 'local socket (or TRUTHDB_SOCKET); default: the server on this machine',
  },
];

/** Errors: CONNECTION when no server is named or found, and what `connect` says. */
export async function connectTo(args: Arguments, terminal: Terminal): Promise<Client> {
  const address = addressFor(args, terminal);
  // Loaded when it is needed: a command that only says what is wrong with its arguments should do so at once.
  const { connect } = await import('../client/index.ts');
  return connect(address);
}

/** Errors: INVALID_ARGUMENT, CONNECTION when no server is named or found. */
export function addressFor(args: Arguments, terminal: Terminal): Address {
  const { environment } = terminal;
  const url = args.text('url');
  const socket = args.text('socket');
  if (url !== undefined && socket !== undefined) {
    throw new TruthError('INVALID_ARGUMENT', 'both --url and --socket are given; one is needed');
  }
  if (url !== undefined) return parseConnectionString(url);
  if (socket !== undefined) return localSocket(socket);
  if (environment['TRUTHDB_URL'] !== undefined) return parseConnectionString(environment['TRUTHDB_URL']);
  const named = environment['TRUTHDB_SOCKET'];
  // The same variable configures the server, where it may also say how instead of where.
  const path = named === 'auto' || named === 'off' ? undefined : named;
  const found = path ?? USUAL_SOCKETS.find((usual) => existsSync(usual));
  if (found !== undefined) return localSocket(found);
  throw new TruthError(
    'CONNECTION',
    `no server is named and none has its socket here (${USUAL_SOCKETS.join(', ')}); ` +
      'give --url truthdb://TOKEN@host:port?fp=FINGERPRINT, as the server printed it, or start one: truthdb serve',
  );
}

function localSocket(path: string): Address {
  return { kind: 'unix', path: resolve(path) };
}
