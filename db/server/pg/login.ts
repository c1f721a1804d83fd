/**
 * From the first byte of a connection to a client that has proved who it is: encryption asked for, startup packet, SCRAM.
 * Who asks for a name nobody has is led through the same steps, with the same work, to the same refusal.
 */
import { TruthError } from '../../errors.ts';
import type { TenantId } from '../../types.ts';
import { pretendScramVerifier, SCRAM, SCRAM_PLUS, ScramExchange, type ScramStep } from '../scram.ts';
import type { TokenRecord } from '../token-file.ts';
import { BodyReader } from './body-reader.ts';
import type { StartupPacket } from './client-message.ts';
import type { MessageWriter } from './message-writer.ts';
import { writeAuthenticationOk, writeNegotiate, writeSaslAnswer, writeSaslMechanisms } from './replies.ts';

export interface LoginHost {
  /** Null: there is no such database. */
  tenantOf(database: string): TenantId | null;
  /** The tenant's token of that name, if it has not expired. */
  token(tenant: TenantId, name: string): TokenRecord | null;
  /** Of this server, the same after a restart. */
  readonly secret: Uint8Array;
  readonly random: (bytes: number) => Uint8Array;
}

export interface LoggedIn {
  readonly record: TokenRecord;
  readonly database: string;
  /** What else the startup packet asked for. */
  readonly parameters: ReadonlyMap<string, string>;
}

const OPTIONS_OF_PROTOCOL = /^_pq_\./;
const UTF8 = /^'?(utf-?8|unicode)'?$/i;

export class Login {
  readonly #host: LoginHost;
  readonly #out: MessageWriter;
  /** What a proof may be bound to; null without TLS. */
  readonly #binding: Uint8Array | null;
  #startup: { readonly database: string; readonly parameters: ReadonlyMap<string, string> } | null = null;
  #record: TokenRecord | null = null;
  #name = '';
  #exchange: ScramExchange | null = null;

  constructor(host: LoginHost, out: MessageWriter, binding: Uint8Array | null) {
    this.#host = host;
    this.#out = out;
    this.#binding = binding;
  }

  get hasStarted(): boolean {
    return this.#startup !== null;
  }

  /** Answers the startup packet. Errors: INVALID_ARGUMENT (28000, 22023). */
  start(packet: StartupPacket & { packet: 'startup' }): void {
    const { parameters } = packet;
    this.#name = parameters.get('user') ?? '';
    if (this.#name === '')
      throw refused('28000', 'no PostgreSQL user name specified in startup packet: give the name of a token');
    const encoding = parameters.get('client_encoding');
    if (encoding !== undefined && !UTF8.test(encoding)) {
      throw refused('22023', `client_encoding ${encoding} is not possible: this server speaks UTF8`);
    }
    if (parameters.has('replication') && !/^(false|off|no|0)$/i.test(parameters.get('replication') ?? '')) {
      throw refused(
        '0A000',
        'replication connections are not possible: a copy of the log is taken with `truthdb follow`',
      );
    }
    const options = [...parameters.keys()].filter((name) => OPTIONS_OF_PROTOCOL.test(name));
    if (packet.minor > 0 || options.length > 0) writeNegotiate(this.#out, options);
    this.#startup = { database: parameters.get('database') ?? this.#name, parameters };
    this.#find();
    writeSaslMechanisms(this.#out, this.#binding === null ? [SCRAM] : [SCRAM_PLUS, SCRAM]);
  }

  /** Whose login this is going to be, if the proof holds. */
  #find(): void {
    const tenant = this.#host.tenantOf(this.#startup?.database ?? '');
    const record = tenant === null ? null : this.#host.token(tenant, this.#name);
    this.#record = record?.scram === null ? null : record;
  }

  /** A message of the exchange; returns the login once it is proven. Errors: UNAUTHENTICATED (28P01), PROTOCOL (08P01). */
  prove(bytes: Uint8Array): LoggedIn | null {
    if (this.#exchange === null) {
      const { exchange, message } = this.#begin(bytes);
      this.#exchange = exchange;
      return this.#step(exchange.first(message));
    }
    return this.#step(this.#exchange.last(Buffer.from(bytes).toString('utf8')));
  }

  /** SASLInitialResponse: the mechanism's name, a length, the first message. */
  #begin(bytes: Uint8Array): { readonly exchange: ScramExchange; readonly message: string } {
    const body = new BodyReader();
    body.reset(Buffer.from(bytes), 0, bytes.length);
    const mechanism = body.text('the mechanism');
    const isOffered = mechanism === SCRAM || (mechanism === SCRAM_PLUS && this.#binding !== null);
    if (!isOffered) {
      throw new TruthError(
        'PROTOCOL',
        `the client chose the mechanism "${mechanism.slice(0, 40)}", which was not offered`,
      );
    }
    const length = body.i32('the length of the first message');
    const message = Buffer.from(body.bytes(length, 'the first message')).toString('utf8');
    body.done('SASLInitialResponse');
    const exchange = new ScramExchange({
      mechanism: mechanism as typeof SCRAM | typeof SCRAM_PLUS,
      verifier: this.#record?.scram ?? pretendScramVerifier(this.#host.secret, this.#name),
      known: this.#record !== null,
      binding: this.#binding,
      random: this.#host.random,
    });
    return { exchange, message };
  }

  #step(step: ScramStep): LoggedIn | null {
    if (step.step === 'continue') {
      writeSaslAnswer(this.#out, 'continue', step.message);
      return null;
    }
    if (step.step === 'refused') {
      if (step.why === 'broken')
        throw new TruthError('PROTOCOL', `the login is none of SCRAM: ${step.reason}`);
      throw new TruthError(
        'UNAUTHENTICATED',
        `password authentication failed for user "${this.#name}": the user is the name of a token, the password its text, the database its tenant`,
        { sqlstate: '28P01' },
      );
    }
    const record = this.#record;
    if (record === null || this.#startup === null) throw new Error('a proof held for nobody');
    writeSaslAnswer(this.#out, 'final', step.message);
    writeAuthenticationOk(this.#out);
    return { record, ...this.#startup };
  }
}

function refused(sqlstate: string, message: string): TruthError {
  return new TruthError('INVALID_ARGUMENT', message, { sqlstate });
}
