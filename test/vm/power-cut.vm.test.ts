/**
 * Power cuts while a client appends. Killing QEMU would lose nothing, because the host's cache survives; so the disk is
 * recorded write by write, and disks as a cut may leave them are made from the recording.
 */
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { connect } from '../../db/client/index.ts';
import { connectionString, connectWhenReady, WIRE_PORT } from '../../scripts/appliance/database.ts';
import { type InstalledFixture, installedFixture, overlayOf } from '../../scripts/appliance/fixture.ts';
import { type CrashPlan, crashPoints, survivingRanges, writeCrashDisk } from '../../scripts/vm/crash-disk.ts';
import { readRecording } from '../../scripts/vm/crash-replay.ts';
import { copySparse, freePort, sameContent } from '../../scripts/vm/index.ts';
import type { RecordedWrite } from '../../scripts/vm/log-writes.ts';
import { ALL, artefacts, tell, testFolder, testVm } from './harness/machine.ts';
import { startVerifier } from './harness/verifier.ts';
import { appendForAWhile, expectNothingLost, type Issued } from './harness/workload.ts';

const READY_SECONDS = 240;
const EVENTS = ALL ? 40_000 : 5000;
const APPEND_SECONDS_MAX = ALL ? 120 : 20;
const IN_FLIGHT = 16;
const CRASHES = ALL ? 20 : 6;
const BOOTED = ALL ? 10 : 2;
const TEST_MS = ALL ? 3_600_000 : 900_000;

interface Recorded {
  /** The disk after the last write, an overlay of the fixture's. */
  readonly disk: string;
  readonly log: string;
  readonly entries: readonly RecordedWrite[];
  readonly issued: readonly Issued[];
}

interface Crash {
  readonly disk: string;
  /** Bytes the recording had when the power was cut. */
  readonly recordedBytes: number;
  readonly plan: CrashPlan;
}

describe('a power cut while a client appends', () => {
  test(
    'loses nothing that was acknowledged and invents nothing',
    async () => {
      const fixture = await installedFixture(artefacts(), tell);
      const folder = testFolder('power-cut');
      const recorded = await record(fixture, folder);
      const acknowledged = recorded.issued.filter(
        ({ acknowledgedAt }) => acknowledgedAt !== undefined,
      ).length;
      expect(acknowledged).toBeGreaterThan(IN_FLIGHT * 4);
      tell(`${acknowledged} events acknowledged, ${recorded.entries.length} writes and flushes recorded`);

      await expectWholeRecording(fixture, folder, recorded);

      const crashes: Crash[] = [];
      for (const [index, plan] of choosePlans(recorded, CRASHES).entries()) {
        crashes.push(await makeCrash(fixture, folder, recorded, plan, `crash-${index}.raw`));
      }
      await verifyTogether(fixture, folder, recorded, crashes);
      for (const crash of crashes.slice(-BOOTED)) await bootAfter(fixture, folder, recorded, crash);
      for (const { disk } of crashes) rmSync(disk);
    },
    TEST_MS,
  );
});

/** Runs the installed system with its disk recorded while a client appends. */
async function record(fixture: InstalledFixture, folder: string): Promise<Recorded> {
  const log = join(folder, 'writes.log');
  const port = await freePort();
  copyFileSync(fixture.variables, join(folder, 'variables.fd'));
  writeFileSync(log, '');
  const disk = await overlayOf(fixture, join(folder, 'recorded.qcow2'));
  const vm = await testVm({
    name: 'recorded machine',
    folder: join(folder, 'recorded'),
    disks: [{ ...disk, recordTo: log }],
    firmwareVariables: join(folder, 'variables.fd'),
    network: { isolated: true, forwards: [{ hostPort: port, guestPort: WIRE_PORT }] },
  });
  const connection = connectionString(fixture.secrets.adminToken, port, fixture.fingerprint);
  const client = await connectWhenReady(vm, connection, READY_SECONDS);
  const issued = await appendForAWhile({
    client,
    recording: log,
    events: EVENTS,
    seconds: APPEND_SECONDS_MAX,
    inFlight: IN_FLIGHT,
  });
  await vm.quit();
  await client.close();
  return { disk: disk.path, log, entries: readRecording(log), issued };
}

/** With all of its writes the disk is as the machine left it; a recording that lacks some would prove nothing. */
async function expectWholeRecording(
  fixture: InstalledFixture,
  folder: string,
  recorded: Recorded,
): Promise<void> {
  const last = recorded.entries.length - 1;
  const plan: CrashPlan = { point: { flush: last, last }, seed: 0, grain: 'write' };
  const { disk } = await makeCrash(fixture, folder, recorded, plan, 'everything.raw');
  expect(await sameContent(disk, recorded.disk)).toBe(true);
  rmSync(disk);
}

/** Cuts spread over the time in which events were acknowledged, each right before a flush, by turns whole writes and single sectors lost. */
function choosePlans({ entries, issued }: Recorded, count: number): CrashPlan[] {
  const [from, to] = [issued[0]!.sentAt, issued.at(-1)!.sentAt];
  const points = crashPoints(entries).filter(({ flush, last }) => {
    const end = entries[last]?.end ?? 0;
    return end >= from && end <= to && last > flush;
  });
  expect(points.length).toBeGreaterThan(count);
  return Array.from({ length: count }, (_, index) => ({
    point: points[Math.floor(((index + 0.5) * points.length) / count)]!,
    seed: 1000 + index,
    grain: index % 2 === 0 ? 'write' : 'sector',
  }));
}

async function makeCrash(
  fixture: InstalledFixture,
  folder: string,
  { log, entries }: Recorded,
  plan: CrashPlan,
  name: string,
): Promise<Crash> {
  const disk = join(folder, name);
  await copySparse(fixture.disk, disk);
  writeCrashDisk(disk, log, survivingRanges(entries, plan));
  return { disk, plan, recordedBytes: entries[plan.point.last]!.end };
}

/** All crash disks in one machine that mounts them, verifies their logs and serves their databases. */
async function verifyTogether(
  fixture: InstalledFixture,
  folder: string,
  { issued }: Recorded,
  crashes: readonly Crash[],
): Promise<void> {
  const { vm, ports, reports } = await startVerifier(
    artefacts(),
    folder,
    crashes.map(({ disk }) => disk),
  );
  for (const [index, { plan, recordedBytes }] of crashes.entries()) {
    expect({ plan, report: reports[index] }).toEqual({
      plan,
      report: { found: 0, recovered: 0, serves: true },
    });
    const client = await connect(
      connectionString(fixture.secrets.adminToken, ports[index]!, fixture.fingerprint),
    );
    const found = await expectNothingLost(client, issued, recordedBytes);
    tell(`cut ${index} (after flush ${plan.point.flush}, seed ${plan.seed}, ${plan.grain}): ${found} events`);
    await client.close();
  }
  await vm.quit();
}

/** The machine itself on a crash disk: starts, serves, takes the next event. */
async function bootAfter(
  fixture: InstalledFixture,
  folder: string,
  { issued }: Recorded,
  { disk, recordedBytes, plan }: Crash,
): Promise<void> {
  const port = await freePort();
  const firmwareVariables = `${disk}.variables`;
  copyFileSync(fixture.variables, firmwareVariables);
  const vm = await testVm({
    name: `start after the cut with seed ${plan.seed}`,
    folder: join(folder, `started-${plan.seed}`),
    disks: [
      { id: 'disk0', path: disk, format: 'raw', bus: fixture.bus, serial: fixture.serial, bootIndex: 0 },
    ],
    firmwareVariables,
    network: { isolated: true, forwards: [{ hostPort: port, guestPort: WIRE_PORT }] },
  });
  const connection = connectionString(fixture.secrets.adminToken, port, fixture.fingerprint);
  const client = await connectWhenReady(vm, connection, READY_SECONDS);
  await expectNothingLost(client, issued, recordedBytes);
  const { duplicate } = await client.append(
    'cut/next',
    { type: 'after', data: { number: -1 } },
    { expected: 'none' },
  );
  expect(duplicate).toBe(false);
  await client.close();
  await vm.quit();
}
