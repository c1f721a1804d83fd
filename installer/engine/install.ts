/** One installation from the lock to the commit record: runs the steps in order, reports, and cleans up after a failure. */

import { randomUUID } from 'node:crypto';
import { withDeadline } from '../deadline.ts';
import type { Disk } from '../disks/disk.ts';
import { asInstallError, InstallError } from '../errors.ts';
import type { Host } from '../host.ts';
import type { InstallPlan, TypedWords } from '../plan.ts';
import type { InstallFailure, InstallOutcome, InstallProgress } from '../session/state.ts';
import { overallProgress, planSteps, type Step, type StepName } from '../steps/index.ts';
import { eraseTables, perform, type Run } from './actions.ts';
import type { Log } from './log.ts';

/**
 * Last resort against standing still: single reads, writes and programs have shorter limits, but a file system on a disk that was
 * pulled out may hang anywhere. A USB stick that writes 4 MB a second still gets its image written.
 */
const ACTION_TIMEOUT_MS = 20 * 60_000;

export interface InstallOptions {
  readonly host: Host;
  /** Reads the disks without waiting for udev: it runs while the disk is locked. */
  readonly inventory: () => Promise<readonly Disk[]>;
  readonly log: Log;
  readonly mountRoot: string;
  readonly onProgress: (progress: InstallProgress) => void;
  /** Called before each action; a test throws from it to see what a failure there leaves behind. */
  readonly beforeAction?: (step: StepName, action: number) => void;
}

export type InstallResult =
  | { readonly ok: true; readonly outcome: InstallOutcome }
  | { readonly ok: false; readonly failure: InstallFailure };

/** @param typed What was typed to confirm; undefined when an answer file named disk and content. */
export async function install(
  plan: InstallPlan,
  typed: TypedWords | undefined,
  options: InstallOptions,
): Promise<InstallResult> {
  const { log } = options;
  const run: Run = {
    plan,
    typed,
    host: options.host,
    inventory: options.inventory,
    machineId: randomUUID().replaceAll('-', ''),
    mountRoot: options.mountRoot,
    logLines: async () => log.lines(),
    lock: undefined,
    writing: false,
    sshFingerprint: undefined,
    database: undefined,
  };
  const warnings: string[] = [];
  const steps = planSteps(plan);
  log.write(
    `install TruthDB ${plan.payload.version} on ${plan.disk.path}, serial ${plan.disk.serial || 'none'}, ${plan.disk.bytes} bytes`,
  );
  log.write(`on it now: ${plan.disk.contents.summary}, fingerprint ${plan.disk.contents.fingerprint}`);
  let current: Step | undefined;
  try {
    for (const [index, step] of steps.entries()) {
      current = step;
      await runStep(run, steps, index, options).catch((error: unknown) => {
        if (!step.optional) throw error;
        const { code, message } = asInstallError(error);
        log.write(`warning in step ${step.name}: ${code}: ${message}`);
        warnings.push(`${step.title}: ${message}`);
      });
    }
    log.write('done');
    return { ok: true, outcome: outcomeOf(run, warnings) };
  } catch (thrown) {
    const error = asInstallError(thrown);
    log.write(`step ${current?.name} failed: ${error.code}: ${error.message}`);
    const diskState = run.writing ? await undo(run, log) : 'Nothing was written to the disk.';
    return {
      ok: false,
      failure: { code: error.code, text: error.message, step: current?.title ?? '', diskState },
    };
  } finally {
    await run.lock?.release();
  }
}

async function runStep(
  run: Run,
  steps: readonly Step[],
  index: number,
  options: InstallOptions,
): Promise<void> {
  const step = steps[index];
  if (step === undefined) return;
  const startMs = performance.now();
  options.log.write(`step ${index + 1}/${steps.length} ${step.name}: ${step.title}`);
  const report = (fraction: number) =>
    options.onProgress({
      overall: overallProgress(steps, index, fraction),
      step: step.title,
      stepNumber: index + 1,
      stepCount: steps.length,
      stepFraction: fraction,
    });
  report(0);
  for (const [number, action] of step.actions.entries()) {
    options.beforeAction?.(step.name, number);
    const progress = (fraction: number) => report((number + fraction) / step.actions.length);
    await withDeadline(step.title, ACTION_TIMEOUT_MS, perform(run, action, progress));
    report((number + 1) / step.actions.length);
  }
  options.log.write(`step ${step.name} took ${((performance.now() - startMs) / 1000).toFixed(2)} s`);
}

/** A half-written disk must not look like one that boots. */
async function undo(run: Run, log: Log): Promise<string> {
  try {
    await eraseTables(run);
    log.write('both partition tables erased');
    return 'The disk was partly written; both of its partition tables are erased, so nothing starts from it.';
  } catch (error) {
    log.write(`erasing the partition tables failed: ${asInstallError(error).message}`);
    return 'The disk was partly written and its partition tables could NOT be erased. Disconnect it before starting the machine.';
  }
}

function outcomeOf(run: Run, warnings: readonly string[]): InstallOutcome {
  if (run.database === undefined)
    throw new InstallError('PROGRAM_FAILED', 'the database was not initialized');
  const { config } = run.plan.settings;
  return {
    version: run.plan.payload.version,
    hostname: config.hostname,
    address: config.network.mode === 'static' ? config.network.address.split('/')[0] : undefined,
    fingerprint: run.database.fingerprint,
    adminToken: run.database.adminToken,
    sshFingerprint: run.sshFingerprint,
    warnings,
  };
}
