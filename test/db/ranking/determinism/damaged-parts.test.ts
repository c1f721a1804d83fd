/**
 * What each view reads back from parts that were changed on purpose, behind the checksum that would tell: a typed refusal, or some
 * view; never another error, and never memory for what a length only announces.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TruthError } from '../../../../db/errors.ts';
import { historyOf } from '../../../../db/sim/ranking-life.ts';
import { MemoryParts } from '../entities/ranking-log.ts';
import { applyTo, commitsOf, emptyView, freshViews, VIEW_NAMES } from './views.ts';

const BYTES_MAX = 256 * 1024 * 1024;
const RUNS = 200;
/** They take memory of their own each time. */
const VECTORS_RUNS = 60;

const views = freshViews();
for (const commit of commitsOf(historyOf(11, 150))) applyTo(views, commit);

const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
const damages = fc.array(
  fc.record({
    kind: fc.constantFrom('bit', 'byte', 'length', 'cut', 'longer', 'swap', 'gone', 'moved', 'zeros'),
    part: place,
    at: place,
    value: fc.constantFrom(0, 1, 0x7f, 0xff, 0xffff, 0x1000_0000, 0x7fff_ffff, 0xffff_ffff),
  }),
  { minLength: 1, maxLength: 3 },
);
type Damage = typeof damages extends fc.Arbitrary<readonly (infer One)[]> ? One : never;

function damage(parts: MemoryParts, { kind, part, at, value }: Damage): void {
  const names = [...parts.content.keys()];
  const name = names[Math.floor(part * names.length)];
  if (name === undefined) return;
  const bytes = new Uint8Array(parts.content.get(name)!);
  const offset = Math.floor(at * bytes.length);
  const other = names[Math.floor(at * names.length)]!;
  if (kind === 'gone') parts.content.delete(name);
  else if (kind === 'moved') {
    parts.content.delete(name);
    parts.content.set(
      name.replace(/\d/, (digit) => `${(Number(digit) + 1) % 10}`),
      bytes,
    );
  } else if (kind === 'swap') parts.content.set(name, parts.content.get(other)!);
  else if (kind === 'cut') parts.content.set(name, bytes.slice(0, offset));
  else if (kind === 'longer') parts.content.set(name, Uint8Array.from([...bytes, ...bytes.subarray(offset)]));
  else {
    if (kind === 'bit') bytes[offset] = (bytes[offset] ?? 0) ^ (1 << (value & 7));
    else if (kind === 'byte') bytes[offset] = value;
    else if (kind === 'zeros') bytes.fill(0, offset);
    else if (bytes.length >= 4)
      new DataView(bytes.buffer).setUint32((offset & ~3) % (bytes.length - 3), value, true);
    parts.content.set(name, bytes);
  }
}

/** As whoever reads parts from disk says it. */
function missing(part: string): never {
  throw new TruthError('CORRUPT', `${part} is missing`);
}

describe.each(VIEW_NAMES)('%s', (name) => {
  const whole = MemoryParts.of(views[name]);

  test('is refused or some view whatever was done to its parts', () => {
    expect(whole.content.size).toBeGreaterThan(0);
    let refused = 0;
    fc.assert(
      fc.property(damages, (done) => {
        const parts = new MemoryParts();
        for (const [part, bytes] of whole.content) parts.content.set(part, bytes);
        for (const each of done) damage(parts, each);
        const before = process.memoryUsage().arrayBuffers;
        try {
          const view = emptyView(name);
          view.restore({ parts: parts.parts, read: (part) => parts.content.get(part) ?? missing(part) });
          view.digest();
        } catch (error) {
          if (!(error instanceof TruthError)) throw error;
          expect(['CORRUPT', 'UNSUPPORTED_VERSION']).toContain(error.code);
          refused += 1;
        }
        expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(BYTES_MAX);
      }),
      { numRuns: name === 'vectors' ? VECTORS_RUNS : RUNS },
    );
    expect(refused).toBeGreaterThan(0);
  });
});
