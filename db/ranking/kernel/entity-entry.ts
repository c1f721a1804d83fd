/**
 * The payload of an entity entry (type 81): a head of 36 bytes, the key, then attributes and embeddings. Little-endian.
 *
 *      0  u8   version            12  u32  creator                28  u16  attributes
 *      1  u8   1: created         16  u32  creator before         30  u16  embeddings
 *      2  u8   state              20  f64  came to be             32  u32  tuple
 *      3  u8   state before            at                         36  u32  length of the key, key
 *      4  u32  number
 *      8  u16  kind, u16 zero
 *
 * An attribute: u16 id, u8 tag (0 taken away, 1 text, 2 number, 3 false, 4 true, 5 several texts), value. Texts stand
 * behind their length (u32), several behind their count (u16). An embedding: u16 slot, u32 dimensions (0: taken away), floats.
 */
import type { AttributeId, EntityNumber, KindId, Micros, SlotId, TupleNumber } from '../ground.ts';
import type { AttributeValue } from '../schema/model.ts';
import type { EntityEntry } from './entry.ts';
import { PayloadReader } from './payload-reader.ts';
import { PayloadWriter } from './payload-writer.ts';

const VERSION = 1;
const TAG = Object.freeze({ none: 0, text: 1, number: 2, false: 3, true: 4, texts: 5 });
const ATTRIBUTE_BYTES_LEAST = 3;
const EMBEDDING_BYTES_LEAST = 6;
const TEXT_BYTES_LEAST = 4;
const TEXTS_MAX = 1_024;

const writer = new PayloadWriter();

export function encodeEntity(entity: EntityEntry): Uint8Array {
  writer.u8(VERSION);
  writer.u8(entity.created ? 1 : 0);
  writer.u8(entity.state);
  writer.u8(entity.before.state);
  writer.u32(entity.number);
  writer.u16(entity.kind);
  writer.u16(0);
  writer.u32(entity.creator);
  writer.u32(entity.before.creator);
  writer.f64(entity.at);
  writer.u16(entity.attributes.length);
  writer.u16(entity.embeddings.length);
  writer.u32(entity.tuple);
  writer.text(entity.key);
  for (const { attribute, value } of entity.attributes) {
    writer.u16(attribute);
    writeValue(value);
  }
  for (const { slot, vector } of entity.embeddings) {
    writer.u16(slot);
    writer.u32(vector?.length ?? 0);
    if (vector !== null) writer.vector(vector);
  }
  return writer.finish();
}

/** Errors: CORRUPT, UNSUPPORTED_VERSION. */
export function decodeEntity(payload: Uint8Array): EntityEntry {
  const reader = new PayloadReader('entity entry', payload);
  reader.version(VERSION);
  const created = reader.u8();
  if (created > 1) throw reader.corrupt(`has ${created} where 0 or 1 belongs`);
  const [state, stateBefore] = [reader.u8(), reader.u8()];
  const number = numbered(reader);
  const kind = reader.u16() as KindId;
  reader.reserved(2);
  const creator = reader.u32() as EntityNumber;
  const creatorBefore = reader.u32() as EntityNumber;
  const at = reader.integer() as Micros;
  const [attributeCount, embeddingCount] = [reader.u16(), reader.u16()];
  const tuple = reader.u32() as TupleNumber;
  const key = reader.text();
  const attributes = Array.from({ length: reader.count(attributeCount, ATTRIBUTE_BYTES_LEAST) }, () => ({
    attribute: reader.u16() as AttributeId,
    value: readValue(reader),
  }));
  const embeddings = Array.from({ length: reader.count(embeddingCount, EMBEDDING_BYTES_LEAST) }, () => ({
    slot: reader.u16() as SlotId,
    vector: readVector(reader),
  }));
  reader.end();
  return {
    ...{ entry: 'entity', kind, number, key, created: created === 1, at, state, creator, tuple },
    ...{ attributes, embeddings, before: { creator: creatorBefore, state: stateBefore } },
  };
}

function numbered(reader: PayloadReader): EntityNumber {
  const number = reader.u32();
  if (number === 0) throw reader.corrupt('has the number 0');
  return number as EntityNumber;
}

function writeValue(value: AttributeValue | null): void {
  if (value === null) writer.u8(TAG.none);
  else if (typeof value === 'boolean') writer.u8(value ? TAG.true : TAG.false);
  else if (typeof value === 'number') {
    writer.u8(TAG.number);
    writer.f64(value);
  } else if (typeof value === 'string') {
    writer.u8(TAG.text);
    writer.text(value);
  } else {
    writer.u8(TAG.texts);
    writer.u16(value.length);
    for (const text of value) writer.text(text);
  }
}

function readValue(reader: PayloadReader): AttributeValue | null {
  const tag = reader.u8();
  if (tag === TAG.none) return null;
  if (tag === TAG.text) return reader.text();
  if (tag === TAG.number) return reader.f64();
  if (tag === TAG.false || tag === TAG.true) return tag === TAG.true;
  if (tag !== TAG.texts) throw reader.corrupt(`has a value with the tag ${tag}`);
  const count = reader.count(reader.u16(), TEXT_BYTES_LEAST);
  if (count > TEXTS_MAX) throw reader.corrupt(`has ${count} keywords in one value`);
  return Array.from({ length: count }, () => reader.text());
}

function readVector(reader: PayloadReader): Float32Array | null {
  const dimensions = reader.u32();
  return dimensions === 0 ? null : reader.vector(dimensions);
}
