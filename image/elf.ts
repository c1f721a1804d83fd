/** What the dynamic loader reads of a 64-bit little-endian ELF file (elf(5)): enough to find out which libraries it needs. */
export interface ElfNeeds {
  /** DT_NEEDED: names of shared libraries. */
  readonly libraries: readonly string[];
  /** DT_RUNPATH or DT_RPATH, split at colons; empty when absent. */
  readonly runPath: readonly string[];
  /** PT_INTERP, the loader of a dynamically linked program. */
  readonly interpreter: string | undefined;
}

const MAGIC = Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
const PROGRAM_HEADER = { LOAD: 1, DYNAMIC: 2, INTERP: 3 } as const;
const DYNAMIC = { NULL: 0, NEEDED: 1, STRTAB: 5, RPATH: 15, RUNPATH: 29 } as const;

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

export function isElf(data: Buffer): boolean {
  return data.length >= 64 && data.subarray(0, MAGIC.length).equals(MAGIC);
}

/** Needs of an ELF file; a statically linked one needs nothing. The caller has asked {@link isElf} before. */
export function elfNeeds(data: Buffer): ElfNeeds {
  const segments = readSegments(data);
  const interpreterSegment = segments.find((segment) => segment.type === PROGRAM_HEADER.INTERP);
  const interpreter = interpreterSegment && stringAt(data, interpreterSegment.offset);
  const dynamic = segments.find((segment) => segment.type === PROGRAM_HEADER.DYNAMIC);
  if (dynamic === undefined) return { libraries: [], runPath: [], interpreter };
  const entries = readDynamic(data, dynamic);
  const stringTable = fileOffset(segments, entries.find(([tag]) => tag === DYNAMIC.STRTAB)?.[1] ?? 0);
  const strings = (...tags: number[]) =>
    entries.filter(([tag]) => tags.includes(tag)).map(([, value]) => stringAt(data, stringTable + value));
  return {
    libraries: strings(DYNAMIC.NEEDED),
    runPath: strings(DYNAMIC.RUNPATH, DYNAMIC.RPATH).flatMap((path) => path.split(':')),
    interpreter,
  };
}

function readSegments(data: Buffer): Segment[] {
  const start = Number(data.readBigUInt64LE(32));
  const size = data.readUInt16LE(54);
  const count = data.readUInt16LE(56);
  return Array.from({ length: count }, (_, index) => {
    const at = start + index * size;
    return {
      type: data.readUInt32LE(at),
      offset: Number(data.readBigUInt64LE(at + 8)),
      address: Number(data.readBigUInt64LE(at + 16)),
      size: Number(data.readBigUInt64LE(at + 32)),
    };
  });
}

function readDynamic(data: Buffer, segment: Segment): (readonly [number, number])[] {
  const entries: (readonly [number, number])[] = [];
  for (let at = segment.offset; at + 16 <= segment.offset + segment.size; at += 16) {
    const tag = Number(data.readBigInt64LE(at));
    if (tag === DYNAMIC.NULL) break;
    entries.push([tag, Number(data.readBigUInt64LE(at + 8))]);
  }
  return entries;
}

function fileOffset(segments: readonly Segment[], address: number): number {
  const home = segments.find(
    (segment) =>
      segment.type === PROGRAM_HEADER.LOAD &&
      address >= segment.address &&
      address < segment.address + segment.size,
  );
  return home === undefined ? 0 : address - home.address + home.offset;
}

function stringAt(data: Buffer, offset: number): string {
  return data.toString('utf8', offset, data.indexOf(0, offset));
}
