/**
 * Entry point of the database's program: finds the subcommand, runs it, turns errors into messages and exit codes.
 * The exit code of an error is that of its code in errors.ts; 0 is success.
 */
import { COMMANDS, type CommandEntry, helpOf, parseArguments, processTerminal } from './cli/index.ts';
import { ERROR_CODES, TruthError } from './errors.ts';
import { COMMIT, VERSION } from './version.ts';

/** Runs one command line, without the program's name. Resolves to the exit code; never rejects. */
export async function main(args: string[]): Promise<number> {
  const json = args.includes('--json');
  try {
    return await dispatch(args, json);
  } catch (error) {
    return fail(error, json);
  }
}

async function dispatch(args: readonly string[], json: boolean): Promise<number> {
  const [first] = args;
  if (first === undefined || first === '--help' || first === 'help') {
    process.stdout.write(`${await overview()}\n`);
    return first === undefined ? ERROR_CODES.INVALID_ARGUMENT.exit : 0;
  }
  if (first === '--version') {
    process.stdout.write(`${await versionText(json)}\n`);
    return 0;
  }
  const { entry, rest } = findCommand(args);
  const command = await entry.load();
  if (rest.includes('--help')) {
    process.stdout.write(`${helpOf(command)}\n`);
    return 0;
  }
  return command.run(parseArguments(command, rest), processTerminal(json));
}

function findCommand(args: readonly string[]): { entry: CommandEntry; rest: readonly string[] } {
  for (const words of [2, 1]) {
    const name = args.slice(0, words).join(' ');
    const entry = COMMANDS.find((candidate) => candidate.name === name);
    if (entry !== undefined) return { entry, rest: args.slice(words) };
  }
  const group = COMMANDS.filter(({ name }) => name.startsWith(`${args[0]} `)).map(({ name }) => name);
  throw new TruthError(
    'INVALID_ARGUMENT',
    group.length > 0
      ? `truthdb ${args[0]} needs one more word: ${group.join(', ')}`
      : `there is no command "${args[0]}"; truthdb --help lists them`,
  );
}

async function overview(): Promise<string> {
  const commands = await Promise.all(COMMANDS.map(({ load }) => load()));
  const width = Math.max(...COMMANDS.map(({ name }) => name.length)) + 2;
  return [
    'truthdb COMMAND [options]',
    '',
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}`),
    '',
    'truthdb COMMAND --help explains one. truthdb --version tells what this is.',
  ].join('\n');
}

async function versionText(json: boolean): Promise<string> {
  const [{ PROTOCOL_VERSION_MAX }, { FORMAT_VERSION }] = await Promise.all([
    import('./protocol/index.ts'),
    import('./wal/format.ts'),
  ]);
  const facts = {
    version: VERSION,
    commit: COMMIT,
    node: process.versions.node,
    formats: { log: FORMAT_VERSION, protocol: PROTOCOL_VERSION_MAX },
  };
  if (json) return JSON.stringify(facts);
  return [
    `truthdb ${VERSION}`,
    `commit ${COMMIT}`,
    `node ${facts.node}`,
    `formats log ${FORMAT_VERSION}, protocol ${PROTOCOL_VERSION_MAX}`,
  ].join('\n');
}

function fail(error: unknown, json: boolean): number {
  const { code, message, details } = truthError(error);
  process.stderr.write(
    json ? `${JSON.stringify({ error: { code, message, details } })}\n` : `truthdb: ${message} [${code}]\n`,
  );
  return ERROR_CODES[code].exit;
}

/** What the operating system refuses (no such file, no permission) is no failure of the program. */
function truthError(error: unknown): TruthError {
  if (error instanceof TruthError) return error;
  if (error instanceof Error && 'syscall' in error) return new TruthError('IO', error.message);
  return new TruthError('INTERNAL', error instanceof Error ? (error.stack ?? error.message) : String(error));
}
