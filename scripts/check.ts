/** `npm run check`: types, lint, format and house rules, side by side, in well under half a minute. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { repositoryRoot } from './version.ts';

const CHECKS: readonly { name: string; command: string; args: readonly string[] }[] = [
  { name: 'types', command: '.bin/tsc', args: ['--noEmit'] },
  {
    name: 'lint and format',
    command: '@biomejs/cli-linux-x64/biome',
    args: ['check', '--error-on-warnings', '.'],
  },
  { name: 'house rules', command: '.bin/vitest', args: ['run', '--project', 'unit', 'test/house'] },
];

/** True when all hold. */
export async function check(): Promise<boolean> {
  const results = await Promise.all(CHECKS.map(run));
  return results.every((passed) => passed);
}

function run({ name, command, args }: (typeof CHECKS)[number]): Promise<boolean> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(join(repositoryRoot, 'node_modules', command), args, {
      cwd: repositoryRoot,
      env: { ...process.env, FORCE_COLOR: '0' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
    child.on('error', reject);
    child.on('close', (code) => {
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      process.stdout.write(`${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)\n`);
      if (code !== 0) process.stdout.write(Buffer.concat(output));
      resolve(code === 0);
    });
  });
}

if (import.meta.main) process.exitCode = (await check()) ? 0 : 1;
