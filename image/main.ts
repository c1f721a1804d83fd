/**
 * Entry of the one binary. It is multi-call: the name it is started under picks the program, so that the image carries
 * Node once. In development `--as NAME` does the same. It stands above db/ and installer/ and knows only their `main`.
 */
import { basename } from 'node:path';

type Program = (args: string[]) => Promise<number>;

// Loaded on demand: the database must not pay for the installer's screens at every start, nor the other way round.
const PROGRAMS: Readonly<Record<string, () => Promise<{ main: Program }>>> = {
  truthdb: () => import('../db/main.ts'),
  'truthdb-installer': () => import('../installer/main.ts'),
  'truthdb-appliance': () => import('./appliance.ts'),
};

async function run(): Promise<number> {
  // In a single executable argv[1] repeats the executable; under node it is this file. Arguments start at 2 in both.
  const args = process.argv.slice(2);
  let name = basename(process.argv0);
  if (args[0] === '--as') {
    name = args[1] ?? '';
    args.splice(0, 2);
  }
  // Any other name is a copy or a renamed download: the database itself.
  const load = PROGRAMS[name] ?? PROGRAMS['truthdb'];
  return load === undefined ? 70 : (await load()).main(args);
}

run().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(
      `truthdb: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exitCode = 70;
  },
);
