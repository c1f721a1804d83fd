/**
 * `npm run sim`: the database on a simulated machine, one run for each seed.
 *
 *     npm run sim -- --seeds 10000 [--from N] [--threads N] [--json]     many seeds, with a line of progress
 *     npm run sim -- --seed N [--trace] [--plan JSON]                    one seed, twice, to see that it repeats
 *     npm run sim -- --canaries [--seeds N]                              planted bugs: in how many seeds each is seen
 *     npm run sim -- --kills 500                                         the real server under load, and SIGKILL
 *     npm run sim -- --strace [--each-sync]                              every state a power cut may leave of a traced run
 *
 * Exit status 1 when a property did not hold, when two runs of a seed differ, or when a planted bug was not seen.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runSeed } from '../db/sim/index.ts';
import { CANARIES, checkPatch } from './sim/canaries.ts';
import { type Recording, record } from './sim/crash-states/recording.ts';
import { brokenWithout, crashText, runCrashStates, syncPoints } from './sim/crash-states/run.ts';
import { killsText, runKills } from './sim/kill-loop.ts';
import { runSeeds } from './sim/pool.ts';
import { type Tally, tallyText } from './sim/report.ts';

const USAGE =
  'usage: npm run sim -- --seeds N [--from N] [--threads N] [--json] | --seed N [--trace] | --canaries | --kills N | --strace [--each-sync]';
const SEEDS_DEFAULT = 1000;
const CANARY_SEEDS_DEFAULT = 300;
const PROGRESS_MILLIS = 2000;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      seeds: { type: 'string' },
      from: { type: 'string', default: '1' },
      threads: { type: 'string' },
      plan: { type: 'string', default: '{}' },
      trace: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      canaries: { type: 'boolean', default: false },
      kills: { type: 'string' },
      strace: { type: 'boolean', default: false },
      'each-sync': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  if (values.strace) return crashStates(values['each-sync'], values.json);
  if (values.kills !== undefined)
    return kills(wholeNumber(values.kills), wholeNumber(values.from), values.json);
  if (values.seed !== undefined) return one(wholeNumber(values.seed), values);
  const threads = values.threads === undefined ? {} : { threads: wholeNumber(values.threads) };
  const from = wholeNumber(values.from);
  if (values.canaries)
    return canaries(wholeNumber(values.seeds ?? String(CANARY_SEEDS_DEFAULT)), from, threads, values.json);
  return many(wholeNumber(values.seeds ?? String(SEEDS_DEFAULT)), from, threads, values.json);
}

async function one(seed: number, options: { trace: boolean; plan: string; json: boolean }): Promise<number> {
  const plan: unknown = JSON.parse(options.plan);
  if (typeof plan !== 'object' || plan === null) throw new Error('--plan wants a JSON object');
  const first = await runSeed(seed, { plan, trace: options.trace });
  const second = await runSeed(seed, { plan });
  if (options.json)
    console.log(JSON.stringify({ ...first, repeats: first.digest === second.digest }, null, 2));
  else {
    for (const line of first.trace ?? []) console.log(line);
    console.log(`seed ${seed}: ${first.outcome}${first.property === null ? '' : ` (${first.property})`}`);
    if (first.detail !== '') console.log(first.detail);
    console.log(`plan ${JSON.stringify(first.plan)}`);
    console.log(`counts ${JSON.stringify(first.counts)}, ${first.operations} disk calls`);
    console.log(
      `trace ${first.digest}, again ${second.digest}${first.digest === second.digest ? '' : ': NOT THE SAME RUN'}`,
    );
  }
  return first.outcome === 'violated' || first.digest !== second.digest ? 1 : 0;
}

async function many(
  count: number,
  from: number,
  threads: { threads?: number },
  json: boolean,
): Promise<number> {
  const started = performance.now();
  const tally = await runSeeds({ from, count, ...threads, onProgress: progressLine(count, started) });
  const seconds = (performance.now() - started) / 1000;
  console.log(json ? JSON.stringify({ from, seconds, ...tally }, null, 2) : tallyText(tally, seconds));
  return tally.failures.length > 0 ? 1 : 0;
}

async function canaries(
  count: number,
  from: number,
  threads: { threads?: number },
  json: boolean,
): Promise<number> {
  const rows: { name: string; bug: string; seeds: number; caught: number; first: number | null }[] = [];
  for (const canary of CANARIES) {
    checkPatch(canary);
    const { failures, seeds } = await runSeeds({ from, count, ...threads, canary });
    const row = {
      name: canary.name,
      bug: canary.bug,
      seeds,
      caught: failures.length,
      first: failures[0]?.seed ?? null,
    };
    rows.push(row);
    if (!json)
      console.log(
        `${row.name}: seen in ${row.caught} of ${seeds} seeds${row.first === null ? '' : `, first in ${row.first}`}`,
      );
  }
  if (json) console.log(JSON.stringify(rows, null, 2));
  return rows.every(({ caught }) => caught > 0) ? 0 : 1;
}

async function kills(count: number, seed: number, json: boolean): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'truthdb-kills-'));
  const started = performance.now();
  try {
    const report = await runKills({
      kills: count,
      directory,
      seed,
      onProgress: ({ kills: done, acknowledged }) => {
        if (done % 10 === 0) console.error(`sim: ${done} of ${count} kills, ${acknowledged} acknowledged`);
      },
    });
    const seconds = Math.round((performance.now() - started) / 1000);
    console.log(json ? JSON.stringify({ seconds, ...report }) : `${killsText(report)} (${seconds} s)`);
    return 0;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function crashStates(eachSync: boolean, json: boolean): Promise<number> {
  const started = performance.now();
  const recording = record();
  let last = started;
  const report = await runCrashStates({
    recording,
    thorough: true,
    onProgress: (done, of) => {
      const now = performance.now();
      if (now - last < PROGRESS_MILLIS) return;
      last = now;
      console.error(`sim: ${done} of ${of} states`);
    },
  });
  const seconds = Math.round((performance.now() - started) / 1000);
  console.log(
    json ? JSON.stringify({ seconds, ...report }, null, 2) : `${crashText(report)}\n  ${seconds} s`,
  );
  if (eachSync) await everySync(recording);
  return report.broken.length > 0 ? 1 : 0;
}

/** Which syncs anything stands on: what is not missed without one costs only time to do again, or is another's to keep. */
async function everySync(recording: Recording): Promise<void> {
  for (const point of syncPoints(recording)) {
    const broken = await brokenWithout(recording, point);
    console.log(`${point.phase}: without ${point.name}: ${broken ?? 'nothing is missed'}`);
  }
}

function progressLine(count: number, started: number): (tally: Tally) => void {
  let last = started;
  return ({ seeds, failures }) => {
    const now = performance.now();
    if (now - last < PROGRESS_MILLIS) return;
    last = now;
    const seconds = (now - started) / 1000;
    const left = ((count - seeds) * seconds) / seeds;
    console.error(
      `sim: ${seeds} of ${count} seeds, ${failures.length} failed, ${seconds.toFixed(0)} s, about ${left.toFixed(0)} s left`,
    );
  };
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 0) throw new Error(`"${text}" is not a whole number`);
  return number;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`sim: ${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  process.exitCode = 64;
}
