/** One's own changes over a state: whatever is read is what it would be if they had been made. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Overlay } from '../../../../db/sql/rows/overlay.ts';
import type { ScanOptions, Space } from '../../../../db/sql/store/contract.ts';
import type { CommitOrdinal, Epoch, RecordedAt, Sequence } from '../../../../db/types.ts';
import { temporaryStore } from '../../support/temporary-store.ts';

const SPACE = 20 as Space;
const OTHER = 21 as Space;
const key = fc.uint8Array({ minLength: 1, maxLength: 2 }).map((bytes) => bytes.map((byte) => byte % 5));
const value = fc.uint8Array({ minLength: 1, maxLength: 3 });
const write = fc.record({ key, value: fc.option(value) });
const scan: fc.Arbitrary<ScanOptions> = fc.record({
  range: fc.record({ from: fc.option(key), to: fc.option(key) }),
  reverse: fc.boolean(),
  limit: fc.option(fc.nat(4)),
});

describe('an overlay', () => {
  test('reads like a state with its changes made, and says what they are', () => {
    const store = temporaryStore();
    let at = 0;
    fc.assert(
      fc.property(
        fc.array(write, { maxLength: 12 }),
        fc.array(write, { maxLength: 12 }),
        fc.array(scan, { minLength: 3, maxLength: 8 }),
        (below, own, scans) => {
          at += 2;
          const commit = { sequence: at as Sequence, ordinal: at as CommitOrdinal, epoch: 1 as Epoch };
          store.begin();
          store.drop(SPACE);
          for (const { key, value } of below)
            if (value !== null) store.put(SPACE, key, value, (at - 1) as Sequence);
          store.wrote((at - 1) as Sequence, 'test');
          store.committed({ ...commit, recordedAt: BigInt(at) as RecordedAt });
          store.commit();
          const overlay = new Overlay(store);
          const model = new Map(all(store).map(([name, bytes]) => [name, bytes]));
          const before = new Map(model);
          for (const { key, value } of own) {
            const there = overlay.get(SPACE, key)?.value ?? null;
            if (value !== null) overlay.put(SPACE, key, value, there);
            else if (there !== null) overlay.delete(SPACE, key, there);
            if (value === null) model.delete(hex(key));
            else model.set(hex(key), hex(value));
          }
          const wanted = [...model].sort(([a], [b]) => (a < b ? -1 : 1));
          expect(all(overlay)).toEqual(wanted);
          expect(overlay.count(SPACE)).toBe(model.size);
          for (const { key } of [...below, ...own])
            expect(hex(overlay.get(SPACE, key)?.value ?? new Uint8Array())).toBe(model.get(hex(key)) ?? '');
          for (const options of scans) expect(found(overlay, options)).toEqual(inModel(wanted, options));
          for (const written of overlay.written(SPACE)) {
            expect(written.before === null ? undefined : hex(written.before)).toBe(
              before.get(hex(written.key)),
            );
            expect(written.value === null ? undefined : hex(written.value)).toBe(model.get(hex(written.key)));
          }
          expect(all(store)).toEqual([...before].sort(([a], [b]) => (a < b ? -1 : 1)));
        },
      ),
      { numRuns: 200 },
    );
  });

  test('over another reader of the same state is the same changes, those to come as well', () => {
    const store = temporaryStore();
    const overlay = new Overlay(store);
    expect(overlay.empty).toBe(true);
    const other = overlay.over(store);
    other.put(SPACE, Uint8Array.of(1), Uint8Array.of(9), null);
    expect(all(overlay)).toEqual([['01', '09']]);
    expect([overlay.empty, overlay.bytes, overlay.count(OTHER)]).toEqual([false, 2, 0]);
  });
});

function all(reader: Pick<Overlay, 'scan'>): [string, string][] {
  return found(reader, { range: { from: null, to: null }, reverse: false, limit: null });
}

function found(reader: Pick<Overlay, 'scan'>, options: ScanOptions): [string, string][] {
  return [...reader.scan(SPACE, options)].map((version) => [hex(version.key), hex(version.value)]);
}

function inModel(
  sorted: readonly [string, string][],
  { range, reverse, limit }: ScanOptions,
): [string, string][] {
  const inside = sorted.filter(
    ([name]) =>
      (range.from === null || name >= hex(range.from)) && (range.to === null || name < hex(range.to)),
  );
  if (reverse) inside.reverse();
  return limit === null ? inside : inside.slice(0, limit);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
