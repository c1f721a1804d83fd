/** The text of one tenant's entities: an index for each kind that has attributes to be searched. */
import type { CheckpointReader, CheckpointWriter } from '../../../materializer/index.ts';
import type { KindId } from '../../ground.ts';
import type { EntityEntry } from '../../kernel/index.ts';
import type { NumberSet, TextReader } from '../../reading.ts';
import { ACTIVE_STATE } from '../../schema/check.ts';
import { SchemaHistory } from '../../schema/index.ts';
import type { AttributeValue, EntityKind } from '../../schema/model.ts';
import type { FieldChange } from './document-writer.ts';
import type { Suggestion } from './suggester.ts';
import { type SearchField, TextIndex } from './text-index.ts';

/** State of an entity that was deleted. */
const DELETED = 255;
const NO_HITS: ReturnType<TextReader['search']> = {
  items: new Uint32Array(0),
  scores: new Float64Array(0),
  total: 0,
};

interface IndexedKind {
  readonly index: TextIndex;
  readonly attributes: ReadonlySet<number>;
  /** The state in which entities may be suggested. */
  readonly active: number;
}

export class TenantText implements TextReader {
  readonly #seed: bigint;
  #schema = new SchemaHistory();
  readonly #kinds = new Map<KindId, IndexedKind>();

  constructor(seed: bigint) {
    this.#seed = seed;
  }

  /** Memory that documents and words take, about. */
  get bytes(): number {
    let bytes = 0;
    for (const { index } of this.#kinds.values()) bytes += index.store.bytes + index.store.vocabulary.bytes;
    return bytes;
  }

  applySchema(payload: Uint8Array): void {
    this.#schema.apply(payload);
    const kinds = new Set(this.#schema.current.kinds.map(({ id }) => id));
    for (const id of [...this.#kinds.keys()]) if (!kinds.has(id)) this.#kinds.delete(id);
    for (const kind of this.#schema.current.kinds) this.#follow(kind);
  }

  applyEntity({ kind, number, state, attributes }: EntityEntry): void {
    const indexed = this.#kinds.get(kind);
    if (indexed === undefined) return;
    if (state === DELETED) {
      indexed.index.remove(number);
      return;
    }
    const changes: FieldChange[] = [];
    for (const { attribute, value } of attributes)
      if (indexed.attributes.has(attribute)) changes.push({ attribute, texts: textsOf(value) });
    indexed.index.put(number, changes, state === indexed.active);
  }

  /** Whether what an entity says in an attribute can be found. */
  holds(kind: KindId, number: number, attribute: number): boolean {
    return this.#kinds.get(kind)?.index.store.holds(number, attribute) ?? false;
  }

  search(
    kind: KindId,
    query: string,
    limit: number,
    within: NumberSet | null,
  ): ReturnType<TextReader['search']> {
    return this.#kinds.get(kind)?.index.search(query, limit, within) ?? NO_HITS;
  }

  score(kind: KindId, query: string, targets: Uint32Array, count: number, out: Float64Array): void {
    const indexed = this.#kinds.get(kind);
    if (indexed === undefined) out.fill(0, 0, count);
    else indexed.index.score(query, targets, count, out);
  }

  suggest(kind: KindId, prefix: string, limit: number): readonly Suggestion[] {
    return this.#kinds.get(kind)?.index.suggest(prefix, limit) ?? [];
  }

  /** What the digest is made over. */
  *contents(): Generator<Uint8Array | string> {
    yield this.#schema.encode();
    for (const [kind, { index }] of this.#sorted())
      yield `${kind}:${index.documents}:${index.store.length}:${index.hash.toString(16)};`;
  }

  checkpoint(prefix: string, writer: CheckpointWriter): void {
    const schema = this.#schema.encode();
    writer.part(`${prefix}schema-${this.#schema.current.version}`, () => [schema]);
    for (const [kind, { index }] of this.#sorted()) index.checkpoint(`${prefix}${kind}-`, writer);
  }

  /** Errors: CORRUPT. */
  restore(prefix: string, reader: CheckpointReader): void {
    for (const name of reader.parts)
      if (name.startsWith(`${prefix}schema-`)) this.#schema = SchemaHistory.decode(reader.read(name));
    for (const kind of this.#schema.current.kinds) {
      const start = `${prefix}${kind.id}-`;
      if (!reader.parts.some((name) => name.startsWith(start))) continue;
      const index = new TextIndex(this.#seed);
      index.restore(start, reader);
      this.#kinds.set(kind.id, indexedKind(kind, index));
    }
    // Finds fields already as they are, unless the parts do not belong together.
    for (const kind of this.#schema.current.kinds) this.#follow(kind);
  }

  #follow(kind: EntityKind): void {
    const fields = searchFields(kind);
    const index = this.#kinds.get(kind.id)?.index ?? (fields.length === 0 ? null : new TextIndex(this.#seed));
    if (index === null) return;
    index.configure(fields);
    this.#kinds.set(kind.id, indexedKind(kind, index));
  }

  #sorted(): (readonly [KindId, IndexedKind])[] {
    return [...this.#kinds].sort(([one], [other]) => one - other);
  }
}

function indexedKind(kind: EntityKind, index: TextIndex): IndexedKind {
  const attributes = new Set(searchFields(kind).map(({ attribute }) => attribute));
  return { index, attributes, active: kind.states.indexOf(ACTIVE_STATE) };
}

function searchFields(kind: EntityKind): SearchField[] {
  return kind.attributes.flatMap(({ id, search }) =>
    search === null ? [] : [{ attribute: id, weight: search.weight }],
  );
}

function textsOf(value: AttributeValue | null): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? value : [];
}
