import { mkdir, mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bootImage, bootSector } from './boot-sector.ts';
import { contentKey, type LayerCache, layer } from './cache.ts';
import { buildEsp } from './esp.ts';
import { run } from './exec.ts';

/** Volume id of our medium. The installer never offers a disk that carries it. */
const VOLUME_ID = 'TRUTHDB_INSTALL';

const ESP_LABEL = 'TRUTHDB-ISO';

export interface IsoOptions {
  readonly cache: LayerCache;
  /** Path of the installer's kernel image, and the key it has in the cache. */
  readonly uki: { readonly path: string; readonly key: string };
  readonly name: string;
  readonly epoch: number;
}

/**
 * A medium for CD drives and USB sticks: an ISO 9660 volume whose one file is an ESP image. The image is the El Torito entry for
 * UEFI and a partition of the GPT at once, so it is stored once and found both ways. The ESP holds one file, the kernel image
 * under the name firmware looks for, so there is no boot loader and nothing to choose.
 */
export async function buildIso({ cache, uki, name, epoch }: IsoOptions): Promise<string> {
  const key = contentKey({
    uki: uki.key,
    epoch: String(epoch),
    sector: bootImage(),
    volume: `${VOLUME_ID} ${ESP_LABEL}`,
  });
  const place = await layer(cache, `iso-${name}`, key, async (directory) => {
    const work = await mkdtemp(join(tmpdir(), 'truthdb-iso-'));
    try {
      await buildEsp(
        join(work, 'efi.img'),
        ESP_LABEL,
        [{ path: 'EFI/BOOT/BOOTX64.EFI', source: uki.path }],
        epoch,
      );
      await packIso(work, join(directory, 'image.iso'), epoch);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  });
  return join(place, 'image.iso');
}

async function packIso(work: string, target: string, epoch: number): Promise<void> {
  const stage = join(work, 'stage');
  await mkdir(stage);
  await rename(join(work, 'efi.img'), join(stage, 'efi.img'));
  await writeFile(join(stage, 'bios.img'), bootImage());
  await writeFile(join(work, 'mbr'), bootSector());
  for (const path of ['efi.img', 'bios.img', '.']) await utimes(join(stage, path), epoch, epoch);
  await run(
    'xorriso',
    [
      ...['-as', 'mkisofs', '-quiet', '-o', target, '-V', VOLUME_ID, '-sysid', '', '-preparer', 'truthdb'],
      // For firmware in BIOS mode: a sentence, from the CD and from the stick.
      ...['-G', join(work, 'mbr'), '-b', 'bios.img', '-no-emul-boot', '-boot-load-size', '4'],
      ...['-eltorito-alt-boot', '-e', 'efi.img', '-no-emul-boot', '-efi-boot-part', '--efi-boot-image'],
      stage,
    ],
    { epoch },
  );
}
