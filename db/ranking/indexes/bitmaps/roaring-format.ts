/**
 * Bitmaps as bytes in the portable format that all Roaring libraries share, so that a set can be looked at with their tools.
 * Source: "Roaring bitmaps: specification of the compressed-bitmap format" (RoaringBitmap/RoaringFormatSpec). Little-endian:
 *
 *     without runs   u32 12346, u32 containers
 *     with runs      u16 12347, u16 containers - 1, a bit a container: whether it is written as runs
 *     then           for each container u16 key, u16 size - 1
 *     then           for each container u32 its offset from the beginning; not with runs and less than four containers
 *     then           the containers: u16 for each member (at most 4096), or 8192 bytes of bits,
 *                    or u16 runs and for each u16 first, u16 length - 1
 *
 * In memory there are no runs: they are written where they are the shortest, and read back into the other two.
 */
import { TruthError } from '../../../errors.ts';
import { Bitmap } from './bitmap.ts';
import { Container, LIST_MAX } from './container.ts';
import { countBits, WORDS } from './words.ts';

const COOKIE_PLAIN = 12_346;
const COOKIE_RUNS = 12_347;
const OFFSETS_FROM = 4;
const CONTAINERS_MAX = 65_536;
const BITS_BYTES = WORDS * 4;
const RUN_BYTES = 4;
const RUNS_HEAD_BYTES = 2;

interface Body {
  readonly key: number;
  readonly size: number;
  readonly runs: boolean;
  readonly bytes: Uint8Array;
}

export function encodeRoaring(bitmap: Bitmap): Uint8Array {
  const bodies = bitmap.containers().map(([key, container]) => bodyOf(key, container));
  const runs = bodies.some((body) => body.runs);
  const head = headBytes(bodies.length, runs);
  const out = new Uint8Array(bodies.reduce((sum, { bytes }) => sum + bytes.length, head));
  const view = new DataView(out.buffer);
  let at = writeCookie(view, bodies, runs);
  for (const { key, size } of bodies) {
    view.setUint16(at, key, true);
    view.setUint16(at + 2, size - 1, true);
    at += 4;
  }
  let offset = head;
  for (const { bytes } of bodies) {
    if (at < head) view.setUint32(at, offset, true);
    at = Math.min(head, at + 4);
    out.set(bytes, offset);
    offset += bytes.length;
  }
  return out;
}

/** Errors: CORRUPT. Takes no more memory than 8 KiB for each container that the bytes have a body for. */
export function decodeRoaring(bytes: Uint8Array): Bitmap {
  const input = new Input(bytes);
  const cookie = input.u16();
  const second = input.u16();
  if (cookie === COOKIE_RUNS) return readBody(input, second + 1, true);
  if (cookie !== COOKIE_PLAIN || second !== 0) throw corrupt(`begins with ${cookie}, ${second}`);
  const containers = input.u32();
  if (containers > CONTAINERS_MAX) throw corrupt(`announces ${containers} containers`);
  return readBody(input, containers, false);
}

function readBody(input: Input, containers: number, runs: boolean): Bitmap {
  const flags = runs ? input.take((containers + 7) >>> 3) : null;
  const heads = new Uint16Array(input.take(containers * 4).slice().buffer);
  const offsets = !runs || containers >= OFFSETS_FROM ? input.take(containers * 4).slice() : null;
  const view = offsets === null ? null : new DataView(offsets.buffer);
  const entries: [number, Container][] = [];
  for (let each = 0; each < containers; each++) {
    const key = heads[each * 2]!;
    if (each > 0 && key <= heads[each * 2 - 2]!) throw corrupt(`has the key ${key} out of order`);
    if (view !== null && view.getUint32(each * 4, true) !== input.at)
      throw corrupt(`has container ${each} elsewhere than it says`);
    const asRuns = flags !== null && ((flags[each >>> 3]! >>> (each & 7)) & 1) === 1;
    const size = heads[each * 2 + 1]! + 1;
    entries.push([key, asRuns ? readRuns(input, size) : readPlain(input, size)]);
  }
  input.end();
  return Bitmap.ofContainers(entries);
}

function readPlain(input: Input, size: number): Container {
  if (size > LIST_MAX) {
    const bits = new Uint32Array(input.take(BITS_BYTES).slice().buffer);
    if (countBits(bits, bits) !== size) throw corrupt('has bits that are not as many as it says');
    return Container.ofBits(bits, size);
  }
  const list = new Uint16Array(input.take(size * 2).slice().buffer);
  for (let at = 1; at < size; at++) if (list[at]! <= list[at - 1]!) throw corrupt('has members out of order');
  return Container.ofMembers(list);
}

function readRuns(input: Input, size: number): Container {
  const runs = new Uint16Array(input.take(input.u16() * RUN_BYTES).slice().buffer);
  const members = new Uint16Array(size);
  let count = 0;
  let next = 0;
  for (let at = 0; at < runs.length; at += 2) {
    const first = runs[at]!;
    const last = first + runs[at + 1]!;
    if (first < next || last > 0xffff || count + (last - first) >= size)
      throw corrupt('has runs that do not fit together');
    for (let member = first; member <= last; member++) members[count++] = member;
    next = last + 1;
  }
  if (count !== size) throw corrupt('has runs with fewer members than it says');
  return Container.ofMembers(members);
}

function headBytes(containers: number, runs: boolean): number {
  const cookie = runs ? 4 + ((containers + 7) >>> 3) : 8;
  const offsets = !runs || containers >= OFFSETS_FROM ? containers * 4 : 0;
  return cookie + containers * 4 + offsets;
}

function writeCookie(view: DataView, bodies: readonly Body[], runs: boolean): number {
  if (!runs) {
    view.setUint32(0, COOKIE_PLAIN, true);
    view.setUint32(4, bodies.length, true);
    return 8;
  }
  view.setUint16(0, COOKIE_RUNS, true);
  view.setUint16(2, bodies.length - 1, true);
  for (const [each, body] of bodies.entries()) {
    const at = 4 + (each >>> 3);
    if (body.runs) view.setUint8(at, view.getUint8(at) | (1 << (each & 7)));
  }
  return 4 + ((bodies.length + 7) >>> 3);
}

function bodyOf(key: number, container: Container): Body {
  const { size } = container;
  const members = container.members();
  const plain = size > LIST_MAX ? BITS_BYTES : size * 2;
  const runs = countRuns(members);
  if (RUNS_HEAD_BYTES + runs * RUN_BYTES < plain)
    return { key, size, runs: true, bytes: runBytes(members, runs) };
  const values = size > LIST_MAX ? container.asBits() : members.slice();
  return { key, size, runs: false, bytes: new Uint8Array(values.buffer) };
}

function countRuns(members: Uint16Array): number {
  let runs = 0;
  for (let at = 0; at < members.length; at++) if (at === 0 || members[at] !== members[at - 1]! + 1) runs += 1;
  return runs;
}

function runBytes(members: Uint16Array, runs: number): Uint8Array {
  const values = new Uint16Array(1 + runs * 2);
  values[0] = runs;
  let at = -1;
  for (let each = 0; each < members.length; each++) {
    if (each > 0 && members[each] === members[each - 1]! + 1) {
      values[at + 1]! += 1;
      continue;
    }
    at += 2;
    values[at] = members[each]!;
  }
  return new Uint8Array(values.buffer);
}

/** Bytes from their beginning to their end; believes no length that they announce. */
class Input {
  readonly #bytes: Uint8Array;
  at = 0;

  /** `slice` of a Node Buffer copies nothing, that of an array over the same bytes does. */
  constructor({ buffer, byteOffset, byteLength }: Uint8Array) {
    this.#bytes = new Uint8Array(buffer, byteOffset, byteLength);
  }

  take(count: number): Uint8Array {
    if (count > this.#bytes.length - this.at)
      throw corrupt(`ends at byte ${this.#bytes.length}, ${count} more belong behind byte ${this.at}`);
    this.at += count;
    return this.#bytes.subarray(this.at - count, this.at);
  }

  u16(): number {
    const [low, high] = this.take(2);
    return low! | (high! << 8);
  }

  u32(): number {
    return this.u16() + this.u16() * 0x1_0000;
  }

  end(): void {
    if (this.at !== this.#bytes.length)
      throw corrupt(`goes on for ${this.#bytes.length - this.at} bytes behind its end`);
  }
}

function corrupt(problem: string): TruthError {
  return new TruthError('CORRUPT', `the bitmap does not add up: it ${problem}`);
}
