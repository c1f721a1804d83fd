/** `truthdb serve`: runs the server until a signal stops it. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type ConfigSources, resolveConfig, SETTINGS, unknownVariables } from '../config.ts';
import { ERROR_CODES, TruthError } from '../errors.ts';
import { RealDisk } from '../io/index.ts';
import type { Arguments, Command, Terminal } from './command.ts';
import { announceServing, announceUnseen } from './serving-lines.ts';

/** Where the appliance renders its configuration. */
const USUAL_FILE = '/run/truthdb/truthdb.json';
const OTHER_VARIABLES = ['TRUTHDB_CONFIG', 'TRUTHDB_URL'];

export const serve: Command = {
  name: 'serve',
  summary: 'Runs the server.',
  detail:
    'The first start on an empty directory makes everything it needs and prints the connection string with the admin\n' +
    'token, once. Settings come from file, environment (TRUTHDB_…) and flags, in that order.',
  positionals: [],
  options: [
    {
      flag: 'config',
      value: 'FILE',
      help: `JSON file (or TRUTHDB_CONFIG); default ${USUAL_FILE} where it exists`,
    },
    ...SETTINGS.flatMap(({ flag, value, help }) => (flag === null ? [] : [{ flag, value, help }])),
  ],
  example: 'truthdb serve --data ./data --host 127.0.0.1',
  run: async (args, terminal) => {
    const { environment } = terminal;
    const config = resolveConfig({ file: configFile(args, environment), environment, flags: args.values });
    for (const name of unknownVariables(environment, OTHER_VARIABLES)) {
      terminal.say(`warning: the variable ${name} means nothing to truthdb serve; is it mistyped?`);
    }
    await refuseCopies(resolve(config.data));
    const { runServer } = await import('../server/index.ts');
    const failure = await runServer({
      config,
      environment,
      signal: terminal.signal,
      say: (line) => terminal.say(line),
      onServing: (serving) => void announceServing(serving, terminal),
      onUnseenToken: (connection) => void announceUnseen(connection, terminal),
    });
    if (failure === null) return 0;
    terminal.say(`the log cannot be written any more: ${failure.message}`);
    return ERROR_CODES.WRITER_FAILED.exit;
  },
};

function configFile(args: Arguments, environment: Terminal['environment']): ConfigSources['file'] {
  const named = args.text('config') ?? environment['TRUTHDB_CONFIG'];
  const name = named ?? (existsSync(USUAL_FILE) ? USUAL_FILE : null);
  if (name === null) return null;
  try {
    return { name, content: JSON.parse(readFileSync(name, 'utf8')) };
  } catch (cause) {
    throw new TruthError(
      'CONFIG',
      `${name} cannot be read as JSON: ${(cause as Error).message}`,
      {},
      { cause },
    );
  }
}

/** A copy that is written becomes another history than its source: that must be somebody's decision. */
async function refuseCopies(directory: string): Promise<void> {
  const { readCopyMark } = await import('../follow/index.ts');
  const mark = readCopyMark(new RealDisk(), directory);
  if (mark === null) return;
  throw new TruthError(
    'CONFIG',
    `${directory} holds a copy of the log at ${mark.source}. Serve it for reading with \`truthdb follow --serve\`; ` +
      'to make it a log of its own that takes appends, and can follow that source no more, first move metadata/follower.json away',
    { source: mark.source },
  );
}
