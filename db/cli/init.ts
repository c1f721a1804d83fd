/** `truthdb init`: makes a data directory, without starting a server. */
import { resolve } from 'node:path';
import { CONFIG_DEFAULTS } from '../config.ts';
import { TruthError } from '../errors.ts';
import { RealDisk } from '../io/index.ts';
import { formatConnectionString } from '../protocol/index.ts';
import type { Command } from './command.ts';

export const init: Command = {
  name: 'init',
  summary: 'Makes a database in a directory.',
  detail: 'That is: the log, a TLS certificate and an admin token, which is printed once.',
  positionals: [],
  options: [
    { flag: 'data', value: 'DIR', help: 'directory of the database; made if missing (required)' },
    {
      flag: 'admin-token-hash',
      value: 'HEX',
      help: 'SHA-256 of an admin token you made; then none is printed',
    },
    {
      flag: 'host-names',
      value: 'A,B',
      help: 'names and addresses of the server, for certificate and connection',
    },
    { flag: 'segment-bytes', value: 'BYTES', help: 'size of log segments, 1 MiB to 1 GiB; default 64 MiB' },
    {
      flag: 'entry-bytes',
      value: 'BYTES',
      help: 'largest event, up to 16 MiB; default 4 MiB, or what a segment takes',
    },
  ],
  example: 'truthdb init --data /var/lib/truthdb --host-names db.example.org',
  run: async (args, terminal) => {
    const data = args.text('data');
    if (data === undefined) throw new TruthError('INVALID_ARGUMENT', 'truthdb init: --data is missing');
    const directory = resolve(data);
    const disk = new RealDisk();
    const hostNames = (args.text('host-names') ?? '').split(',').filter((name) => name !== '');
    const { setUp } = await import('../server/index.ts');
    const { logId, fingerprint, adminToken } = setUp({
      directory,
      disk,
      hostNames,
      adminTokenHash: args.text('admin-token-hash') ?? null,
      segmentBytes: args.number('segment-bytes', 1),
      entryBytesMax: args.number('entry-bytes', 1),
    });
    const host = hostNames[0] ?? 'localhost';
    const { port } = CONFIG_DEFAULTS.listen;
    const result = {
      logId,
      fingerprint,
      ...(adminToken === null
        ? {}
        : {
            adminToken,
            connection: formatConnectionString({ kind: 'tls', host, port, token: adminToken, fingerprint }),
          }),
    };
    if (terminal.json) {
      await terminal.out(JSON.stringify(result));
    } else {
      await terminal.out(`database ${logId} in ${directory}`);
      await terminal.out(`certificate fingerprint ${fingerprint}`);
      if (result.connection !== undefined) {
        await terminal.out(`connection (shown this once): ${result.connection}`);
      }
    }
    return 0;
  },
};
