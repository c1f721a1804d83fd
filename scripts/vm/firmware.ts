/** UEFI firmware (OVMF) of the host's package. */
import { copyFileSync, existsSync } from 'node:fs';

export const FIRMWARE_CODE = '/usr/share/OVMF/OVMF_CODE_4M.fd';
const FIRMWARE_VARIABLES = '/usr/share/OVMF/OVMF_VARS_4M.fd';

/** Gives a machine its own empty store of EFI variables: boot entries of one machine must not reach another. */
export function copyFirmwareVariables(path: string): void {
  if (!existsSync(FIRMWARE_VARIABLES)) {
    throw new Error(`${FIRMWARE_VARIABLES} is missing: install the Debian package "ovmf"`);
  }
  copyFileSync(FIRMWARE_VARIABLES, path);
}
