import { describe, expect, it } from 'vitest';
import { parseBootEntries, staleEntries } from '../../../installer/engine/boot-entry.ts';

const OUTPUT = `BootCurrent: 0001
Timeout: 0 seconds
BootOrder: 0004,0003,0001,0000
Boot0000* UiApp\tFvVol(7cb8bdc9-f8eb-4f34-aaea-3ee4af6516a1)/FvFile(462caa21-7614-4503-836e-8ab6f4662331)
Boot0001* UEFI QEMU DVD-ROM QM00005 \tPciRoot(0x0)/Pci(0x1f,0x2)/Sata(2,65535,0)N.....YM....R,Y.
Boot0003* TruthDB\tHD(1,GPT,BF96B16E-C423-434E-A6EF-87C9D8547D91,0x800,0x200000)/File(\\EFI\\systemd\\systemd-bootx64.efi)
Boot0004  TruthDB\tHD(1,GPT,11111111-c423-434e-a6ef-87c9d8547d91,0x800,0x200000)/File(\\EFI\\systemd\\systemd-bootx64.efi)
Boot000A* debian\tHD(1,GPT,22222222-c423-434e-a6ef-87c9d8547d91,0x800,0x100000)/File(\\EFI\\debian\\shimx64.efi)
`;

describe('the firmware boot list', () => {
  it('is read with labels and the partitions entries start from', () => {
    expect(parseBootEntries(OUTPUT)).toEqual([
      { number: '0000', label: 'UiApp', partitionUuid: '' },
      { number: '0001', label: 'UEFI QEMU DVD-ROM QM00005', partitionUuid: '' },
      { number: '0003', label: 'TruthDB', partitionUuid: 'bf96b16e-c423-434e-a6ef-87c9d8547d91' },
      { number: '0004', label: 'TruthDB', partitionUuid: '11111111-c423-434e-a6ef-87c9d8547d91' },
      { number: '000A', label: 'debian', partitionUuid: '22222222-c423-434e-a6ef-87c9d8547d91' },
    ]);
  });

  it('loses only entries of ours whose partition is gone', () => {
    const stale = staleEntries(parseBootEntries(OUTPUT), ['bf96b16e-c423-434e-a6ef-87c9d8547d91']);
    expect(stale.map(({ number }) => number)).toEqual(['0004']);
  });
});
