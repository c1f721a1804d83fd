/** From a log to checkpoints and bundles, and back through the verifier with nothing but the root key. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { verifyBundle } from '../../../db/audit/bundle-verifier.ts';
import {
  decodeCheckpoint,
  headerOf,
  hex,
  unhex,
  verifyCertificates,
  verifyCheckpoint,
  verifyConsistency,
} from '../../../db/audit/verifier.ts';
import type { Sequence } from '../../../db/types.ts';
import { appendFor, bundleOf, catchUp, openProven, rootKeyOf, serviceOver, signAll } from './support.ts';

describe('a checkpoint', () => {
  test('is signed by a key that the root key vouches for, and names the one before it', async () => {
    const proven = await openProven();
    appendFor(proven.log, 1, 2, 1);
    const first = signAll(proven);
    appendFor(proven.log, 2);
    const second = signAll(proven);
    const certificates = verifyCertificates(rootKeyOf(proven), proven.service.keys.certificates);
    const [a, b] = [first, second].map((each) => verifyCheckpoint(certificates, each)) as [never, never];
    const { size, ordinal, chain, tenants, previous } = a as ReturnType<typeof decodeCheckpoint>;
    expect({ size, ordinal, tenants }).toEqual({ size: 6, ordinal: 2, tenants: 2 });
    expect(previous).toBe('00'.repeat(32));
    expect((b as ReturnType<typeof decodeCheckpoint>).previous).toBe(decodeCheckpoint(first).hash);
    const commits = [];
    for await (const commit of proven.log.read({ from: 1 as Sequence, follow: false })) commits.push(commit);
    expect(hex(commits[1]!.chain)).toBe(chain);
    const path = proven.service.prover.consistency(size, decodeCheckpoint(second).size);
    verifyConsistency(
      [size, decodeCheckpoint(first).root],
      [decodeCheckpoint(second).size, decodeCheckpoint(second).root],
      path,
    );
  });

  test('is not signed twice for the same commit', async () => {
    const proven = await openProven();
    appendFor(proven.log, 1);
    expect(signAll(proven)).toBe(signAll(proven));
    expect(proven.service.status()).toMatchObject({ checkpoints: 1, problem: null });
  });
});

describe('a bundle', () => {
  test('shows every entry of a range, commits and epochs too, with what they hold', async () => {
    const proven = await openProven();
    for (let at = 0; at < 30; at++) appendFor(proven.log, at % 3, 7);
    signAll(proven);
    const found = verifyBundle(rootKeyOf(proven), await bundleOf(proven, { from: 1, to: 40 }));
    expect(found.entries.map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: 40 }, (_, at) => at + 1),
    );
    expect(headerOf(found.entries[0]!.header!).type).toBe(3);
    const entry = found.entries.find(({ header }) => headerOf(header!).type === 16)!;
    expect(Buffer.from(entry.payload!).toString()).toBe(`entry ${entry.sequence} of tenant 0`);
  });

  test('can show hashes in place of what entries hold', async () => {
    const proven = await openProven();
    appendFor(proven.log, 1, 1, 1);
    signAll(proven);
    const bytes = await bundleOf(proven, { kind: 'tenant', tenant: 1, from: 1, to: 6 }, false);
    const { entries } = verifyBundle(rootKeyOf(proven), bytes);
    expect(entries).toHaveLength(3);
    expect(entries.every(({ payload }) => payload === null)).toBe(true);
    expect(Buffer.from(bytes).includes('of tenant')).toBe(false);
  });

  test('shows that it extends an earlier checkpoint', async () => {
    const proven = await openProven();
    appendFor(proven.log, 1, 2);
    const { size, hash } = decodeCheckpoint(signAll(proven));
    for (let at = 0; at < 9; at++) appendFor(proven.log, 2);
    signAll(proven);
    const bytes = await bundleOf(proven, { kind: 'tenant', tenant: 2, from: 1, to: 10, since: size });
    expect(verifyBundle(rootKeyOf(proven), bytes).earlier).toMatchObject({ size, hash });
  });

  test('of any tenant and range holds exactly what the log has of it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.constantFrom(0, 1, 3, 9), { minLength: 1, maxLength: 6 }), {
          minLength: 1,
          maxLength: 12,
        }),
        fc.array(fc.tuple(fc.constantFrom(0, 1, 2, 3, 9, 12), fc.nat(60), fc.nat(60)), {
          minLength: 8,
          maxLength: 8,
        }),
        async (commits, ranges) => {
          const proven = await openProven();
          const owners = new Map<number, number>();
          for (const tenants of commits) {
            for (const [at, tenant] of tenants.entries()) owners.set(proven.log.next + at, tenant);
            appendFor(proven.log, ...tenants);
          }
          const { size } = decodeCheckpoint(signAll(proven));
          for (const [tenant, a, b] of ranges) {
            const [from, to] = [Math.min(a, b) + 1, Math.min(Math.max(a, b) + 1, size)];
            if (from > to) continue;
            const bytes = await bundleOf(proven, { kind: 'tenant', tenant, from, to });
            const { entries } = verifyBundle(rootKeyOf(proven), bytes);
            const expected = [...owners].filter(([at, owner]) => owner === tenant && at >= from && at <= to);
            expect(entries.map(({ sequence }) => sequence)).toEqual(expected.map(([at]) => at));
            const all = verifyBundle(rootKeyOf(proven), await bundleOf(proven, { from, to }, false));
            expect(all.entries).toHaveLength(to - from + 1);
          }
        },
      ),
      { numRuns: 15 },
    );
  });

  test('with one byte changed anywhere is refused', async () => {
    const proven = await openProven();
    appendFor(proven.log, 1, 2, 1);
    signAll(proven);
    appendFor(proven.log, 1);
    signAll(proven);
    const bytes = await bundleOf(proven, { kind: 'tenant', tenant: 1, from: 1, to: 6, since: 6 });
    verifyBundle(rootKeyOf(proven), bytes);
    for (let at = 0; at < bytes.length; at += 3) {
      const changed = Uint8Array.from(bytes);
      changed[at]! ^= 1 << (at % 8);
      expect(() => verifyBundle(rootKeyOf(proven), changed), `byte ${at}`).toThrow();
    }
    expect(() => verifyBundle(rootKeyOf(proven), bytes.subarray(1))).toThrow();
    expect(() => verifyBundle(rootKeyOf(proven), new Uint8Array())).toThrow();
  });
});

describe('the trees', () => {
  test('are the same grown in steps, with restarts, or computed again from the beginning', async () => {
    const proven = await openProven();
    for (let at = 0; at < 20; at++) {
      appendFor(proven.log, at % 4, at % 3);
      if (at % 5 !== 0) continue;
      const restarted = serviceOver(proven.disk);
      catchUp(restarted, proven.log.stable);
      restarted.save();
      restarted.close();
    }
    const { root, tenantsRoot } = decodeCheckpoint(signAll(proven));
    const again = serviceOver(proven.disk);
    again.store.clear();
    catchUp(again, proven.log.stable);
    expect(hex(again.store.root(again.store.commit!.sequence))).toBe(root);
    const last = decodeCheckpoint(again.checkpoint());
    expect([last.root, last.tenantsRoot]).toEqual([root, tenantsRoot]);
    expect(unhex(root)).toHaveLength(32);
  });

  test('go over segments and their seals', async () => {
    const proven = await openProven();
    while (proven.log.status().segments < 3) {
      for (let at = 0; at < 40; at++)
        appendFor(proven.log, at % 5, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1);
    }
    const { size } = decodeCheckpoint(signAll(proven));
    const { entries } = verifyBundle(
      rootKeyOf(proven),
      await bundleOf(proven, { kind: 'tenant', tenant: 4, from: 1, to: size }, false),
    );
    const seen = [];
    for await (const commit of proven.log.read({ from: 1 as Sequence, follow: false })) {
      for (const entry of commit.entries) if (entry.tenant === 4) seen.push(entry.sequence);
    }
    expect(entries.map(({ sequence }) => sequence)).toEqual(seen);
  });
});
