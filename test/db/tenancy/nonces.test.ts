/** A key never meets a nonce twice, whatever happens to the machine, its disk and copies of it. */
import { expect, test } from 'vitest';
import { Epochs, KeyRing, SealedLog } from '../../../db/tenancy/index.ts';
import { readSealedHeader, SEALED_HEADER_BYTES } from '../../../db/tenancy/sealed-payload.ts';
import type { RecordedAt, Sequence, TenantId } from '../../../db/types.ts';
import { type EntryDraft, type Log, openLog } from '../../../db/wal/index.ts';
import { type MemoryDisk, SimulatedCrash } from '../wal/memory-disk.ts';
import { DIRECTORY, ManualScheduler, newDisk, pickFrom, randomFrom, StepClock } from '../wal/support.ts';

const ROUNDS = 1000;
const TENANT = 7 as TenantId;
const HEADER_BYTES = 48;
const FLAG_ENCRYPTED = 1;

/** Every message that was ever handed to a log, by key, epoch and nonce. */
class Sealed {
  readonly #messages = new Set<string>();
  /** By everything before the ciphertext: which of a message's entries it is, under which key. */
  readonly #payloads = new Map<string, Uint8Array[]>();

  /** Fails when the pair was used before. */
  note(random: Uint8Array, first: Sequence, drafts: readonly EntryDraft[]): void {
    for (const [at, { payload, flags }] of drafts.entries()) {
      if ((flags & FLAG_ENCRYPTED) === 0) continue;
      const head = headOf(payload);
      this.#payloads.set(head, [...(this.#payloads.get(head) ?? []), payload]);
      const { key, index } = readSealedHeader(payload, first);
      if (index !== 0) continue;
      const pair = `${key} ${Buffer.from(random).toString('hex')} ${first + at}`;
      if (this.#messages.has(pair)) throw new Error(`${pair} was used before`);
      this.#messages.add(pair);
    }
  }

  get messages(): number {
    return this.#messages.size;
  }

  /** Whether it was written like this; a sector that did not reach the disk reads as zeros. */
  knows(payload: Uint8Array): boolean {
    const isLike = (each: Uint8Array): boolean =>
      each.length === payload.length && payload.every((byte, at) => byte === each[at] || byte === 0);
    const written = this.#payloads.get(headOf(payload));
    // Where the sector with its head is missing, any may be the one.
    return written?.some(isLike) ?? [...this.#payloads.values()].some((all) => all.some(isLike));
  }
}

function headOf(payload: Uint8Array): string {
  return Buffer.from(payload.subarray(0, SEALED_HEADER_BYTES)).toString('latin1');
}

test(`crashed, restored and forked ${ROUNDS} times, no key meets a nonce twice, in what was torn off neither`, async () => {
  const sealed = new Sealed();
  const pick = pickFrom(4);
  const first = newDisk();
  first.mkdir('/secrets');
  const copies: MemoryDisk[] = [first];
  let torn = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const from = copies[pick(copies.length)]!;
    // Sometimes the machine goes on, sometimes an older copy of its disk is put in.
    const disk = pick(3) === 0 ? from.copy() : copies.at(-1)!;
    const crashed = await run(disk, round, sealed, pick);
    // What is on a disk stays there or in its copies; each is looked at often enough.
    if (round % 8 === 0) torn += check(crashed, sealed);
    copies.push(crashed);
    if (copies.length > 20) copies.splice(pick(19), 1);
  }
  expect(sealed.messages).toBeGreaterThan(ROUNDS);
  expect(torn).toBeGreaterThan(0);
});

/** Opens, writes until the power fails at some operation, and returns what is found on the disk then. */
async function run(
  disk: MemoryDisk,
  round: number,
  sealed: Sealed,
  pick: (bound: number) => number,
): Promise<MemoryDisk> {
  const random = randomFrom(1000 + round);
  disk.crashBefore = disk.operations + 20 + pick(120);
  try {
    const options = { directory: DIRECTORY, disk, clock: new StepClock(), random, inline: true };
    const log = await openLog({ ...options, scheduler: new ManualScheduler(), ringBytes: 2 << 20 });
    const source = { from: 'file', path: '/secrets/kek' } as const;
    const ring = new KeyRing({ disk, directory: DIRECTORY, logId: log.identity.logId, source, random });
    const epochs = new Epochs(disk, DIRECTORY, () => log.begun);
    await epochs.load(log);
    epochs.keep();
    ring.create(TENANT);
    const above = new SealedLog({
      log: watched(log, log.begun!.random, sealed),
      ring,
      epochs,
      unknownKeys: 'refuse',
    });
    for (let command = 0; command < 8; command++) {
      above.append(drafts(round, command, pick), 0n as RecordedAt);
      if (pick(3) === 0) log.flush();
      if (pick(40) === 0) ring.rotate(TENANT);
    }
    await log.close();
  } catch (error) {
    if (!(error instanceof SimulatedCrash) && !String(error).includes('power failed')) throw error;
  }
  return disk.crash(pick);
}

function drafts(round: number, command: number, pick: (bound: number) => number): EntryDraft[] {
  return Array.from({ length: 1 + pick(4) }, (_, entry) => ({
    ...{ type: 16, tenant: TENANT, partitionKey: 5n, flags: 0 },
    payload: Buffer.from(`round ${round} command ${command} entry ${entry} ${'x'.repeat(pick(600))}`),
    subject: pick(4) === 0 ? `person ${pick(3)}` : null,
  }));
}

/** Notes what the log is given, once it is filled in. */
function watched(log: Log, random: Uint8Array, sealed: Sealed): Log {
  return new Proxy(log, {
    get(target, name) {
      if (name === 'append') {
        return (...args: Parameters<Log['append']>) => {
          const [entries, recordedAt, durability, preparation] = args;
          return target.append(entries, recordedAt, durability, {
            prepare: (first) => {
              preparation?.prepare(first);
              sealed.note(random, first, entries);
            },
          });
        };
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** Every sealed entry anywhere on the disk is one that was noted. Returns how many lie in what was torn off. */
function check(disk: MemoryDisk, sealed: Sealed): number {
  let torn = 0;
  for (const path of disk.paths()) {
    if (!path.startsWith(`${DIRECTORY}/wal/`) && !path.includes('/torn/')) continue;
    for (const payload of sealedEntries(disk.bytesOf(path))) {
      if (!sealed.knows(payload)) throw new Error(`${path} has a sealed entry nobody wrote`);
      if (path.includes('/torn/')) torn += 1;
    }
  }
  return torn;
}

/** Whole sealed entries in the bytes, wherever they begin. */
function sealedEntries(bytes: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = [];
  const words = wordsOf(bytes);
  const first = 1 | (16 << 16);
  const last = words.length - (HEADER_BYTES + SEALED_HEADER_BYTES) / 4;
  for (let at = 0; at < last; at += 2) {
    if (words[at] !== first || (words[at + 9]! & FLAG_ENCRYPTED) === 0) continue;
    const length = words[at + 1]!;
    const footer = at + (HEADER_BYTES + ((length + 7) & ~7)) / 4;
    // Length and low half of the checksum again: the entry is whole.
    if (words[footer] !== length || words[footer + 1] !== words[at + 10]) continue;
    found.push(bytes.subarray(at * 4 + HEADER_BYTES, at * 4 + HEADER_BYTES + length));
  }
  return found;
}

function wordsOf(bytes: Uint8Array): Int32Array {
  const { buffer, byteOffset, length } = isAligned(bytes) ? bytes : bytes.slice();
  return new Int32Array(buffer, byteOffset, length >> 2);
}

function isAligned({ byteOffset }: Uint8Array): boolean {
  return byteOffset % 4 === 0;
}
