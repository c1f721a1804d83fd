/** `truthdb signing …`: the keys that vouch for a log. Works on the files of a data directory. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { momentText } from '../audit/checkpoint.ts';
import { SignedCheckpoints } from '../audit/signed-checkpoints.ts';
import { SigningKeys } from '../audit/signing-keys.ts';
import { type Certificate, decodeCheckpoint, hex } from '../audit/verifier.ts';
import { TruthError } from '../errors.ts';
import { RealDisk, realClock } from '../io/index.ts';
import { readLogId } from '../wal/metadata.ts';
import { type Arguments, type Command, misused, type Option, type Terminal } from './command.ts';
import { giveTo, ownerOf } from './ownership.ts';

const DATA: Option = { flag: 'data', value: 'DIR', help: 'directory of the database (required)' };

export const signingShow: Command = {
  name: 'signing show',
  summary: 'Shows the root key that clients and auditors pin, and the keys it has certified.',
  detail:
    'The root’s private key (metadata/signing/root.key) is needed only to rotate: take it off the machine and keep it safe.\n' +
    'Without it nobody can make this log’s history anew, whatever else he has.',
  positionals: [],
  options: [DATA],
  example: 'truthdb signing show --data /var/lib/truthdb',
  run: async (args, terminal) => {
    const { keys } = signingFrom(signingShow, args);
    const { rootKey } = keys;
    if (rootKey === null)
      throw new TruthError('NOT_FOUND', 'there are no signing keys yet: the first checkpoint makes them');
    const certificates = keys.verified();
    if (terminal.json) {
      const shown = certificates.map((each) => ({ ...each, issuedAt: momentText(each.issuedAt) }));
      const rootKeyHere = keys.hasRootKey;
      await terminal.out(JSON.stringify({ rootKey: hex(rootKey), rootKeyHere, certificates: shown }));
      return 0;
    }
    await terminal.out(`root key ${hex(rootKey)}`);
    for (const certificate of certificates) await terminal.out(certificateLine(certificate));
    if (keys.hasRootKey)
      terminal.say(
        'the root’s private key lies on this machine; move metadata/signing/root.key to a safe place',
      );
    return 0;
  },
};

export const signingRotate: Command = {
  name: 'signing rotate',
  summary: 'Certifies a new key for the checkpoints from here on; the old one signs nothing more.',
  detail: 'A running server uses it for its next checkpoint. Checkpoints signed before stay verifiable.',
  positionals: [],
  options: [
    DATA,
    { flag: 'root', value: 'FILE', help: 'the root’s private key, where it is kept elsewhere' },
  ],
  example: 'truthdb signing rotate --data /var/lib/truthdb --root /media/safe/root.key',
  run: async (args, terminal) => {
    const { keys, directory } = signingFrom(signingRotate, args);
    const root = args.text('root');
    const rootPem = root === undefined ? null : readFileSync(resolve(root), 'utf8');
    const certificate = keys.alone(() => {
      const { last } = new SignedCheckpoints(new RealDisk(), directory);
      const fromSize = last === null ? 0 : decodeCheckpoint(last).size + 1;
      return keys.rotate({ rootPem, fromSize, nowNanos: realClock.nowNanos() });
    });
    giveTo(ownerOf(directory), directory);
    if (certificate === null)
      throw new TruthError('LOCKED', 'a checkpoint is being signed or a key certified just now: try again');
    await showCertificate(terminal, certificate);
    return 0;
  },
};

function signingFrom(command: Command, args: Arguments) {
  const data = args.text('data');
  if (data === undefined) throw misused(command, '--data is missing');
  const directory = resolve(data);
  const disk = new RealDisk();
  const logId = readLogId(disk, directory);
  if (logId === null) throw new TruthError('NOT_FOUND', `there is no log in ${directory}`);
  return { directory, keys: new SigningKeys(disk, directory, logId) };
}

function showCertificate(terminal: Terminal, certificate: Certificate): Promise<void> {
  if (!terminal.json) return terminal.out(certificateLine(certificate));
  return terminal.out(JSON.stringify({ ...certificate, issuedAt: momentText(certificate.issuedAt) }));
}

function certificateLine({ serial, keyId, fromSize, issuedAt }: Certificate): string {
  return `certificate ${serial}  key ${keyId}  for checkpoints of size ${fromSize} and more  ${momentText(issuedAt)}`;
}
