/** Commits of schema and entity entries for the view of text, checkpoints in memory, and numbers by chance that is always the same. */
import { KERNEL_ENTRY } from '../../../../../db/kernel/entry-types.ts';
import type { ViewCommit } from '../../../../../db/materializer/index.ts';
import type {
  AttributeId,
  EntityNumber,
  KindId,
  Micros,
  TupleNumber,
} from '../../../../../db/ranking/ground.ts';
import { TextView } from '../../../../../db/ranking/indexes/text/text-view.ts';
import { encodeEntity } from '../../../../../db/ranking/kernel/index.ts';
import type { TextReader } from '../../../../../db/ranking/reading.ts';
import { encodeChange } from '../../../../../db/ranking/schema/codec.ts';
import type { Attribute, AttributeValue, EntityKind } from '../../../../../db/ranking/schema/model.ts';
import type { CommitOrdinal, Epoch, RecordedAt, Sequence, TenantId } from '../../../../../db/types.ts';

export const ITEM = 1 as KindId;
export const TITLE = 1 as AttributeId;
export const BODY = 2 as AttributeId;
export const TAGS = 3 as AttributeId;
export const LOG_ID: Uint8Array = new Uint8Array(16).fill(7);

export interface Draft {
  readonly type: number;
  readonly payload: Uint8Array;
}

/** Weights by attribute; none: it is not searched. */
export function itemKind(weights: ReadonlyMap<AttributeId, number>, id = ITEM): EntityKind {
  const attribute = (of: AttributeId, name: string, type: Attribute['type']): Attribute => {
    const weight = weights.get(of);
    const search = weight === undefined ? null : { weight };
    return { id: of, name, type, filter: false, dimension: false, search, computed: null };
  };
  const attributes = [
    attribute(TITLE, 'title', 'text'),
    attribute(BODY, 'body', 'text'),
    attribute(TAGS, 'tags', 'keywords'),
  ];
  return {
    ...{ id, name: 'item', attributes, embeddings: [], states: ['active', 'archived'], creator: null },
    person: false,
  };
}

export const WEIGHTS: ReadonlyMap<AttributeId, number> = new Map([
  [TITLE, 2],
  [BODY, 1],
  [TAGS, 1],
]);

export function schemaDraft(version: number, kind: EntityKind): Draft {
  const steps = [{ step: 'put', what: 'entity', value: kind } as const];
  return { type: KERNEL_ENTRY.rankingSchema, payload: encodeChange({ version, steps }) };
}

export interface GivenEntity {
  readonly number: number;
  readonly state: number;
  readonly attributes: readonly (readonly [AttributeId, AttributeValue | null])[];
}

export function entityDraft({ number, state, attributes }: GivenEntity, kind = ITEM): Draft {
  return {
    type: KERNEL_ENTRY.rankingEntity,
    payload: encodeEntity({
      ...{ entry: 'entity', kind, number: number as EntityNumber, key: `item/${number}`, created: false },
      ...{ at: 1 as Micros, state, creator: 0 as EntityNumber, tuple: 0 as TupleNumber, embeddings: [] },
      attributes: attributes.map(([attribute, value]) => ({ attribute, value })),
      before: { creator: 0 as EntityNumber, state: 0 },
    }),
  };
}

/** One commit for each list of entries. */
export function commitsOf(groups: readonly (readonly Draft[])[], tenant = 0): ViewCommit[] {
  let sequence = 0;
  return groups.map((drafts, index) => {
    const ordinal = (index + 1) as CommitOrdinal;
    const entries = drafts.map(({ type, payload }) => {
      sequence += 1;
      const place = { sequence: sequence as Sequence, ordinal, tenant: tenant as TenantId };
      return { ...place, type, partitionKey: 0n, flags: 0, payload };
    });
    sequence += 1;
    const when = { epoch: 1 as Epoch, recordedAt: BigInt(index + 1) as RecordedAt };
    return { ordinal, ...when, sequence: sequence as Sequence, entries };
  });
}

export function viewOf(commits: readonly ViewCommit[]): TextView {
  const view = new TextView(LOG_ID);
  for (const commit of commits) view.onCommit(commit);
  return view;
}

export function readerOf(view: TextView, tenant = 0): TextReader {
  return view.reader(tenant as TenantId)!;
}

/** Takes the parts now, and their bytes when it is asked for them. */
export function saving(view: TextView): () => Map<string, Uint8Array> {
  const parts: { readonly name: string; readonly chunks: () => Iterable<Uint8Array> }[] = [];
  view.checkpoint({ part: (name, chunks) => void parts.push({ name, chunks }) });
  return () => new Map(parts.map(({ name, chunks }) => [name, Buffer.concat([...chunks()])]));
}

export function restored(parts: ReadonlyMap<string, Uint8Array>): TextView {
  const view = new TextView(LOG_ID);
  view.restore({ parts: [...parts.keys()], read: (name) => parts.get(name)! });
  return view;
}

/** Whole numbers from 0 to before `below`, the same ones every time (mulberry32). */
export function chance(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}
