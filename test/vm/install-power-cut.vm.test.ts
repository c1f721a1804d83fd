/**
 * Power cuts during an installation, all taken from one recorded run over a disk with another system on it. At every flush
 * the disk is what is certain by then, and any part of what was written since.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { ESP_TYPE_GUID } from '../../installer/partition-types.ts';
import { connectionString, connectWhenReady, WIRE_PORT } from '../../scripts/appliance/database.ts';
import { DISK_BYTES } from '../../scripts/appliance/disk.ts';
import { ANSWER_ITEM, answerText, installUnattended } from '../../scripts/appliance/install.ts';
import { makeSecrets, type Secrets } from '../../scripts/appliance/secrets.ts';
import {
  type CrashPlan,
  crashPoints,
  survivingRanges,
  unflushedRanges,
  writeCrashDisk,
} from '../../scripts/vm/crash-disk.ts';
import { CrashReplay, readRecording } from '../../scripts/vm/crash-replay.ts';
import { copySparse, freePort, type Vm, type VmDisk } from '../../scripts/vm/index.ts';
import type { RecordedWrite } from '../../scripts/vm/log-writes.ts';
import { contentsOf } from './harness/contents.ts';
import {
  type Installation,
  PHASES,
  type Phase,
  phaseOf,
  type Verdict,
} from './harness/installation-phase.ts';
import { ALL, artefacts, tell, testFolder, testVm } from './harness/machine.ts';
import { extractPartition, findDifference, listEsp, readGpt } from './harness/offline.ts';
import { makeOtherSystem, OTHER_SYSTEM } from './harness/other-system.ts';

const run = promisify(execFile);
const SERIAL = 'POWER-CUT';
/** What the firmware says when it has looked at the disk and found no loader. */
const NOTHING_TO_START = /failed to load Boot\d+ "UEFI Misc Device" from .*: Not Found/;
/** What the installed system says when this firmware, which asks for no type, has started it from an unmarked disk. */
const REFUSED =
  /this system cannot start: the disk with the ESP \S+, from which the firmware booted, did not appear/;
const READY_SECONDS = 300;
const LONG_MS = ALL ? 3_600_000 : 900_000;
/** Crash disks between two flushes, each with another part of the writes between them. */
const CHANCES = ALL ? 12 : 3;
/** Above it, single sectors are too many to draw lots for. */
const SECTOR_GRAIN_BYTES_MAX = 2 ** 24;

interface Recorded extends Installation {
  readonly recording: string;
  readonly entries: readonly RecordedWrite[];
  readonly secrets: Secrets;
  readonly fingerprint: string;
  /** Title of each step, and bytes in the recording when it was shown. */
  readonly steps: readonly { readonly title: string; readonly from: number }[];
}

interface Cut {
  readonly plan: CrashPlan;
  readonly step: string;
  readonly verdict: Verdict;
}

let recorded: Recorded;
let cuts: readonly Cut[];

beforeAll(async () => {
  recorded = await record(testFolder('install-power-cut'));
  cuts = await walk(recorded);
  tellCuts(cuts);
});

describe('a disk on which the power cut an installation off', () => {
  test('is the old one, one that nothing starts from, or a complete one, wherever the cut came', () => {
    expect(cuts.filter(({ verdict }) => verdict.phase === 'forbidden')).toEqual([]);
    expect(new Set(cuts.map(({ verdict }) => verdict.phase))).toEqual(new Set(PHASES));
  });

  test('never goes back: what a flush has made certain bounds what a later cut may leave', () => {
    const certain = cuts.filter(isCertain).map(rankOf);
    expect(certain).toEqual(certain.toSorted((a, b) => a - b));
    for (const [index, cut] of cuts.entries()) {
      const bounds = [cuts.slice(0, index + 1).findLast(isCertain), cuts.slice(index).find(isCertain)];
      const [least = 0, most = PHASES.length - 1] = bounds.map((bound) => bound && rankOf(bound));
      expect({ cut, within: least <= rankOf(cut) && rankOf(cut) <= most }).toEqual({ cut, within: true });
    }
  });

  test(
    'starts what its phase says: the old system, nothing, the database',
    async () => {
      for (const cut of ALL ? oneOfEachStep(cuts) : PHASES.map(lastOf)) await startAfter(cut);
    },
    LONG_MS,
  );

  test(
    'takes an installation from the beginning',
    async () => {
      const unfinished = ALL
        ? oneOfEachStep(cuts).filter(({ verdict }) => verdict.phase === 'not bootable')
        : [cutOf('no partition table'), cutOf('no EFI system partition')];
      for (const cut of unfinished) await installAgain(cut);
    },
    LONG_MS,
  );
});

function rankOf({ verdict }: Cut): number {
  return verdict.phase === 'forbidden' ? -1 : PHASES.indexOf(verdict.phase);
}

/** At a flush, with nothing written since. */
function isCertain({ plan }: Cut): boolean {
  return plan.point.last === plan.point.flush;
}

/** The last cut of a phase is where the disk is nearest to the next. */
function lastOf(phase: Phase): Cut {
  const found = cuts.findLast(
    ({ verdict }) => verdict.phase === phase && verdict.dependsOnFirmware === undefined,
  );
  if (found === undefined) throw new Error(`no cut leaves the disk ${phase}`);
  return found;
}

function cutOf(why: string): Cut {
  const found = cuts.findLast(({ verdict }) => verdict.why === why);
  if (found === undefined) throw new Error(`no cut leaves ${why}`);
  return found;
}

function oneOfEachStep(among: readonly Cut[]): Cut[] {
  const kinds = among.map(({ step, verdict }) => `${step} ${verdict.phase} ${verdict.why}`);
  return among.filter((_, index) => kinds.lastIndexOf(kinds[index]!) === index);
}

/** Installs over another system with the disk recorded. */
async function record(folder: string): Promise<Recorded> {
  const [before, after] = [join(folder, 'before.raw'), join(folder, 'after.raw')];
  await makeOtherSystem(before, DISK_BYTES, folder);
  await copySparse(before, after);
  const recording = join(folder, 'writes.log');
  writeFileSync(recording, '');
  const secrets = makeSecrets();
  const steps: { title: string; from: number }[] = [];
  const { fingerprint, seconds } = await installUnattended({
    unattendedIso: artefacts().unattendedIso,
    folder: join(folder, 'recorded'),
    disks: [{ ...diskAt(after), recordTo: recording }],
    fwCfg: { [ANSWER_ITEM]: await answerFor(before, folder, secrets) },
    progress: (line) => {
      const title = /step \d+\/\d+: (.*)/.exec(line)?.[1];
      if (title !== undefined && title !== steps.at(-1)?.title)
        steps.push({ title, from: statSync(recording).size });
    },
  });
  const entries = readRecording(recording);
  tell(`installed in ${seconds.toFixed(0)} s, ${entries.length} writes and flushes recorded`);
  return { before, after, folder, recording, entries, secrets, fingerprint, steps };
}

/** Behind the medium in the boot order: what is on it would start otherwise. */
function diskAt(path: string): VmDisk {
  return { id: 'disk0', path, format: 'raw', bus: 'virtio', serial: SERIAL };
}

async function answerFor(disk: string, folder: string, secrets: Secrets): Promise<string> {
  const { fingerprint, state, summary } = await contentsOf(disk, folder);
  tell(`the disk before: ${summary}, ${fingerprint}`);
  return answerText({
    disk: { serial: SERIAL, ...(state === 'empty' ? {} : { contentFingerprint: fingerprint }) },
    secrets,
  });
}

/** Every flush, and between each two of them several ways a cut may go, judged in their order. */
async function walk(recorded: Recorded): Promise<Cut[]> {
  const { folder, before, after, recording, entries } = recorded;
  const walked = join(folder, 'walked.raw');
  await copySparse(before, walked);
  const replay = new CrashReplay(walked, recording, entries);
  const cuts: Cut[] = [];
  for (const point of crashPoints(entries)) {
    replay.advance(point);
    for (const plan of plansAt(point, entries)) {
      const verdict = await replay.during(unflushedRanges(entries, plan), (disk) => phaseOf(disk, recorded));
      cuts.push({ plan, verdict, step: stepAt(recorded, plan) });
    }
  }
  replay.advance({ flush: entries.length - 1, last: entries.length - 1 });
  replay.close();
  // A recording that lacks a write would prove nothing.
  expect(await findDifference(walked, after, { start: 0, end: DISK_BYTES })).toBeUndefined();
  return cuts;
}

function plansAt(point: CrashPlan['point'], entries: readonly RecordedWrite[]): CrashPlan[] {
  const { flush, last } = point;
  const certain: CrashPlan = { point: { flush, last: flush }, seed: 0, grain: 'write' };
  if (last === flush) return [certain];
  const bytes = entries.slice(flush + 1, last + 1).reduce((sum, { length }) => sum + length, 0);
  const chances = Array.from(
    { length: CHANCES },
    (_, chance): CrashPlan => ({
      point,
      seed: 1000 * (flush + 2) + chance,
      grain: chance % 2 === 0 || bytes > SECTOR_GRAIN_BYTES_MAX ? 'write' : 'sector',
    }),
  );
  return [certain, ...chances];
}

function stepAt({ entries, steps }: Recorded, { point }: CrashPlan): string {
  const bytes = entries[point.last]?.end ?? 0;
  return steps.findLast(({ from }) => from <= bytes)?.title ?? 'before the first step';
}

function tellCuts(cuts: readonly Cut[]): void {
  const counts = new Map<string, number>();
  for (const { step, verdict } of cuts) {
    const line = `${step}: ${verdict.phase} (${verdict.why.replaceAll(/\d{4,}/g, 'N')})`;
    counts.set(line, (counts.get(line) ?? 0) + 1);
  }
  for (const [line, count] of counts) tell(`${count} cuts in ${line}`);
}

/** The disk as that cut leaves it, in a folder for a machine of its own. */
async function cutDisk({ plan }: Cut, name: string): Promise<{ disk: VmDisk; folder: string }> {
  const { before, recording, entries } = recorded;
  const folder = join(recorded.folder, `${name}-${plan.point.flush}-${plan.seed}`);
  mkdirSync(folder);
  const disk = diskAt(join(folder, 'disk.raw'));
  await copySparse(before, disk.path);
  writeCrashDisk(disk.path, recording, survivingRanges(entries, plan));
  return { disk, folder };
}

/** Lets the firmware, as it comes from the factory, look for something to start. */
async function startAfter(cut: Cut): Promise<void> {
  const { disk, folder } = await cutDisk(cut, 'started');
  const port = await freePort();
  const vm = await testVm({
    name: `start after ${describeCut(cut)}`,
    folder,
    disks: [disk],
    network: { isolated: true, forwards: [{ hostPort: port, guestPort: WIRE_PORT }] },
  });
  const { phase, dependsOnFirmware } = cut.verdict;
  if (phase === 'complete') await appendTo(vm, port);
  else if (phase === 'not bootable' && dependsOnFirmware) await vm.waitForLog(REFUSED, READY_SECONDS);
  else if (phase === 'untouched' && !dependsOnFirmware) await vm.waitForScreen(OTHER_SYSTEM, READY_SECONDS);
  else await vm.waitForLog(NOTHING_TO_START, READY_SECONDS);
  await vm.quit();
  rmSync(disk.path);
}

async function appendTo(vm: Vm, port: number): Promise<void> {
  const { secrets, fingerprint } = recorded;
  const client = await connectWhenReady(
    vm,
    connectionString(secrets.adminToken, port, fingerprint),
    READY_SECONDS,
  );
  const { duplicate } = await client.append('first', { type: 'event', data: {} }, { expected: 'none' });
  expect(duplicate).toBe(false);
  await client.close();
}

async function installAgain(cut: Cut): Promise<void> {
  const { disk, folder } = await cutDisk(cut, 'again');
  const { seconds } = await installUnattended({
    unattendedIso: artefacts().unattendedIso,
    folder,
    disks: [disk],
    fwCfg: { [ANSWER_ITEM]: await answerFor(disk.path, folder, makeSecrets()) },
    progress: () => undefined,
  });
  tell(`installed again in ${seconds.toFixed(0)} s after ${describeCut(cut)}`);
  const { truthdb } = await contentsOf(disk.path, folder);
  expect(truthdb).toBe('data');
  const { partitions } = (await readGpt(disk.path))!;
  const [esp, state, data] = [1, 6, 7].map((number) => partitions[number - 1]!);
  expect(esp!.type).toBe(ESP_TYPE_GUID);
  expect(await listEsp(disk.path, esp!)).toContain('/EFI/BOOT/BOOTX64.EFI');
  await run('e2fsck', ['-fn', await extractPartition(disk.path, state!, join(folder, 'state'))]);
  await run('xfs_repair', ['-n', '-f', await extractPartition(disk.path, data!, join(folder, 'data'))]);
  rmSync(folder, { recursive: true });
}

function describeCut({ plan, step, verdict }: Cut): string {
  return `a cut in "${step}" (flush ${plan.point.flush}, seed ${plan.seed}, ${plan.grain}): ${verdict.phase}, ${verdict.why}`;
}
