/** Numbers of the TPM 2.0 library specification (TCG, revision 1.59): part 2, sections 6 to 12. */

export const TAG = { noSessions: 0x8001, sessions: 0x8002 } as const;

/** Section 6.5.2. */
export const COMMAND = {
  createPrimary: 0x131,
  create: 0x153,
  load: 0x157,
  unseal: 0x15e,
  flushContext: 0x165,
  startAuthSession: 0x176,
  getCapability: 0x17a,
  policyPcr: 0x17f,
  policyGetDigest: 0x189,
} as const;

/** Section 7.4: the owner's hierarchy, no object, an authorization that is a password. */
export const HANDLE = { owner: 0x4000_0001, none: 0x4000_0007, password: 0x4000_0009 } as const;

/** Section 6.3. */
export const ALGORITHM = {
  aes: 0x0006,
  keyedHash: 0x0008,
  sha256: 0x000b,
  none: 0x0010,
  ecc: 0x0023,
  cfb: 0x0043,
} as const;

export const CURVE_P256 = 0x0003;

/** Section 8.3: bits of an object's attributes. */
const ATTRIBUTE = {
  fixedTpm: 1 << 1,
  fixedParent: 1 << 4,
  sensitiveDataOrigin: 1 << 5,
  userWithAuth: 1 << 6,
  noDa: 1 << 10,
  restricted: 1 << 16,
  decrypt: 1 << 17,
} as const;

/** Of a primary storage key. */
export const STORAGE_KEY =
  ATTRIBUTE.fixedTpm |
  ATTRIBUTE.fixedParent |
  ATTRIBUTE.sensitiveDataOrigin |
  ATTRIBUTE.userWithAuth |
  ATTRIBUTE.noDa |
  ATTRIBUTE.restricted |
  ATTRIBUTE.decrypt;

/**
 * Of what is sealed: bound to this TPM and this parent. Its password is empty, so there is nothing to guess and no lockout to
 * run into; under a policy the password does not open it at all.
 */
export const SEALED_FREELY =
  ATTRIBUTE.fixedTpm | ATTRIBUTE.fixedParent | ATTRIBUTE.noDa | ATTRIBUTE.userWithAuth;
export const SEALED_BY_POLICY = ATTRIBUTE.fixedTpm | ATTRIBUTE.fixedParent | ATTRIBUTE.noDa;

/** Section 6.11: a session that carries a policy, and one that only computes what it would be. */
export const SESSION = { policy: 0x01, trial: 0x03 } as const;

/** Section 6.12, 6.13: the family the TPM is of, "2.0" and a zero as its value. */
export const PROPERTIES = 0x0000_0006;
export const FAMILY = 0x0000_0100;
export const FAMILY_2_0 = 0x322e_3000;

/** Section 6.6.3: response codes, those of format one without the number of handle, session or parameter. */
export const RESPONSE = {
  success: 0x000,
  hierarchy: 0x085,
  authFail: 0x08e,
  policyFail: 0x09d,
  integrity: 0x09f,
  badAuth: 0x0a2,
  initialize: 0x100,
  failure: 0x101,
  pcrChanged: 0x128,
  objectMemory: 0x902,
  sessionMemory: 0x903,
  memory: 0x904,
  yielded: 0x908,
  testing: 0x90a,
  lockout: 0x921,
  retry: 0x922,
} as const;
