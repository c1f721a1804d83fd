/**
 * `tpm/` seals a few bytes to this machine's TPM 2.0 and gets them back. It speaks the handful of commands that takes, written
 * from the TCG's TPM 2.0 library specification, over the kernel's device or a socket of swtpm; it keeps nothing in the TPM.
 * A secret comes in and goes out as a sealed object, which may lie anywhere and is of use with this TPM alone. Imports io and
 * errors.
 *
 *     tpm-bytes       big-endian fields, written and read within bounds
 *     tpm-codes       the numbers of the specification that are used here
 *     tpm-device      one command, one answer
 *     tpm-failure     what response codes mean to people
 *     tpm-commands    the commands
 *     tpm-seal        sealing and unsealing, from opening the device to closing it
 */
export { parseTpmAddress, type SealedSecret, type TpmPlace, tpmSeal, tpmUnseal } from './tpm-seal.ts';
