import { createHash } from 'node:crypto';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { contentKey, type LayerCache, layer } from './cache.ts';
import { run } from './exec.ts';
import { placeSections, readPe } from './pe.ts';

/**
 * A unified kernel image (https://uapi-group.org/specifications/specs/unified_kernel_image/): systemd's EFI stub with kernel,
 * initramfs, command line and splash as further sections of one file the firmware can start and, one day, check a signature of.
 */
export interface UkiParts {
  readonly stub: Buffer;
  readonly osRelease: string;
  readonly commandLine: string;
  /** Windows bitmap shown while booting. */
  readonly splash: Buffer;
  /** Pieces of the initramfs archive, in order. */
  readonly initrd: readonly Buffer[];
  readonly kernel: Buffer;
}

/** @returns path of the image in the cache. */
export async function buildUki(cache: LayerCache, name: string, parts: UkiParts): Promise<string> {
  // The stub reads the sections in place; the kernel comes last because it is decompressed from its own end on.
  const sections = [
    { name: '.osrel', pieces: [Buffer.from(parts.osRelease)] },
    { name: '.cmdline', pieces: [Buffer.from(parts.commandLine)] },
    { name: '.splash', pieces: [parts.splash] },
    { name: '.initrd', pieces: parts.initrd },
    { name: '.linux', pieces: [parts.kernel] },
  ];
  const digests = sections.map((section) => [section.name, digestOf(section.pieces)]);
  const key = contentKey({ ...Object.fromEntries(digests), stub: digestOf([parts.stub]) });
  const place = await layer(cache, `uki-${name}`, key, async (directory) => {
    const work = await mkdtemp(join(tmpdir(), 'truthdb-uki-'));
    try {
      await assemble(parts.stub, sections, work, join(directory, 'image.efi'));
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  });
  return join(place, 'image.efi');
}

interface Section {
  readonly name: string;
  readonly pieces: readonly Buffer[];
}

async function assemble(
  stub: Buffer,
  sections: readonly Section[],
  work: string,
  target: string,
): Promise<void> {
  await writeFile(join(work, 'stub'), stub);
  for (const section of sections) await writePieces(join(work, section.name), section.pieces);
  const sizes = sections.map(({ name, pieces }) => ({
    name,
    size: pieces.reduce((sum, piece) => sum + piece.length, 0),
  }));
  const placed = placeSections(readPe(stub), sizes);
  const options = placed.flatMap(({ name, address }) => [
    '--add-section',
    `${name}=${join(work, name)}`,
    '--change-section-vma',
    `${name}=0x${address.toString(16)}`,
  ]);
  // --preserve-dates keeps the stub's own PE time stamp; without it objcopy writes the present.
  await run('objcopy', ['--preserve-dates', ...options, join(work, 'stub'), target]);
  const overlap = readPe(await readFile(target)).sections.map((section) => section.name);
  for (const { name } of sections) {
    if (!overlap.includes(name)) throw new Error(`objcopy left out section ${name}`);
  }
}

async function writePieces(path: string, pieces: readonly Buffer[]): Promise<void> {
  const handle = await open(path, 'w');
  try {
    for (const piece of pieces) await handle.write(piece);
  } finally {
    await handle.close();
  }
}

function digestOf(pieces: readonly Buffer[]): string {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
}
