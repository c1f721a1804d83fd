/** The commands of a TPM 2.0 that sealing takes (part 3). Each gives what of its answer is needed. */
import { TruthError } from '../../../errors.ts';
import { TpmWriter } from './tpm-bytes.ts';
import {
  ALGORITHM,
  COMMAND,
  CURVE_P256,
  FAMILY,
  FAMILY_2_0,
  HANDLE,
  PROPERTIES,
  SEALED_BY_POLICY,
  SEALED_FREELY,
  type SESSION,
  STORAGE_KEY,
} from './tpm-codes.ts';
import { EMPTY_PASSWORD, type TpmDevice } from './tpm-device.ts';

/** A sealed object as the TPM gave it: both parts with their lengths. */
export interface SealedObject {
  readonly public: Uint8Array;
  readonly private: Uint8Array;
}

const AES_BITS = 128;
const P256_BYTES = 32;
const SHA256_BYTES = 32;
/** Bits of three bytes: PCRs 0 to 23, what every TPM has. */
const PCR_SELECT_BYTES = 3;
const NOTHING = new Uint8Array();

/** Errors: KEY_UNAVAILABLE where it is of another family. */
export function checkFamily(device: TpmDevice): void {
  const { parameters } = device.ask({
    ...{
      code: COMMAND.getCapability,
      doing: 'say what it is',
      handles: [],
      authorization: null,
      givesHandle: false,
    },
    parameters: new TpmWriter().u32(PROPERTIES).u32(FAMILY).u32(1).bytes(),
  });
  parameters.u8();
  const [capability, count] = [parameters.u32(), parameters.u32()];
  if (
    capability === PROPERTIES &&
    count === 1 &&
    parameters.u32() === FAMILY &&
    parameters.u32() === FAMILY_2_0
  )
    return;
  throw new TruthError('KEY_UNAVAILABLE', 'the TPM is not of the family 2.0: use a key file or a passphrase');
}

/**
 * Makes the primary storage key of the owner's hierarchy: ECC P-256, by the template of the TCG's provisioning guidance
 * (section 7.5.1, with the unique field of its EK profile's template L-2). It follows from the TPM's own seed, so the same TPM
 * makes the same key each time until it is cleared, and nothing needs to be kept in it.
 */
export function createPrimary(device: TpmDevice): number {
  const template = new TpmWriter()
    .u16(ALGORITHM.ecc)
    .u16(ALGORITHM.sha256)
    .u32(STORAGE_KEY)
    .sized(NOTHING)
    .u16(ALGORITHM.aes)
    .u16(AES_BITS)
    .u16(ALGORITHM.cfb)
    .u16(ALGORITHM.none)
    .u16(CURVE_P256)
    .u16(ALGORITHM.none)
    .sized(new Uint8Array(P256_BYTES))
    .sized(new Uint8Array(P256_BYTES))
    .bytes();
  return device.ask({
    ...{
      code: COMMAND.createPrimary,
      doing: 'make its storage key',
      handles: [HANDLE.owner],
      givesHandle: true,
    },
    authorization: EMPTY_PASSWORD,
    parameters: creation(NOTHING, template),
  }).handle;
}

/** Seals `secret` under a storage key. `policy`: digest of what has to hold to open it; null for nothing. */
export function createSealed(
  device: TpmDevice,
  parent: number,
  secret: Uint8Array,
  policy: Uint8Array | null,
): SealedObject {
  const template = new TpmWriter()
    .u16(ALGORITHM.keyedHash)
    .u16(ALGORITHM.sha256)
    .u32(policy === null ? SEALED_FREELY : SEALED_BY_POLICY)
    .sized(policy ?? NOTHING)
    .u16(ALGORITHM.none)
    .sized(NOTHING)
    .bytes();
  const sensitive = creation(secret, template);
  try {
    const { parameters } = device.ask({
      ...{ code: COMMAND.create, doing: 'seal a key', handles: [parent], givesHandle: false },
      authorization: EMPTY_PASSWORD,
      parameters: sensitive,
    });
    const sealed = parameters.whole();
    return { private: sealed, public: parameters.whole() };
  } finally {
    sensitive.fill(0);
  }
}

/** What Create and CreatePrimary take: an empty password, data, the template, nothing from outside, no PCRs to note. */
function creation(data: Uint8Array, template: Uint8Array): Uint8Array {
  const sensitive = new TpmWriter().sized(NOTHING).sized(data).bytes();
  const bytes = new TpmWriter().sized(sensitive).sized(template).sized(NOTHING).u32(0).bytes();
  sensitive.fill(0);
  return bytes;
}

export function load(device: TpmDevice, parent: number, sealed: SealedObject): number {
  return device.ask({
    ...{ code: COMMAND.load, doing: 'take the sealed key', handles: [parent], givesHandle: true },
    authorization: EMPTY_PASSWORD,
    parameters: new TpmWriter().raw(sealed.private).raw(sealed.public).bytes(),
  }).handle;
}

/** `session`: one that carries the policy; null for an object without one. */
export function unseal(device: TpmDevice, object: number, session: number | null): Uint8Array {
  const { parameters } = device.ask({
    ...{ code: COMMAND.unseal, doing: 'unseal the key', handles: [object], givesHandle: false },
    authorization: session === null ? EMPTY_PASSWORD : { session },
    parameters: NOTHING,
  });
  return parameters.sized().slice();
}

/** Forgets an object or session. */
export function flush(device: TpmDevice, handle: number): void {
  device.ask({
    ...{
      code: COMMAND.flushContext,
      doing: 'forget an object',
      handles: [],
      authorization: null,
      givesHandle: false,
    },
    parameters: new TpmWriter().u32(handle).bytes(),
  });
}

/** `nonce`: 16 bytes at least. */
export function startSession(
  device: TpmDevice,
  type: (typeof SESSION)[keyof typeof SESSION],
  nonce: Uint8Array,
): number {
  return device.ask({
    ...{ code: COMMAND.startAuthSession, doing: 'begin a session', authorization: null, givesHandle: true },
    handles: [HANDLE.none, HANDLE.none],
    parameters: new TpmWriter()
      .sized(nonce)
      .sized(NOTHING)
      .u8(type)
      .u16(ALGORITHM.none)
      .u16(ALGORITHM.sha256)
      .bytes(),
  }).handle;
}

/** Adds to a session's policy that these PCRs of the SHA-256 bank are what they are now. */
export function policyPcr(device: TpmDevice, session: number, pcrs: readonly number[]): void {
  const selected = new Uint8Array(PCR_SELECT_BYTES);
  for (const pcr of pcrs) selected[pcr >> 3] = (selected[pcr >> 3] ?? 0) | (1 << (pcr & 7));
  device.ask({
    ...{ code: COMMAND.policyPcr, doing: 'look at its PCRs', handles: [session], authorization: null },
    givesHandle: false,
    parameters: new TpmWriter()
      .sized(NOTHING)
      .u32(1)
      .u16(ALGORITHM.sha256)
      .u8(PCR_SELECT_BYTES)
      .raw(selected)
      .bytes(),
  });
}

export function policyDigest(device: TpmDevice, session: number): Uint8Array {
  const { parameters } = device.ask({
    ...{
      code: COMMAND.policyGetDigest,
      doing: 'say what a policy is',
      handles: [session],
      authorization: null,
    },
    ...{ givesHandle: false, parameters: NOTHING },
  });
  const digest = parameters.sized().slice();
  if (digest.length === SHA256_BYTES) return digest;
  throw new TruthError('KEY_UNAVAILABLE', `the TPM gave a policy of ${digest.length} bytes`);
}
