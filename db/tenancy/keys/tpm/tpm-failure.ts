/** Response codes of a TPM as errors that say what to do. */
import { TruthError } from '../../../errors.ts';
import { RESPONSE } from './tpm-codes.ts';

/** Codes of format one carry beside the error which parameter, handle or session it is about (part 2, section 6.6.2). */
const FORMAT_ONE = 0x080;
const FORMAT_ONE_ERROR = 0x0bf;
const CODE = 0xfff;

const MEANINGS: ReadonlyMap<number, string> = new Map([
  [RESPONSE.hierarchy, 'its owner hierarchy is switched off in the firmware: switch it on'],
  [RESPONSE.authFail, ownerPassword()],
  [RESPONSE.badAuth, ownerPassword()],
  [
    RESPONSE.policyFail,
    'what was measured when this machine started is not what the key was bound to (PCRs): firmware, its settings or the boot ' +
      'loader have changed. Start the machine as it was before, or bring the keys back from an export (truthdb key import)',
  ],
  [
    RESPONSE.pcrChanged,
    'something was measured (PCRs) while the key was being opened: start again; if it stays so, see the policy',
  ],
  [
    RESPONSE.integrity,
    'this TPM did not seal the key, or was cleared since: use the machine it was sealed on, or bring the keys back from an export ' +
      '(truthdb key import)',
  ],
  [RESPONSE.initialize, 'it was not started: the firmware does that; look at its settings'],
  [RESPONSE.failure, 'it is in failure mode: its self-test failed; switch the machine off and on'],
  [
    RESPONSE.lockout,
    'it is locked out after too many wrong passwords of somebody else: wait until it recovers, or clear the lockout ' +
      '(tpm2_dictionarylockout --clear-lockout)',
  ],
  ...[RESPONSE.objectMemory, RESPONSE.sessionMemory, RESPONSE.memory].map(
    (code) =>
      [
        code,
        'other programs have filled its memory: use the device with a resource manager, /dev/tpmrm0',
      ] as const,
  ),
  ...[RESPONSE.retry, RESPONSE.yielded, RESPONSE.testing].map(
    (code) => [code, 'it is busy and stayed so: try again'] as const,
  ),
]);

function ownerPassword(): string {
  return 'its owner hierarchy has a password, and storage keys are made there without one: take the password away, or use a key file';
}

/** The error in a response code, without what it is about. */
export function errorIn(response: number): number {
  return (response & FORMAT_ONE) === 0 ? response & CODE : response & FORMAT_ONE_ERROR;
}

/** `doing`: what it was asked for, as in "the TPM … refused to unseal the key". */
export function tpmFailure(name: string, doing: string, response: number): TruthError {
  const meaning = MEANINGS.get(errorIn(response)) ?? 'see the codes of the TPM 2.0 specification, part 2';
  const code = `0x${response.toString(16).padStart(3, '0')}`;
  return new TruthError('KEY_UNAVAILABLE', `the TPM at ${name} refused to ${doing} (${code}): ${meaning}`, {
    tpm: name,
    response: code,
  });
}

const SYSTEM: Readonly<Record<string, string>> = {
  ENOENT: 'there is none: is it switched on in the firmware, and does the kernel know it?',
  ENODEV: 'there is none: is it switched on in the firmware, and does the kernel know it?',
  ECONNREFUSED: 'nothing listens there: start swtpm first',
  EACCES: 'this user may not open it: on Debian, add the user to the group tss',
  EPERM: 'this user may not open it: on Debian, add the user to the group tss',
  EBUSY: 'another program has it for itself: use the device with a resource manager, /dev/tpmrm0',
  EAGAIN: 'it did not answer in time',
};

export function tpmUnreachable(name: string, cause: unknown): TruthError {
  if (cause instanceof TruthError) return cause;
  const code = (cause as NodeJS.ErrnoException | null)?.code ?? '';
  const why = SYSTEM[code] ?? (cause instanceof Error ? cause.message : String(cause));
  return new TruthError(
    'KEY_UNAVAILABLE',
    `the TPM at ${name} cannot be used: ${why}`,
    { tpm: name },
    { cause },
  );
}
