/**
 * `npm run bench -- NAME [--json] [--directory=DIR]`: runs one benchmark, prints its table, or with --json one object for
 * programs. It works in a new directory below DIR (dist/ by default). Without a name it lists them. A missed aim is a result, not a failure: the exit status tells only whether it ran.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
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
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // The second time at once: what the benchmark started ends with this process.
      if (stop.signal.aborted) process.exit(130);
      stop.abort(new Error('interrupted'));
    });
  }
  const parent = flagValue(args, '--directory') ?? DIST;
  mkdirSync(parent, { recursive: true });
  const directory = mkdtempSync(join(resolve(parent), `bench-${name}-`));
  try {
    const result = await bench.run({
      args: args.filter(
        (argument) => argument !== name && argument !== '--json' && !argument.startsWith('--directory='),
      ),
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

/** The VALUE of `--flag=VALUE`. */
function flagValue(args: readonly string[], flag: string): string | undefined {
  return args.find((argument) => argument.startsWith(`${flag}=`))?.slice(flag.length + 1);
}

async function listing(): Promise<string> {
  const lines = ['usage: npm run bench -- NAME [--json] [--directory=DIR]', ''];
  for (const [name, load] of Object.entries(BENCHES))
    lines.push(`  ${name.padEnd(10)} ${(await load()).summary}`);
  return lines.join('\n');
}

process.exitCode = await main(process.argv.slice(2));
