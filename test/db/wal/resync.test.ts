/** Damage in the middle of a segment: what lies behind it stays readable, whole groups at a time. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { TruthError } from '../../../db/errors.ts';
import type { RecordedAt, Sequence } from '../../../db/types.ts';
import { inspectSegment } from '../../../db/wal/index.ts';
import { appendGroup, collect, DIRECTORY, draft, newDisk, open, segmentPaths } from './support.ts';

/** A log of 40 groups of one to four entries, some of whose payloads look like entries. */
async function manyGroups() {
  const { log, disk } = await open(newDisk());
  for (let group = 0; group < 40; group++) {
    for (let entry = 0; entry <= group % 4; entry++) {
      const bytes = new Uint8Array(40 + ((group * 37) % 200)).fill(1);
      log.append([draft(bytes)], 0n as RecordedAt);
    }
    log.flush();
  }
  const groups = inspectSegment({ disk, directory: DIRECTORY }, 1).groups;
  return { log, bytes: disk.bytesOf(segmentPaths(disk)[0]!), groups };
}

test('every entry outside the damaged groups is found, every one inside is reported with where to go on', async () => {
  const { log, bytes, groups } = await manyGroups();
  const whole = bytes.slice();
  const end = groups.at(-1)!.offset + groups.at(-1)!.bytes;
  const damage = fc.record({
    at: fc.integer({ min: 4096, max: end - 1 }),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 900 }),
  });
  await fc.assert(
    fc.asyncProperty(damage, async (patch) => {
      bytes.set(whole);
      bytes.set(patch.bytes.subarray(0, end - patch.at), patch.at);
      const broken = groups.filter(
        ({ offset, bytes: size }) =>
          Buffer.compare(bytes.subarray(offset, offset + size), whole.subarray(offset, offset + size)) !== 0,
      );
      const isBroken = (sequence: number) =>
        broken.some(
          ({ firstSequence, lastSequence }) => sequence >= firstSequence && sequence <= lastSequence,
        );
      for (let sequence = 1; sequence <= log.stable; sequence += 1) {
        const found = attempt(() => log.entryAt(sequence as Sequence));
        const reading = await attemptAsync(async () => {
          for await (const commit of log.read({ from: sequence as Sequence, follow: false }))
            return commit.sequence;
          return null;
        });
        if (!isBroken(sequence)) {
          expect(found).not.toBeInstanceOf(Error);
          expect(reading).toBe(groups.find(({ lastSequence }) => lastSequence >= sequence)!.lastSequence);
          continue;
        }
        const next = groups.find(
          (group) => group.firstSequence > sequence && !isBroken(group.firstSequence),
        )?.firstSequence;
        for (const error of [found, reading]) {
          expect(error).toMatchObject({ code: 'CORRUPT' });
          expect((error as TruthError).details['next']).toBe(next);
        }
      }
    }),
    { numRuns: 25 },
  );
});

test('a forward reader that meets damage hears where it can go on, and can', async () => {
  const { log, bytes, groups } = await manyGroups();
  bytes[groups[5]!.offset + 60]! ^= 1;
  const error = await attemptAsync(() => collect(log.read({ from: 1 as Sequence, follow: false })));
  expect(error).toMatchObject({
    details: { next: groups[6]!.firstSequence, sequence: groups[5]!.firstSequence },
  });
  const rest = await collect(log.read({ from: groups[6]!.firstSequence as Sequence, follow: false }));
  expect(rest.map(({ sequence }) => sequence)).toEqual(
    groups.slice(6).map(({ lastSequence }) => lastSequence),
  );
});

test('damage in the last group leaves nothing to go on with, until there is', async () => {
  const { log, bytes, groups } = await manyGroups();
  const last = groups.at(-1)!;
  bytes[last.offset + 60]! ^= 1;
  const from = last.firstSequence as Sequence;
  expect(attempt(() => log.entryAt(from))).toMatchObject({ code: 'CORRUPT', details: { sequence: from } });
  appendGroup(log, 'behind');
  expect(attempt(() => log.entryAt(from))).toMatchObject({ details: { next: last.lastSequence + 1 } });
  expect(log.entryAt((last.lastSequence + 1) as Sequence)).not.toBeNull();
});

function attempt<T>(work: () => T): T | Error {
  try {
    return work();
  } catch (error) {
    return error as Error;
  }
}

async function attemptAsync<T>(work: () => Promise<T>): Promise<T | Error> {
  try {
    return await work();
  } catch (error) {
    return error as Error;
  }
}
