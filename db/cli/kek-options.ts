/** Where a key-encryption key comes from, as a command's options say it. */
import { resolve } from 'node:path';
import type { Disk } from '../io/index.ts';
import { type KekSource, readKekSource } from '../tenancy/index.ts';
import { type Arguments, type Command, misused, type Option } from './command.ts';

/** `prefix` stands before each flag’s name. */
export function kekOptions(prefix: '' | 'to-', fileHelp: string): Option[] {
  return [
    { flag: `${prefix}key-file`, value: 'PATH', help: fileHelp },
    { flag: `${prefix}passphrase-file`, value: 'PATH', help: 'or a file with a passphrase' },
    {
      flag: `${prefix}tpm`,
      value: 'DEVICE',
      help: 'or a TPM 2.0: /dev/tpmrm0; of swtpm unix:PATH, tcp:PORT',
    },
    {
      flag: `${prefix}tpm-pcrs`,
      value: 'N,N',
      help: 'PCRs that a key sealed there is bound to; none unless named',
    },
  ];
}

/** Errors: INVALID_ARGUMENT, CONFIG. */
export function kekSource(
  command: Command,
  disk: Disk,
  args: Arguments,
  prefix: '' | 'to-',
): KekSource | null {
  const path = (flag: string): string => {
    const given = args.text(`${prefix}${flag}`);
    return given === undefined ? '' : resolve(given);
  };
  return readKekSource(disk, {
    keyFile: path('key-file'),
    passphraseFile: path('passphrase-file'),
    tpm: args.text(`${prefix}tpm`) ?? '',
    tpmPcrs: pcrsFrom(command, args.text(`${prefix}tpm-pcrs`)),
  });
}

const PCR_MAX = 23;

function pcrsFrom(command: Command, text: string | undefined): number[] {
  const items = (text ?? '').split(',').filter((item) => item !== '');
  if (items.every((item) => /^\d{1,2}$/.test(item) && Number(item) <= PCR_MAX)) return items.map(Number);
  throw misused(command, `PCRs are "${text}"; numbers from 0 to ${PCR_MAX} with commas between are needed`);
}
