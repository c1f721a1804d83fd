/** `truthdb key …`: the keys of encrypted tenants, rotated and given to somebody who keeps them elsewhere. */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { TruthError } from '../errors.ts';
import { RealDisk } from '../io/index.ts';
import { KeyRing, moveKek, openKeys } from '../tenancy/index.ts';
import { readLogId } from '../wal/metadata.ts';
import { askServer } from './administer.ts';
import { type Command, misused } from './command.ts';
import { kekOptions, kekSource } from './kek-options.ts';
import { giveFileTo, giveTo, ownerOf } from './ownership.ts';
import { TARGET_OPTIONS } from './target.ts';

const OWNER_ONLY = 0o600;

export const keyRotate: Command = {
  name: 'key rotate',
  summary: 'Seals what a tenant writes from now on under a new key, or wraps all keys anew.',
  detail:
    'The log is not rewritten: what was written before stays under its key. With --all the key-encryption key is replaced and ' +
    'every key wrapped under the new one; a key file is overwritten. Works while the server runs.',
  positionals: [],
  options: [
    { flag: 'tenant', value: 'NAME', help: 'another tenant than your own; for operators' },
    { flag: 'all', value: null, help: 'replace the key-encryption key; for operators' },
    ...TARGET_OPTIONS,
  ],
  example: 'truthdb key rotate --tenant acme',
  run: async (args, terminal) => {
    const all = args.switch('all');
    if (all && args.text('tenant') !== undefined)
      throw misused(keyRotate, 'give --all or --tenant, not both');
    const command = all
      ? { command: 'key-rewrap' }
      : { command: 'key-rotate', tenant: args.text('tenant') ?? null };
    const answer = await askServer(args, terminal, command);
    const { name, key } = (answer['tenant'] ?? {}) as { name?: string; key?: string };
    const words = all ? 'all keys are wrapped anew' : `tenant ${name} writes under key ${key}`;
    await terminal.out(terminal.json ? JSON.stringify(answer) : words);
    return 0;
  },
};

export const keyExport: Command = {
  name: 'key export',
  summary: 'Writes all keys to a file, sealed to a recovery key.',
  detail:
    'Backups hold no keys: without this file and the private half of the recovery key an encrypted backup cannot be read ' +
    'where the key-encryption key is lost. Make the pair elsewhere: openssl genpkey -algorithm x25519 -out recovery.pem; ' +
    'openssl pkey -in recovery.pem -pubout -out recovery-public.pem.',
  positionals: [{ name: 'FILE', required: true }],
  options: [
    { flag: 'to', value: 'PEM', help: 'file with the public half of the recovery key (required)' },
    ...TARGET_OPTIONS,
  ],
  example: 'truthdb key export keys.sealed --to recovery-public.pem',
  run: async (args, terminal) => {
    const to = args.text('to');
    if (to === undefined) throw misused(keyExport, '--to is needed');
    const publicKey = readFileSync(to, 'utf8');
    const { sealed } = await askServer(args, terminal, { command: 'key-export', publicKey });
    const file = args.positional(0) as string;
    writeFileSync(file, sealed as string, { mode: OWNER_ONLY, flag: 'wx' });
    terminal.say(`all keys are in ${file}, sealed; only the private half of ${to} opens it`);
    return 0;
  },
};

export const keyImport: Command = {
  name: 'key import',
  summary: 'Takes over exported keys into a database whose server is stopped.',
  detail:
    'Keys that are there already stay as they are, unless they had been destroyed when the export was made: then they are ' +
    'destroyed here too. They are wrapped under the key file, passphrase or TPM named here.',
  positionals: [{ name: 'FILE', required: true }],
  options: [
    { flag: 'with', value: 'PEM', help: 'file with the private half of the recovery key (required)' },
    { flag: 'data', value: 'DIR', help: 'directory of the database (required)' },
    ...kekOptions('', 'file of the key-encryption key; made if it is not there'),
  ],
  example:
    'truthdb key import keys.sealed --with recovery.pem --data /var/lib/truthdb --key-file /etc/truthdb/kek',
  run: async (args, terminal) => {
    const [privateFile, data] = [args.text('with'), args.text('data')];
    if (privateFile === undefined || data === undefined)
      throw misused(keyImport, '--with and --data are needed');
    const taken = alone(data, (place) => {
      const source = kekSource(keyImport, place.disk, args, '');
      const ring = new KeyRing({ ...place, source });
      const sealed = readFileSync(args.positional(0) as string, 'utf8');
      return ring.adopt(openKeys(sealed, place.logId, readFileSync(privateFile, 'utf8')));
    });
    await terminal.out(terminal.json ? JSON.stringify({ taken }) : `${taken} keys taken over`);
    return 0;
  },
};

export const keyChange: Command = {
  name: 'key change',
  summary: 'Lets the key-encryption key come from somewhere else: a file, a passphrase or a TPM.',
  detail:
    'For a database whose server is stopped; afterwards start it with the new setting. All keys are wrapped under a new key, and ' +
    'an old key file is overwritten and removed. Stopped half-way it goes on when it is run again with the same two. The log is ' +
    'not touched.',
  positionals: [],
  options: [
    { flag: 'data', value: 'DIR', help: 'directory of the database (required)' },
    ...kekOptions('', 'file that the key comes from now'),
    ...kekOptions('to-', 'file that it is to come from; made if it is not there'),
  ],
  example: 'truthdb key change --data /var/lib/truthdb --key-file /etc/truthdb/kek --to-tpm /dev/tpmrm0',
  run: async (args, terminal) => {
    const data = args.text('data');
    if (data === undefined) throw misused(keyChange, '--data is needed');
    const moved = alone(data, (place) => {
      const before = kekSource(keyChange, place.disk, args, '');
      const after = kekSource(keyChange, place.disk, args, 'to-');
      if (before === null || after === null)
        throw misused(keyChange, 'what the key comes from and what it is to come from (--to-…) are needed');
      const done = moveKek(place, before, after);
      // Of the server, as the directory.
      if (done && after.from === 'file') giveFileTo(ownerOf(place.directory), after.path);
      return done;
    });
    const words = moved
      ? 'all keys are wrapped anew; start the server with the new setting'
      : 'nothing is encrypted here, so there is no key yet: just start the server with the new setting';
    await terminal.out(terminal.json ? JSON.stringify({ moved }) : words);
    return 0;
  },
};

/** What a ring of keys is opened with. */
interface KeyPlace {
  readonly disk: RealDisk;
  readonly directory: string;
  readonly logId: Uint8Array;
  readonly random: (bytes: number) => Uint8Array;
}

/** Runs with no server at the directory, and leaves it its owner's. Errors: LOCKED, those of `work`. */
function alone<T>(data: string, work: (place: KeyPlace) => T): T {
  const disk = new RealDisk();
  const directory = resolve(data);
  const logId = Buffer.from(readLogId(disk, directory) ?? '', 'hex');
  const lock = disk.lock(directory);
  if (lock === null)
    throw new TruthError('LOCKED', `${directory} is in use; stop the server first`, { directory });
  try {
    return work({ disk, directory, logId, random: randomBytes });
  } finally {
    lock.release();
    giveTo(ownerOf(directory), directory);
  }
}
