/**
 * `npm test`: everything CI runs, in the order in which failures are cheapest: types, lint and house rules; unit;
 * integration; then the image is built and the virtual machine tests run on what was built.
 * Ends with one line, `N passed, N failed`, over all of them.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildAll, cacheRoot } from './build.ts';
import { buildBinary } from './build-db.ts';
import { check } from './check.ts';
import { printProgress } from './progress.ts';
import { runScript } from './run.ts';
import { repositoryRoot } from './version.ts';
import { overBudget, vmTestRun } from './vm-tests.ts';

interface Counts {
  readonly passed: number;
  readonly failed: number;
}

type Stage = 'check' | 'unit' | 'integration' | 'vm';

const STAGES: readonly Stage[] = ['check', 'unit', 'integration', 'vm'];
const dist = join(repositoryRoot, 'dist');

async function run(stage: Stage, args: readonly string[]): Promise<Counts> {
  const started = performance.now();
  process.stdout.write(`\n== ${stage}\n`);
  const counts = await runStage(stage, args);
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  process.stdout.write(`== ${stage}: ${counts.passed} passed, ${counts.failed} failed, ${seconds} s\n`);
  return counts;
}

async function runStage(stage: Stage, args: readonly string[]): Promise<Counts> {
  if (stage === 'check') return (await check()) ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
  if (stage === 'integration') await buildBinary({ dist, progress: printProgress('binary') });
  if (stage === 'vm') return runVmTests(args);
  return vitest(stage, args, {});
}

async function runVmTests(args: readonly string[]): Promise<Counts> {
  await buildAll({ dist, cacheDir: cacheRoot, progress: printProgress });
  const { args: rest, environment, limited } = vmTestRun(args);
  const started = performance.now();
  const counts = await vitest('vm', rest, environment);
  const late = limited ? overBudget((performance.now() - started) / 1000) : undefined;
  if (late === undefined) return counts;
  process.stdout.write(`FAILED ${late}\n`);
  return { ...counts, failed: counts.failed + 1 };
}

function vitest(
  project: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<Counts> {
  const report = join(dist, 'test', `${project}.json`);
  mkdirSync(join(dist, 'test'), { recursive: true });
  rmSync(report, { force: true });
  const vitestArgs = [
    'run',
    '--project',
    project,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ];
  return new Promise((resolve, reject) => {
    const child = spawn(join(repositoryRoot, 'node_modules', '.bin', 'vitest'), [...vitestArgs, ...args], {
      cwd: repositoryRoot,
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    child.on('error', reject);
    child.on('close', (code) => resolve(countsOf(report, code === 0)));
  });
}

/** A run that died without a report, or failed outside any test, still counts as one failure. */
function countsOf(report: string, clean: boolean): Counts {
  if (!existsSync(report)) return { passed: 0, failed: 1 };
  const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, 'utf8')) as {
    numPassedTests: number;
    numFailedTests: number;
  };
  return { passed: numPassedTests, failed: clean ? numFailedTests : Math.max(1, numFailedTests) };
}

async function main([first, ...rest]: string[]): Promise<number> {
  const chosen = STAGES.find((stage) => stage === first);
  if (first !== undefined && chosen === undefined) {
    process.stderr.write(
      `test: "${first}" is not a stage; known are ${STAGES.join(', ')}, or none for all\n`,
    );
    return 64;
  }
  let passed = 0;
  let failed = 0;
  for (const stage of chosen === undefined ? STAGES : [chosen]) {
    const counts = await run(stage, rest);
    passed += counts.passed;
    failed += counts.failed;
    // Building and booting an image of code that already fails costs twenty minutes and says nothing new.
    if (failed > 0 && stage !== 'check') break;
  }
  process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

await runScript('test', main);
