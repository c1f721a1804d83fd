/**
 * The parts of a checkpoint: for each tenant its schema, what is gone, and every store in shards of owners. A part's name says
 * what it has and which commit changed it last, so that what has not changed since is not written again:
 *
 *     <tenant>-<section>-<kind or relationship>-<shard>-<sequence>
 *
 * Content of a store's part: words (little-endian), the version, then for each owner its number and what the store writes.
 */
import { createHash } from 'node:crypto';
import { TruthError } from '../../errors.ts';
import { NUMBERS_END } from './number-table.ts';
import { type BlockSource, type OwnedBlocks, SHARD_OWNERS } from './owned-blocks.ts';
import { WordReader, WordWriter } from './words.ts';

const VERSION = 1;
const SECTIONS = Object.freeze([
  'schema',
  'gone',
  'items',
  'recent',
  'disliked',
  'companions',
  'edges',
] as const);

export type Section = (typeof SECTIONS)[number];

export interface PartName {
  readonly tenant: number;
  readonly section: Section;
  /** Of the kind or relationship; 0 for the schema. */
  readonly id: number;
  readonly shard: number;
  readonly sequence: number;
}

/** Blocks by owner, and what each has, apart from how it lies in memory. */
export interface OwnedStore {
  readonly blocks: OwnedBlocks;
  write(source: BlockSource, owner: number, to: WordWriter): void;
  /** For an owner that has no block yet. Errors: CORRUPT. */
  read(owner: number, from: WordReader): void;
}

const NAME = new RegExp(`^(\\d{1,10})-(${SECTIONS.join('|')})-(\\d{1,5})-(\\d{1,5})-(\\d{1,16})$`);

export function nameOfPart({ tenant, section, id, shard, sequence }: PartName): string {
  return `${tenant}-${section}-${id}-${shard}-${sequence}`;
}

/** Errors: CORRUPT. */
export function partOfName(name: string): PartName {
  const match = NAME.exec(name);
  if (match === null)
    throw new TruthError(
      'CORRUPT',
      `the audience's checkpoint has a part of the name ${JSON.stringify(name)}`,
    );
  const [, tenant, section, id, shard, sequence] = match;
  return {
    tenant: Number(tenant),
    section: section as Section,
    id: Number(id),
    shard: Number(shard),
    sequence: Number(sequence),
  };
}

const writer = new WordWriter();

/** Whether the shard has anything. */
export function hasOwners(source: BlockSource, shard: number): boolean {
  for (const _ of source.owners(shard * SHARD_OWNERS, (shard + 1) * SHARD_OWNERS)) return true;
  return false;
}

export function encodeShard(store: OwnedStore, source: BlockSource, shard: number): Uint8Array {
  writer.add(VERSION);
  for (const owner of source.owners(shard * SHARD_OWNERS, (shard + 1) * SHARD_OWNERS)) {
    writer.add(owner);
    store.write(source, owner, writer);
  }
  return writer.finish();
}

/** Fills a shard that has nothing. Errors: CORRUPT. */
export function decodeShard(
  store: OwnedStore,
  { name, shard, sequence }: ShardPart,
  bytes: Uint8Array,
): void {
  const reader = new WordReader(name, bytes);
  const version = reader.next();
  if (version !== VERSION) throw reader.corrupt(`has version ${version}`);
  const end = Math.min(NUMBERS_END, (shard + 1) * SHARD_OWNERS);
  let least = Math.max(1, shard * SHARD_OWNERS);
  while (!reader.isAtEnd) {
    const owner = reader.next();
    if (owner < least || owner >= end)
      throw reader.corrupt(`has the owner ${owner} where one of at least ${least} belongs`);
    store.read(owner, reader);
    least = owner + 1;
  }
  store.blocks.setChanged(shard, sequence);
}

interface ShardPart {
  readonly name: string;
  readonly shard: number;
  readonly sequence: number;
}

export function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
