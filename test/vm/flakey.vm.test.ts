/**
 * Power cuts on real device-mapper devices under a real XFS: a disk that drops all writes, one that refuses them, one that
 * is recorded by the kernel and made again up to a random place.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { type FoundEvent, Ledger, type SentRequest } from './flakey/ledger.ts';
import type { CutKind, CutReport, PlannedCut, PlannedRun } from './flakey/plan.ts';
import { cutOnDevices } from './harness/flakey-machine.ts';
import { ALL, testFolder } from './harness/machine.ts';

/** Alone on a machine a cut takes about twenty seconds; where others want the processor, several times that. */
const SECONDS_MAX = ALL ? 2400 : 900;
/** Exit status of a server whose log cannot be written any more. */
const WRITER_FAILED = 71;

const RUNS: readonly PlannedRun[] = ALL
  ? [
      ...several('drop-writes', 5),
      ...several('error-writes', 7),
      ...several('exposed', 2),
      { kind: 'log-writes', seed: 4000, cuts: 3 },
      { kind: 'log-writes', seed: 4001, cuts: 3 },
      ...several('async', 2),
    ]
  : [
      ...several('drop-writes', 1),
      ...several('error-writes', 1),
      ...several('exposed', 1),
      { kind: 'log-writes', seed: 4000, cuts: 2 },
    ];
/** Those that count: `async` promises nothing. */
const CUTS = RUNS.filter(({ kind }) => kind !== 'async').reduce(
  (sum, run) => sum + (run.kind === 'log-writes' ? run.cuts : 1),
  0,
);

let cuts: readonly CutReport[];

function several(kind: PlannedCut['kind'], runs: number): PlannedCut[] {
  return Array.from({ length: runs }, (_, index) => ({ kind, seed: index + 1 }));
}

function of(...kinds: readonly CutKind[]): CutReport[] {
  return cuts.filter(({ kind }) => kinds.includes(kind));
}

describe('a power cut on a real device', () => {
  beforeAll(async () => {
    cuts = await cutOnDevices({ runs: RUNS }, testFolder('flakey'), SECONDS_MAX);
  }, SECONDS_MAX * 1000);

  test(`loses nothing that was promised and invents nothing, in ${CUTS} cuts`, () => {
    const counted = cuts.filter(({ kind }) => kind !== 'async');
    expect(counted.length).toBe(CUTS);
    expect(counted.filter(({ problem }) => problem !== null)).toEqual([]);
    expect(counted.filter(({ promised }) => promised === 0)).toEqual([]);
    for (const { verified, recovered } of counted)
      expect({ verified, recovered }).toEqual({ verified: 0, recovered: true });
  });

  test('takes away what the disk only pretended to keep, and would be seen to', () => {
    for (const { found, acknowledged, lost } of of('drop-writes', 'log-writes')) {
      expect(found).toBeLessThan(acknowledged);
      expect(lost).toMatch(/requests were acknowledged, \d+ are there/);
    }
  });

  test('ends the server when the disk refuses to be written', () => {
    for (const { serverExit, refusals } of of('error-writes', 'exposed')) {
      expect(serverExit).toBe(WRITER_FAILED);
      expect(refusals).toContain('WRITER_FAILED');
    }
  });

  if (ALL)
    test('loses answers that promised nothing', () => {
      const lost = of('async').filter(({ problem }) => problem?.includes('requests were acknowledged'));
      expect(lost.length).toBeGreaterThan(0);
    });
});

describe('the judgement over what a cut has left', () => {
  const ALWAYS = { promisedUntil: Number.POSITIVE_INFINITY, sentUntil: Number.POSITIVE_INFINITY };
  const ledger = new Ledger(1, 1);
  const log: FoundEvent[] = [];
  for (let now = 0; now < 8; now += 1) {
    const { events, stream } = sendAcknowledged(ledger, now);
    for (const event of events)
      log.push({ ...event, stream, revision: log.filter((other) => other.stream === stream).length });
  }

  test('accepts what was promised and anything sent after it', () => {
    expect(ledger.judge(log, ALWAYS)).toEqual({ found: 8, promised: 8, problem: null });
    expect(ledger.judge(log, { ...ALWAYS, promisedUntil: 2 })).toEqual({
      found: 8,
      promised: 3,
      problem: null,
    });
    expect(ledger.judge(log.slice(0, 3), { ...ALWAYS, promisedUntil: 2 }).problem).toBeNull();
  });

  test('tells loss, invention, halves, disorder and other bytes', () => {
    const of = (events: readonly FoundEvent[], bounds = {}): string | null =>
      ledger.judge(events, { ...ALWAYS, promisedUntil: -1, ...bounds }).problem;
    expect(of(log.slice(0, 3), { promisedUntil: 3 })).toBe(
      'of client 0 4 requests were acknowledged, 3 are there',
    );
    expect(of(log, { sentUntil: 3 })).toBe('of client 0 8 requests are there, 4 had been sent');
    expect(of(log.slice(0, 5))).toBe('request 3 of client 0 is there in part only');
    expect(of(log.toSpliced(1, 1))).toMatch(/stands where revision 0 belongs/);
    expect(of([log[0]!, ...log])).toMatch(/stands where revision 1 belongs/);
    expect(of(log.with(0, { ...log[0]!, data: { ...log[0]!.data, text: 'x' } }))).toMatch(
      /not as it was sent/,
    );
    expect(of(log.with(0, { ...log[0]!, id: log[1]!.id }))).toMatch(/where .* was sent/);
  });
});

function sendAcknowledged(ledger: Ledger, now: number): SentRequest {
  const request = ledger.send(0, now);
  request.acknowledgedAt = now;
  return request;
}
