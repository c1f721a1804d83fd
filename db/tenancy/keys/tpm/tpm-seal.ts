/**
 * A secret sealed to a TPM: under the storage key that the TPM makes of its own seed, optionally bound to what was measured
 * when the machine started. Each call opens the device, leaves nothing behind in it and closes it. A TPM takes some tenths of a
 * second, which is why the secret is one key that wraps all others.
 *
 * The secret crosses the wires between processor and TPM readable: whoever listens there has the machine in his hands.
 */
import { isAbsolute } from 'node:path';
import { TruthError } from '../../../errors.ts';
import { type Channel, type ChannelAddress, openChannel } from '../../../io/index.ts';
import { SESSION } from './tpm-codes.ts';
import {
  checkFamily,
  createPrimary,
  createSealed,
  flush,
  load,
  policyDigest,
  policyPcr,
  startSession,
  unseal,
} from './tpm-commands.ts';
import { TpmDevice } from './tpm-device.ts';
import { tpmUnreachable } from './tpm-failure.ts';

export interface TpmPlace {
  /** `/dev/tpmrm0`, `unix:PATH` or `tcp:PORT`, for messages as it was given. */
  readonly name: string;
  readonly address: ChannelAddress;
}

/** What may lie on any disk. */
export interface SealedSecret {
  /** Base64. */
  readonly public: string;
  /** Base64. */
  readonly private: string;
  /** PCRs of the SHA-256 bank, ascending, that have to be as they were when it was sealed; none: it opens on this TPM whatever ran. */
  readonly pcrs: readonly number[];
}

/** A TPM needs seconds for a key when it is slow. */
const ANSWER_MILLIS = 30_000;
const NONCE_BYTES = 16;
const PORT_MAX = 65_535;

/** Errors: CONFIG. */
export function parseTpmAddress(text: string): TpmPlace {
  const [, unix] = /^unix:(.+)$/.exec(text) ?? [];
  const [, port] = /^tcp:(\d{1,5})$/.exec(text) ?? [];
  if (port !== undefined && Number(port) >= 1 && Number(port) <= PORT_MAX)
    return { name: text, address: { kind: 'tcp', port: Number(port) } };
  if (unix !== undefined && isAbsolute(unix)) return { name: text, address: { kind: 'unix', path: unix } };
  if (isAbsolute(text)) return { name: text, address: { kind: 'device', path: text } };
  throw new TruthError(
    'CONFIG',
    `"${text}" is no TPM: /dev/tpmrm0, or of swtpm unix:PATH with an absolute path, or tcp:PORT on this machine is needed`,
  );
}

/** `pcrs` ascending; none: bound to the TPM alone. Errors: KEY_UNAVAILABLE. */
export function tpmSeal(
  place: TpmPlace,
  secret: Uint8Array,
  pcrs: readonly number[],
  random: (bytes: number) => Uint8Array,
): SealedSecret {
  return withTpm(place, (device, held) => {
    const parent = held(createPrimary(device));
    let policy: Uint8Array | null = null;
    if (pcrs.length > 0) {
      const session = held(startSession(device, SESSION.trial, random(NONCE_BYTES)));
      policyPcr(device, session, pcrs);
      policy = policyDigest(device, session);
    }
    const sealed = createSealed(device, parent, secret, policy);
    return { public: base64(sealed.public), private: base64(sealed.private), pcrs };
  });
}

/** Errors: KEY_UNAVAILABLE. */
export function tpmUnseal(
  place: TpmPlace,
  sealed: SealedSecret,
  random: (bytes: number) => Uint8Array,
): Uint8Array {
  return withTpm(place, (device, held) => {
    const parent = held(createPrimary(device));
    const bytes = { public: unbase64(sealed.public), private: unbase64(sealed.private) };
    const object = held(load(device, parent, bytes));
    if (sealed.pcrs.length === 0) return unseal(device, object, null);
    const session = held(startSession(device, SESSION.policy, random(NONCE_BYTES)));
    policyPcr(device, session, sealed.pcrs);
    return unseal(device, object, session);
  });
}

/** What `use` notes as held is forgotten afterwards, the last one first. */
function withTpm<T>({ name, address }: TpmPlace, use: (device: TpmDevice, held: Held) => T): T {
  let channel: Channel;
  try {
    channel = openChannel(address, ANSWER_MILLIS);
  } catch (error) {
    throw tpmUnreachable(name, error);
  }
  const device = new TpmDevice(channel, name);
  const handles: number[] = [];
  try {
    checkFamily(device);
    return use(device, (handle) => {
      handles.push(handle);
      return handle;
    });
  } finally {
    for (const handle of handles.reverse()) forget(device, handle);
    device.close();
  }
}

type Held = (handle: number) => number;

/** A session that was used is gone already; what else is wrong was said before. */
function forget(device: TpmDevice, handle: number): void {
  try {
    flush(device, handle);
  } catch (error) {
    if (!(error instanceof TruthError)) throw error;
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

function unbase64(text: string): Uint8Array {
  return Buffer.from(text, 'base64');
}
