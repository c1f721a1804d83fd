/**
 * The payload of an edge entry (type 83), 32 bytes, little-endian: u8 version, u8 1 when it is set and 0 when it is taken
 * away, u16 relationship, u32 from, u32 to, u32 zero, f64 at, f64 weight.
 */
import type { EntityNumber, Micros, RelationshipId } from '../ground.ts';
import type { EdgeEntry } from './entry.ts';
import { PayloadReader } from './payload-reader.ts';
import { PayloadWriter } from './payload-writer.ts';

const VERSION = 1;
const RESERVED_BYTES = 4;

const writer = new PayloadWriter();

export function encodeEdge(edge: EdgeEntry): Uint8Array {
  writer.u8(VERSION);
  writer.u8(edge.weight === null ? 0 : 1);
  writer.u16(edge.relationship);
  writer.u32(edge.from);
  writer.u32(edge.to);
  writer.u32(0);
  writer.f64(edge.at);
  writer.f64(edge.weight ?? 0);
  return writer.finish();
}

/** Errors: CORRUPT, UNSUPPORTED_VERSION. */
export function decodeEdge(payload: Uint8Array): EdgeEntry {
  const reader = new PayloadReader('edge entry', payload);
  reader.version(VERSION);
  const set = reader.u8();
  const relationship = reader.u16() as RelationshipId;
  const [from, to] = [reader.u32() as EntityNumber, reader.u32() as EntityNumber];
  reader.reserved(RESERVED_BYTES);
  const at = reader.integer() as Micros;
  const weight = reader.f64();
  reader.end();
  if (from === 0 || to === 0) throw reader.corrupt('has an end with the number 0');
  if (set > 1 || (set === 0 && weight !== 0)) throw reader.corrupt('is neither set nor taken away');
  return { entry: 'edge', relationship, from, to, at, weight: set === 1 ? weight : null };
}
