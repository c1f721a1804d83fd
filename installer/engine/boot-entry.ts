/** One entry in the firmware's boot list. The disk boots without it; with it no other disk comes first. */

import type { Disk } from '../disks/disk.ts';
import type { Host } from '../host.ts';

const BOOT_ENTRY_LABEL = 'TruthDB';
const LOADER_PATH = '\\EFI\\systemd\\systemd-bootx64.efi';

export interface BootEntry {
  /** Four hexadecimal digits. */
  readonly number: string;
  readonly label: string;
  /** GUID of the partition it starts from, lower case, '' when it names none. */
  readonly partitionUuid: string;
}

/** The entries `efibootmgr -v` prints: `Boot0003* Label<TAB>HD(1,GPT,guid,0x800,0x200000)/File(...)`. */
export function parseBootEntries(text: string): readonly BootEntry[] {
  return text.split('\n').flatMap((line) => {
    const match = /^Boot([0-9A-Fa-f]{4})[* ] ?([^\t]*)(?:\t(.*))?$/.exec(line);
    if (match?.[1] === undefined) return [];
    const partitionUuid = /HD\(\d+,GPT,([0-9a-fA-F-]{36})/.exec(match[3] ?? match[2] ?? '')?.[1] ?? '';
    return [
      {
        number: match[1].toUpperCase(),
        label: (match[2] ?? '').trim(),
        partitionUuid: partitionUuid.toLowerCase(),
      },
    ];
  });
}

/** Our entries whose partition is on no disk of this machine any more: left behind by earlier installations on the same disk. */
export function staleEntries(
  entries: readonly BootEntry[],
  presentPartitions: readonly string[],
): readonly BootEntry[] {
  return entries.filter(
    ({ label, partitionUuid }) => label === BOOT_ENTRY_LABEL && !presentPartitions.includes(partitionUuid),
  );
}

/** @param disks As they are now, with the new partitions. */
export async function addBootEntry(diskPath: string, disks: readonly Disk[], host: Host): Promise<void> {
  const { stdout } = await host.run('efibootmgr', ['--verbose'], { quiet: true });
  const present = disks.flatMap(({ contents }) => contents.partitions.map(({ uuid }) => uuid));
  for (const { number } of staleEntries(parseBootEntries(stdout), present)) {
    await host.run('efibootmgr', ['--quiet', '--bootnum', number, '--delete-bootnum']);
  }
  const entry = ['--disk', diskPath, '--part', '1', '--label', BOOT_ENTRY_LABEL, '--loader', LOADER_PATH];
  await host.run('efibootmgr', ['--quiet', '--create', ...entry]);
}
