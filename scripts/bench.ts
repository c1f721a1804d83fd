/**
 * `npm run bench -- NAME [--json]`: runs one benchmark, prints its table, or with --json one object for programs.
 * Without a name it lists them. A missed aim is a result, not a failure: the exit status tells only whether it ran.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describeMachine } from './bench/machine.ts';
import { BENCHES } from './bench/registry.ts';
import { reportJson, reportText } from './bench/report.ts';

const DIST = join(import.meta.dirname, '../dist');

async function main(args: readonly string[]): Promise<number> {
  const name = args.find((argument) => !argument.startsWith('-'));
  const json = args.includes('--json');
  const load = name === undefined ? undefined : BENCHES[name];
  if (name === undefined || load === undefined) {
    if (name !== undefined) console.error(`bench: there is no benchmark "${name}"`);
    console.error(await listing());
    return args.includes('--help') ? 0 : 64;
  }
  const bench = await load();
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort(new Error('interrupted')));
  mkdirSync(DIST, { recursive: true });
  const directory = mkdtempSync(join(DIST, `bench-${name}-`));
  try {
    const result = await bench.run({
      args: args.filter((argument) => argument !== name && argument !== '--json'),
      directory,
      signal: stop.signal,
      progress: (line) => console.error(`bench ${name}: ${line}`),
    });
    const machine = describeMachine(directory);
    console.log(json ? reportJson(name, machine, result) : reportText(name, machine, result));
    return 0;
  } catch (error) {
    console.error(`bench ${name}: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function listing(): Promise<string> {
  const lines = ['usage: npm run bench -- NAME [--json]', ''];
  for (const [name, load] of Object.entries(BENCHES))
    lines.push(`  ${name.padEnd(10)} ${(await load()).summary}`);
  return lines.join('\n');
}

process.exitCode = await main(process.argv.slice(2));
