/** `truthdb serve`: runs the server until a signal stops it. */
import { existsSync, readFileSync } from 'node:fs';
import { type ConfigSources, resolveConfig, SETTINGS, unknownVariables } from '../config.ts';
import { ERROR_CODES, TruthError } from '../errors.ts';
import { runServer, type Serving } from '../server/index.ts';
import type { Arguments, Command, Terminal } from './command.ts';

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
    const failure = await runServer({
      config,
      environment,
      signal: terminal.signal,
      say: (line) => terminal.say(line),
      onServing: (serving) => void announce(serving, terminal),
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

async function announce(started: Serving, terminal: Terminal): Promise<void> {
  const serving = terminal.isJournal ? { ...started, connection: null } : started;
  if (terminal.isJournal && started.connection !== null) sayHowToMakeOne(terminal);
  if (terminal.json) {
    await terminal.out(JSON.stringify({ serving: true, ...serving }));
    return;
  }
  const { port, httpPort, httpTls, socket, fingerprint, connection } = serving;
  terminal.say(`serving on port ${port}${fingerprint === null ? ' without TLS' : ''}`);
  if (httpPort !== null) terminal.say(`HTTP${httpTls ? 'S' : ''} on port ${httpPort}`);
  if (socket !== null) terminal.say(`local socket ${socket}`);
  if (fingerprint !== null) terminal.say(`certificate fingerprint ${fingerprint}`);
  if (connection !== null) {
    terminal.say('connect with this string; it holds the admin token and is shown this once:');
    await terminal.out(connection);
  }
}

async function announceUnseen(connection: string, terminal: Terminal): Promise<void> {
  if (terminal.isJournal) return sayHowToMakeOne(terminal);
  terminal.say(
    'the set-up is complete all the same; this string holds its admin token and is shown this once:',
  );
  await terminal.out(terminal.json ? JSON.stringify({ serving: false, connection }) : connection);
}

function sayHowToMakeOne(terminal: Terminal): void {
  terminal.say('the admin token is not written to the journal; make one on this machine:');
  terminal.say('truthdb token create NAME --role operator');
}
