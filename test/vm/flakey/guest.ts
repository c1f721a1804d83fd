/**
 * The flakey machine's program, the only one beside the product: carries out the plan and reports each cut. It runs on the
 * Debian kernel of harness/flakey-base.ts, bundled into the initramfs by harness/flakey-machine.ts.
 *
 * In: /plan.json. Out: a JSON line for each cut and one for the end, on the second serial line; the first is for people.
 */
import { mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { MOUNT_POINT, runCut } from './cuts.ts';
import type { CutReport, End, Plan } from './plan.ts';
import { runRecording } from './recording.ts';

const reports = openSync('/dev/ttyS1', 'w');

function say(line: CutReport | End): void {
  writeSync(reports, `${JSON.stringify(line)}\n`);
}

async function main(): Promise<void> {
  const { runs } = JSON.parse(readFileSync('/plan.json', 'utf8')) as Plan;
  mkdirSync(MOUNT_POINT);
  for (const planned of runs) {
    console.log(`FLAKEY ${planned.kind} with seed ${planned.seed}`);
    if (planned.kind === 'log-writes') await runRecording(planned, say);
    else say(await runCut(planned));
  }
}

const failure = await main().then(
  () => null,
  (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error)),
);
say({ end: true, failure });
process.exit(0);
