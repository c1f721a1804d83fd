/**
 * `npm run appliance`: from the sources to a database that answers, in one command. Builds the image, installs it onto a
 * virtual disk from its own ISO, boots that disk without the ISO, imports sample events over the network, reads them
 * back, says how to connect, and stays up until Ctrl-C. An interrupted run goes on where it stopped.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Artefacts, fileDigest, findArtefacts } from './appliance/artefacts.ts';
import { bootAppliance, type RunningAppliance } from './appliance/boot.ts';
import { importSample, readSampleBack } from './appliance/database.ts';
import { DISK_SERIAL, newDisk, putDiskAside } from './appliance/disk.ts';
import { ANSWER_ITEM, answerText, installUnattended, keepVariables } from './appliance/install.ts';
import { connectTerminal, terminalProblem } from './appliance/interactive.ts';
import { type ApplianceOptions, parseOptions, USAGE } from './appliance/options.ts';
import { makeSecrets } from './appliance/secrets.ts';
import { type InstalledState, nextStage, readState, writeState } from './appliance/state.ts';
import { howToConnect } from './appliance/summary.ts';
import { buildAll, cacheRoot } from './build.ts';
import { printProgress } from './progress.ts';
import { runScript } from './run.ts';
import { makeSample } from './sample/index.ts';
import { chooseAcceleration, DIST, REPOSITORY, startVm } from './vm/index.ts';

const POWER_OFF_SECONDS = 30;
const say = printProgress('appliance');

interface Run {
  readonly folder: string;
  readonly artefacts: Artefacts;
  /** SHA-256 of the ISO as built now. */
  readonly image: string;
  readonly options: ApplianceOptions;
}

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    console.log(USAGE);
    return 0;
  }
  const options = parseOptions(args);
  if (typeof options === 'string') return misused(options);
  const problem = options.interactive ? terminalProblem(process.stdin, process.stdout) : undefined;
  if (problem !== undefined) return misused(problem);

  say((await chooseAcceleration()).reason);
  await buildAll({ dist: DIST, cacheDir: cacheRoot, progress: printProgress });
  const artefacts = findArtefacts(DIST);
  // A check must neither meet nor spoil the disk somebody works with.
  const folder = join(DIST, options.headlessCheck ? 'appliance-check' : 'appliance');
  if (options.fresh || (options.headlessCheck && !options.keep))
    rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const run: Run = { folder, artefacts, image: await fileDigest(artefacts.unattendedIso), options };
  const state = await installed(run);
  return state === undefined ? 1 : serve(run, state);
}

function misused(problem: string): number {
  console.error(`appliance: ${problem}\n\n${USAGE}`);
  return 64;
}

/** The disk of an earlier run when it will do, else a new installation; undefined when the person left it. */
async function installed(run: Run): Promise<InstalledState | undefined> {
  const earlier = readState(run.folder);
  if (nextStage(earlier, run.image, run.options.keep) !== 'install') {
    say(`going on with the disk installed at ${earlier?.installed.at}`);
    return earlier;
  }
  const aside = earlier === undefined ? undefined : putDiskAside(run.folder);
  if (aside !== undefined)
    say(`the image has changed since the disk was installed; the old disk is now ${aside}`);
  const done = run.options.interactive ? await installByHand(run) : await installByAnswer(run);
  if (done === undefined) return undefined;
  const state: InstalledState = { version: 1, image: run.image, ...done };
  writeState(run.folder, state);
  return state;
}

type Installed = Pick<InstalledState, 'secrets' | 'installed'>;

async function installByAnswer({ folder, artefacts }: Run): Promise<Installed> {
  const secrets = makeSecrets();
  const disk = newDisk(folder);
  say(`installing on a new virtual disk, ${disk.path}`);
  const { fingerprint, seconds } = await installUnattended({
    unattendedIso: artefacts.unattendedIso,
    folder,
    disks: [disk],
    fwCfg: { [ANSWER_ITEM]: answerText({ disk: { serial: DISK_SERIAL }, secrets, hostname: 'truthdb' }) },
    progress: (line) => say(`installer: ${line}`),
  });
  say(`installed in ${seconds.toFixed(0)} s`);
  return { secrets, installed: { fingerprint, at: new Date().toISOString() } };
}

async function installByHand({ folder, artefacts }: Run): Promise<Installed | undefined> {
  say('the installer comes up in this terminal: Ctrl-] leaves; choose "Power off" at its end to go on here');
  const vm = await startVm({
    name: 'install',
    folder,
    disks: [newDisk(folder)],
    medium: { path: artefacts.iso, as: 'cdrom', bootIndex: 9 },
    // Or the installer would warn of a machine that cannot be reached.
    network: { isolated: true, forwards: [] },
    attended: true,
    extraArgs: ['-no-reboot'],
  });
  const { machineOff, connection } = await connectTerminal(vm).finally(() => vm.kill());
  if (!machineOff || connection === undefined) {
    say('the installation was not completed: run the same again to start over');
    return undefined;
  }
  keepVariables(folder);
  const { adminToken, fingerprint } = connection;
  return {
    secrets: { operatorPassword: '', adminToken },
    installed: { fingerprint, at: new Date().toISOString() },
  };
}

/** Boots, fills, tells, waits, powers off. */
async function serve(run: Run, state: InstalledState): Promise<number> {
  const appliance = await bootAppliance({ folder: run.folder, state, progress: say });
  try {
    await fill(run, state, appliance);
    console.log(howToConnect({ appliance, state, folder: run.folder }));
    if (!run.options.headlessCheck) await untilInterrupted(appliance);
    say('powering off');
    await appliance.client.close();
    await appliance.vm.powerdown(POWER_OFF_SECONDS);
    say('off');
    return 0;
  } finally {
    await appliance.vm.kill();
  }
}

/** Imports the sample unless an earlier run did; then others may have appended since, and there is nothing to compare. */
async function fill(run: Run, state: InstalledState, appliance: RunningAppliance): Promise<void> {
  if (state.imported !== undefined) {
    say(`${state.imported.events} sample events were imported by an earlier run`);
    return;
  }
  const sample = await makeSample(REPOSITORY, run.folder);
  say(`importing ${sample.description}`);
  await importSample(run.artefacts.binary, appliance.connection, sample);
  const { events, streams } = await readSampleBack(appliance.client, sample);
  say(`read back ${events} events in ${streams} streams: all as they went in`);
  writeState(run.folder, { ...state, imported: { events, sample: sample.description } });
}

async function untilInterrupted({ vm }: RunningAppliance): Promise<void> {
  say('running; Ctrl-C powers it off');
  const interrupted = new Promise<'interrupted'>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve('interrupted'));
  });
  const end = await Promise.race([interrupted, vm.ended]);
  if (end !== 'interrupted') throw await vm.failure(`the machine stopped by itself: QEMU ${end}`);
}

await runScript('appliance', main);
