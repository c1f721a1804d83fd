/**
 * What a view hands over for a checkpoint, in sections: each says what it is of, and has a name that no other content ever had.
 * Large ones become parts of their own, so those that do not change are written once; small ones go together, so a tenant of
 * a few signals is one or two files.
 */
import { xxh64 } from '../../hash/index.ts';
import type { CheckpointReader, CheckpointWriter } from '../../materializer/index.ts';
import { PartReader } from './part-reader.ts';
import { PartWriter } from './part-writer.ts';

const VERSION = 1;
/** From here on a section is a part of its own. */
const LARGE_BYTES = 65_536;
/** Parts of heads are named so, and are restored before all others. */
const HEAD = 'head';
const REST = 'rest';

export interface SectionKey {
  readonly tenant: number;
  /** What else depends on it, such as a signal; 0: the tenant's own. */
  readonly owner: number;
  /** Among those of the owner; told apart by who restores. */
  readonly kind: number;
}

export interface Section extends SectionKey {
  /** Lower-case words joined by dashes; with the tenant it stands for this content and no other. */
  readonly name: string;
  /** Heads are restored before everything else. */
  readonly place: 'head' | 'body';
  /** About how many bytes it takes. */
  readonly bytes: number;
  /** May be called later: writes what there was when the section was made. */
  write(writer: PartWriter): void;
}

/** Hands the sections of one tenant over. */
export function writeSections(writer: CheckpointWriter, sections: readonly Section[]): void {
  const heads = sections.filter(({ place }) => place === 'head');
  const bodies = sections.filter(({ place }) => place === 'body');
  writePart(writer, heads, HEAD);
  writePart(
    writer,
    bodies.filter(({ bytes }) => bytes < LARGE_BYTES),
    REST,
  );
  for (const section of bodies) {
    if (section.bytes >= LARGE_BYTES)
      writer.part(`t${section.tenant}-${section.name}`, () => chunksOf([section]));
  }
}

/** Hands every section of a checkpoint to `restore`, heads first, and checks that all of it was read. */
export function readSections(
  reader: CheckpointReader,
  restore: (key: SectionKey, body: PartReader) => void,
): void {
  const names = [...reader.parts].sort();
  const isHead = (name: string): boolean => name.split('-')[1] === HEAD;
  for (const name of [...names.filter(isHead), ...names.filter((name) => !isHead(name))])
    readPart(reader.read(name), restore);
}

function writePart(writer: CheckpointWriter, sections: readonly Section[], what: string): void {
  if (sections.length === 0) return;
  const names = sections.map(({ owner, name }) => `${owner} ${name}`).join('\n');
  const hash = xxh64(Buffer.from(names)).toString(16).padStart(16, '0');
  writer.part(`t${sections[0]!.tenant}-${what}-${hash}`, () => chunksOf(sections));
}

function* chunksOf(sections: readonly Section[]): Generator<Uint8Array> {
  yield Uint8Array.of(VERSION);
  for (const section of sections) {
    const body = new PartWriter();
    section.write(body);
    const bytes = body.finish();
    const head = new PartWriter();
    head.u8(section.kind);
    head.u32(section.tenant);
    head.u32(section.owner);
    head.f64(bytes);
    head.finish();
    yield* head.chunks();
    yield* body.chunks();
  }
}

function readPart(bytes: Uint8Array, restore: (key: SectionKey, body: PartReader) => void): void {
  const part = new PartReader(bytes);
  const version = part.u8();
  if (version !== VERSION)
    throw part.corrupt(`has the version ${version} where this release reads ${VERSION}`);
  while (!part.isAtEnd) {
    const key = { kind: part.u8(), tenant: part.u32(), owner: part.u32() };
    const body = new PartReader(part.slice(part.count()));
    restore(key, body);
    body.end();
  }
}
