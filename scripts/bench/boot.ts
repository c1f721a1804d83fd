/**
 * `bench boot`: the installed appliance against a plain Debian, in the same virtual machine, turn by turn.
 *
 * Measured from kernel entry, because firmware and boot loader are not ours: the appliance until /readyz says yes over
 * the network, which is after recovery, Debian until multi-user.target. Kernel
 * entry is seen from outside, as the moment the processor runs the kernel's own text, for both alike.
 */
import { copyFileSync } from 'node:fs';
import { get } from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findArtefacts } from '../appliance/artefacts.ts';
import { HTTP_PORT } from '../appliance/database.ts';
import { type InstalledFixture, installedFixture, overlayOf } from '../appliance/fixture.ts';
import { createOverlay, DIST, freePort, startVm, type VmOptions } from '../vm/index.ts';
import { kernelEntry } from '../vm/kernel-entry.ts';
import { atMost, type Bench, type BenchContext, type BenchResult, median } from './bench.ts';
import { debianImage, MULTI_USER_MARK } from './debian-image.ts';

/** Emulation everywhere, so that machines with and without KVM can be compared. */
const ACCELERATION = 'tcg';
const ROUNDS = 3;
const START_SECONDS_MAX = 300;
const RATIO_MAX = 0.5;
const POLL_MS = 50;

interface Start {
  /** Seconds from kernel entry to the goal. */
  readonly fromKernel: number;
  /** Seconds from power-on to the goal. */
  readonly fromPowerOn: number;
}

export const boot: Bench = {
  name: 'boot',
  summary: 'Start of the installed appliance against a plain Debian in the same virtual machine.',
  run: measure,
};

async function measure(context: BenchContext): Promise<BenchResult> {
  const { progress } = context;
  const fixture = await installedFixture(findArtefacts(DIST), progress);
  const debian = await debianImage(progress);
  const starts: { ours: Start[]; theirs: Start[] } = { ours: [], theirs: [] };
  for (let round = 1; round <= ROUNDS; round += 1) {
    context.signal.throwIfAborted();
    const ours = await startOurs(fixture, context.directory);
    const theirs = await startTheirs(debian, context.directory);
    progress(
      `round ${round} of ${ROUNDS}: appliance ${seconds(ours.fromKernel)} s, Debian ${seconds(theirs.fromKernel)} s`,
    );
    starts.ours.push(ours);
    starts.theirs.push(theirs);
  }
  return report(starts.ours, starts.theirs);
}

function report(ours: readonly Start[], theirs: readonly Start[]): BenchResult {
  const row = (system: string, goal: string, list: readonly Start[]) => ({
    system,
    goal,
    acceleration: ACCELERATION,
    rounds: list.length,
    from_kernel_s: seconds(median(list.map(({ fromKernel }) => fromKernel))),
    from_power_on_s: seconds(median(list.map(({ fromPowerOn }) => fromPowerOn))),
  });
  // A busy moment of the host hits both sides of a round: the ratio is taken round by round.
  const ratios = ours.map(({ fromKernel }, round) => fromKernel / theirs[round]!.fromKernel);
  return {
    rows: [
      row('TruthDB appliance', '/readyz says yes', ours),
      row('Debian bookworm', 'multi-user.target', theirs),
    ],
    aims: [atMost('appliance / Debian, from kernel entry', RATIO_MAX, median(ratios))],
  };
}

async function startOurs(fixture: InstalledFixture, folder: string): Promise<Start> {
  const port = await freePort();
  const firmwareVariables = join(folder, 'ours-variables.fd');
  copyFileSync(fixture.variables, firmwareVariables);
  const disk = await overlayOf(fixture, join(folder, 'ours.qcow2'));
  const network = { isolated: true, forwards: [{ hostPort: port, guestPort: HTTP_PORT }] };
  return timeStart({ name: 'appliance', folder, disks: [disk], firmwareVariables, network }, async (vm) => {
    const end = performance.now() + START_SECONDS_MAX * 1000;
    while (!(await isReady(port))) {
      if (performance.now() > end || !vm.running) throw await vm.failure('/readyz never said yes');
      await sleep(POLL_MS);
    }
  });
}

/** Asks once. Whose certificate it is does not matter here. */
function isReady(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const options = {
      host: '127.0.0.1',
      port,
      path: '/readyz',
      rejectUnauthorized: false,
      timeout: 2000,
      agent: false,
    };
    const request = get(options, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.once('timeout', () => request.destroy());
    request.once('error', () => resolve(false));
  });
}

async function startTheirs(image: string, folder: string): Promise<Start> {
  const path = join(folder, 'theirs.qcow2');
  await createOverlay(path, image, 'raw');
  const disk = { id: 'disk0', path, format: 'qcow2', bus: 'virtio', bootIndex: 0 } as const;
  const network = { isolated: true, forwards: [] };
  return timeStart({ name: 'debian', folder, disks: [disk], network }, async (vm) => {
    await vm.waitForLog(new RegExp(MULTI_USER_MARK), START_SECONDS_MAX);
  });
}

async function timeStart(
  options: VmOptions,
  goal: (vm: Awaited<ReturnType<typeof startVm>>) => Promise<void>,
): Promise<Start> {
  const vm = await startVm({ ...options, acceleration: ACCELERATION });
  try {
    const entry = await kernelEntry(vm, START_SECONDS_MAX);
    await goal(vm);
    const end = performance.now();
    return { fromKernel: (end - entry) / 1000, fromPowerOn: (end - vm.startedAt) / 1000 };
  } finally {
    await vm.kill();
  }
}

function seconds(value: number): number {
  return Number(value.toFixed(2));
}
