/** What a server says when it serves, to people or to the program that started it. */
import type { Serving } from '../server/index.ts';
import type { Terminal } from './command.ts';

/** A server serves: where it can be reached, and the first token, this once. */
export async function announceServing(started: Serving, terminal: Terminal): Promise<void> {
  const serving = terminal.isJournal ? { ...started, connection: null } : started;
  if (terminal.isJournal && started.connection !== null) sayHowToMakeOne(terminal);
  if (terminal.json) {
    await terminal.out(JSON.stringify({ serving: true, ...serving }));
    return;
  }
  const { port, httpPort, httpTls, pgPort, socket, fingerprint, connection } = serving;
  terminal.say(`serving on port ${port}${fingerprint === null ? ' without TLS' : ''}`);
  if (httpPort !== null) terminal.say(`HTTP${httpTls ? 'S' : ''} on port ${httpPort}`);
  if (pgPort !== null) terminal.say(`PostgreSQL’s protocol on port ${pgPort}`);
  if (socket !== null) terminal.say(`local socket ${socket}`);
  if (fingerprint !== null) terminal.say(`certificate fingerprint ${fingerprint}`);
  if (connection !== null) {
    terminal.say('connect with this string; it holds the admin token and is shown this once:');
    await terminal.out(connection);
    if (pgPort !== null) {
      terminal.say(
        `psql takes the part between :// and @ as the password: psql "host=localhost port=${pgPort} user=admin dbname=truthdb"`,
      );
    }
  }
}

/** A first start that made a token and failed before anybody saw it. */
export async function announceUnseen(connection: string, terminal: Terminal): Promise<void> {
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
