/**
 * The payload of an exposure entry (type 84), little-endian: u8 version, u8 zero, u16 kind, u32 user, f64 at, experiment and
 * arm behind their lengths (u32), u32 count, then the items' numbers in the order they were shown (u32 each).
 */
import type { EntityNumber, KindId, Micros } from '../ground.ts';
import type { ExposureEntry } from './entry.ts';
import { PayloadReader } from './payload-reader.ts';
import { PayloadWriter } from './payload-writer.ts';

const VERSION = 1;
const ITEM_BYTES = 4;

const writer = new PayloadWriter();

export function encodeExposure(exposure: ExposureEntry): Uint8Array {
  writer.u8(VERSION);
  writer.u8(0);
  writer.u16(exposure.kind);
  writer.u32(exposure.user);
  writer.f64(exposure.at);
  writer.text(exposure.experiment);
  writer.text(exposure.arm);
  writer.u32(exposure.items.length);
  for (const item of exposure.items) writer.u32(item);
  return writer.finish();
}

/** Errors: CORRUPT, UNSUPPORTED_VERSION. */
export function decodeExposure(payload: Uint8Array): ExposureEntry {
  const reader = new PayloadReader('exposure entry', payload);
  reader.version(VERSION);
  reader.reserved(1);
  const kind = reader.u16() as KindId;
  const user = reader.u32() as EntityNumber;
  const at = reader.integer() as Micros;
  const [experiment, arm] = [reader.text(), reader.text()];
  const count = reader.count(reader.u32(), ITEM_BYTES);
  const items = Array.from({ length: count }, () => reader.u32() as EntityNumber);
  reader.end();
  return { entry: 'exposure', experiment, arm, user, at, kind, items };
}
