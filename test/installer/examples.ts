/** Values the tests share: a payload, settings, a key. */

import type { ApplianceConfig } from '../../installer/appliance-config.ts';
import type { HardwareFacts } from '../../installer/hardware.ts';
import { hashPassword } from '../../installer/password.ts';
import type { Payload, PayloadFile } from '../../installer/payload.ts';

const file = (name: string): PayloadFile => ({
  name,
  path: `/run/truthdb/payload/${name}`,
  bytes: 4096,
  sha256: 'cd'.repeat(32),
});

export const payload: Payload = {
  version: '1.0.0',
  rootHash: '00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef',
  root: file('root.squashfs'),
  verity: file('root.verity'),
  kernelImage: file('truthdb_1.0.0.efi'),
  bootLoader: file('systemd-bootx64.efi'),
};

export const facts: HardwareFacts = {
  uefi: true,
  efiVariables: true,
  memoryBytes: 4 * 1024 ** 3,
  year: 2026,
  interfaces: [{ name: 'enp1s0', mac: '52:54:00:12:34:56', driver: 'virtio_net', link: 'up' }],
};

export const PASSWORD = 'correct horse battery';
export const PASSWORD_HASH = hashPassword(PASSWORD, (count) => new Uint8Array(count));
export const SSH_KEY =
  'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH somebody@example.org';

export const config: ApplianceConfig = {
  version: 1,
  hostname: 'db1',
  network: { mode: 'dhcp' },
  operator: { passwordHash: PASSWORD_HASH },
  ssh: { authorizedKeys: [] },
};
