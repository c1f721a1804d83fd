/** Puts together what a client that has logged in talks to, and tells it what drivers want to know first. */
import { deniedWhat } from '../audit-trail.ts';
import { principalOf } from '../session-host.ts';
import { columnsOf } from './catalog/index.ts';
import { Conversation, type ConversationOptions } from './conversation.ts';
import type { LoggedIn } from './login.ts';
import type { PgHost, SessionKey } from './pg-host.ts';
import { Portals } from './portals.ts';
import { writeKey, writeParameter } from './replies.ts';
import { SessionSettings } from './settings.ts';
import { StatementMaker } from './statement-maker.ts';
import { ImplicitTransaction } from './transaction.ts';

export interface Wire extends Pick<ConversationOptions, 'out' | 'drained' | 'syncFollows'> {
  readonly key: SessionKey;
}

/** `end` is to be called once, when the connection is gone. Errors: FORBIDDEN, INVALID_ARGUMENT (a setting that cannot be). */
export function openConversation(
  host: PgHost,
  { record, database, parameters }: LoggedIn,
  wire: Wire,
): { readonly conversation: Conversation; readonly end: () => void } {
  const identity = host.identityOf(record);
  const settings = new SessionSettings(record.name);
  settings.start(settingsOf(parameters));
  const session = host.database.session(identity);
  const portals = new Portals();
  const maker = new StatementMaker({
    session,
    grammar: host.grammar,
    connection: {
      settings,
      deallocate: (name) => {
        if (name === null) portals.closeStatements();
        else {
          portals.statement(name);
          portals.closeStatement(name);
        }
      },
      discard: () => {
        portals.closeStatements();
        settings.resetAll();
      },
    },
    asker: {
      answers: host.answers,
      tenant: identity.tenant,
      database,
      user: record.name,
      process: wire.key.process,
      settings,
      catalog: () => host.database.catalog(identity.tenant),
      projectionColumns: (name) => columnsOf(session, name),
    },
  });
  const conversation = new Conversation({
    ...wire,
    maker,
    portals,
    transaction: new ImplicitTransaction(session),
    statementMillis: () => settings.statementMillis,
    onStatement: (tag, millis) => host.counters.sqlAnswered(tag, millis),
    onError: (error) => {
      host.counters.failed(error.code);
      if (error.code === 'FORBIDDEN') host.audit.denied(principalOf(record), deniedWhat(error));
    },
  });
  for (const [name, value] of settings.reported()) writeParameter(wire.out, name, value);
  writeKey(wire.out, wire.key.process, wire.key.secret);
  return { conversation, end: () => session.close() };
}

/** `options` is a command line: `-c name=value` and `--name=value`, a backslash before a space that belongs to a value. */
function settingsOf(parameters: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const settings = new Map(parameters);
  for (const name of ['user', 'database', 'options', 'replication']) settings.delete(name);
  const words = (parameters.get('options') ?? '').match(/(?:\\.|\S)+/g) ?? [];
  for (const word of words) {
    const said = /^(?:-c|--)?([A-Za-z_.]+)=(.*)$/s.exec(word.replace(/\\(.)/gs, '$1'));
    if (said !== null) settings.set((said[1] as string).replaceAll('-', '_'), said[2] as string);
  }
  return settings;
}
