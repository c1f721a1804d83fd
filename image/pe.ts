import { BuildError } from './exec.ts';

/** What building a kernel image must know of a PE/COFF file (Microsoft PE format): its sections, to find room after the last. */
export interface PeSection {
  readonly name: string;
  /** Address when loaded, relative to the image's base. */
  readonly address: number;
  /** Bytes when loaded. */
  readonly size: number;
}

export interface PeFile {
  readonly imageBase: number;
  /** Bytes sections are aligned to in memory. */
  readonly sectionAlignment: number;
  readonly sections: readonly PeSection[];
}

const OFFSET = { peHeader: 0x3c, sectionCount: 6, optionalHeaderSize: 20, optionalHeader: 24 } as const;
const OPTIONAL = { magic: 0, imageBase: 24, sectionAlignment: 32 } as const;
const PE32_PLUS = 0x20b;
const SECTION_HEADER_BYTES = 40;

export function readPe(data: Buffer): PeFile {
  const header = data.readUInt32LE(OFFSET.peHeader);
  const optional = header + OFFSET.optionalHeader;
  const isPe = data.toString('latin1', header, header + 4) === 'PE\0\0';
  if (!isPe || data.readUInt16LE(optional + OPTIONAL.magic) !== PE32_PLUS) {
    throw new BuildError('the EFI stub is not a 64-bit PE file');
  }
  const count = data.readUInt16LE(header + OFFSET.sectionCount);
  const table = optional + data.readUInt16LE(header + OFFSET.optionalHeaderSize);
  return {
    imageBase: Number(data.readBigUInt64LE(optional + OPTIONAL.imageBase)),
    sectionAlignment: data.readUInt32LE(optional + OPTIONAL.sectionAlignment),
    sections: Array.from({ length: count }, (_, index) =>
      readSection(data, table + index * SECTION_HEADER_BYTES),
    ),
  };
}

function readSection(data: Buffer, at: number): PeSection {
  const name = data.toString('latin1', at, at + 8).replace(/\0+$/, '');
  return { name, size: data.readUInt32LE(at + 8), address: data.readUInt32LE(at + 12) };
}

/** Address space the stub itself may use; a section starts on a page, whatever the file's own alignment. */
const PAGE_BYTES = 4096;

export interface Placed {
  readonly name: string;
  /** Virtual memory address as objcopy takes it, image base included. */
  readonly address: number;
}

/**
 * Addresses for new sections, one after the other behind the stub's last. The constants found in manuals overlap as soon as a
 * kernel or an initramfs grows; computed ones never do.
 *
 * @param sizes name and bytes in the order they shall lie.
 */
export function placeSections(stub: PeFile, sizes: readonly { name: string; size: number }[]): Placed[] {
  const alignment = Math.max(PAGE_BYTES, stub.sectionAlignment);
  const up = (value: number) => Math.ceil(value / alignment) * alignment;
  let next = up(Math.max(0, ...stub.sections.map((section) => section.address + section.size)));
  return sizes.map(({ name, size }) => {
    const address = next + stub.imageBase;
    next = up(next + size);
    return { name, address };
  });
}
