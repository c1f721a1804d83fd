/**
 * One connection of PostgreSQL's protocol: encryption, login, then the conversation; its deadlines, its buffers, its end.
 * While a statement is carried out little is read ahead, and while the client takes nothing nothing more is written: TCP makes
 * it wait.
 */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { TruthError } from '../../errors.ts';
import { TENANT_DEFAULT } from '../../types.ts';
import { asTruthError } from '../failures.ts';
import { Outbox } from '../outbox.ts';
import { type ClientMessage, readMessage, readStartup, type StartupPacket } from './client-message.ts';
import { FROM_CLIENT, LOGIN_BYTES_MAX, READ_AHEAD_BYTES, STARTUP_BYTES_MAX } from './constants.ts';
import type { Conversation } from './conversation.ts';
import { type LoggedIn, Login } from './login.ts';
import { MessageReader } from './message-reader.ts';
import { MessageWriter } from './message-writer.ts';
import { openConversation } from './open-conversation.ts';
import type { PgHost, SessionKey } from './pg-host.ts';
import { NOBODY, writeError } from './replies.ts';

type State = 'starting' | 'open' | 'closing' | 'closed';

/** After the last words: how long the client may take to read them. */
const LINGER_MILLIS = 2000;
const YES = Buffer.from('S');
const NO = Buffer.from('N');

export class PgSession {
  readonly #host: PgHost;
  readonly #onClosed: () => void;
  readonly #messages = new MessageReader(STARTUP_BYTES_MAX);
  readonly #waiting = new Set<() => void>();
  readonly #onData = (chunk: Buffer) => this.#take(chunk);
  readonly #onEnd = () => this.#clientEnded();
  #socket: Socket;
  #out: Outbox<MessageWriter>;
  #login: Login;
  #record: LoggedIn['record'] | null = null;
  #conversation: Conversation | null = null;
  #end: (() => void) | null = null;
  #state: State = 'starting';
  #encryptionAsked = false;
  #pumping = false;
  /** What the message in hand is answered goes out by itself. */
  #speaks = true;
  #ended = false;
  readonly #openedAt: number;
  #heardAt: number;
  #incompleteSince = 0;
  #progressAt: number;
  #bytesSent = 0;
  #closingAt = 0;
  #heldBytes = 0;
  #unsentBytes = 0;

  constructor(host: PgHost, socket: Socket, onClosed: () => void) {
    this.#host = host;
    this.#onClosed = onClosed;
    this.#openedAt = this.#heardAt = this.#progressAt = host.nowMillis();
    this.#socket = socket;
    this.#out = this.#attach(socket);
    this.#login = new Login(host.login, this.#out.writer, null);
  }

  /** Numbers by which another connection may cancel what this one does; null before the login. */
  key: SessionKey | null = null;

  get tokenId(): string | null {
    return this.#record?.id ?? null;
  }

  #attach(socket: Socket): Outbox<MessageWriter> {
    socket.setNoDelay(true);
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#closed());
    return new Outbox(socket, new MessageWriter(), () => this.#wake());
  }

  #take(chunk: Buffer): void {
    this.#host.counters.bytesIn += chunk.length;
    this.#heardAt = this.#host.nowMillis();
    if (this.#state === 'closing' || this.#state === 'closed') return;
    this.#messages.push(chunk);
    if (this.#messages.waitingBytes > READ_AHEAD_BYTES && this.#pumping) this.#socket.pause();
    this.#pump();
    this.#noteHeldBytes();
  }

  /** Handles what has arrived, one message after the other. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      const waiting = this.#handleReady();
      if (waiting !== undefined) {
        void this.#goOn(waiting);
        return;
      }
    } catch (error) {
      this.fail(asTruthError(error));
    }
    this.#pumped();
  }

  async #goOn(first: Promise<void>): Promise<void> {
    try {
      for (let waiting: Promise<void> | undefined = first; waiting !== undefined; ) {
        await waiting;
        this.#said();
        waiting = this.#handleReady();
      }
    } catch (error) {
      this.fail(asTruthError(error));
    }
    this.#pumped();
  }

  /** Returns what has to be waited for before the next message; undefined once there is none. */
  #handleReady(): Promise<void> | undefined {
    while (this.#isTaking() && this.#messages.next()) {
      const { kind } = this.#messages;
      // What Bind is answered travels with what Execute is: a packet of its own would cost as much as a small statement.
      this.#speaks = this.#conversation === null || kind === FROM_CLIENT.SYNC || kind === FROM_CLIENT.QUERY;
      const handled = this.#conversation === null ? this.#begin() : this.#converse(this.#conversation);
      if (handled !== undefined) return handled;
      this.#said();
      if (this.#out.congested) return this.#drained();
    }
    return undefined;
  }

  #said(): void {
    if (this.#speaks) this.#schedule();
  }

  #pumped(): void {
    this.#pumping = false;
    if (!this.#isTaking()) return;
    this.#schedule();
    this.#noteHeldBytes();
    if (this.#socket.isPaused()) this.#socket.resume();
    if (this.#ended) this.#startClosing();
  }

  #isTaking(): boolean {
    return this.#state === 'starting' || this.#state === 'open';
  }

  #converse(conversation: Conversation): Promise<void> | undefined {
    const message = readMessage(this.#messages.kind, this.#messages.body);
    if (message.message !== 'terminate') return conversation.handle(message);
    this.#startClosing();
    return undefined;
  }

  /** Everything before the client has proved who it is. */
  #begin(): Promise<void> | undefined {
    if (this.#login.hasStarted) return this.#prove(readMessage(this.#messages.kind, this.#messages.body));
    const packet = readStartup(this.#messages.body);
    if (packet.packet === 'ssl' || packet.packet === 'gssenc') this.#answerEncryption(packet.packet);
    else if (packet.packet === 'cancel') this.#cancelOther(packet);
    else this.#start(packet);
    return undefined;
  }

  #answerEncryption(asked: 'ssl' | 'gssenc'): void {
    const { tls } = this.#host;
    // Bytes sent along with the request would be taken for something said within TLS.
    if (!this.#messages.isDrained || this.#encryptionAsked) {
      throw new TruthError('PROTOCOL', 'a request for encryption is followed by something before its answer');
    }
    if (asked === 'gssenc' || tls === null || this.#socket instanceof TLSSocket) {
      this.#socket.write(NO);
      return;
    }
    this.#encryptionAsked = true;
    const plain = this.#socket;
    plain.off('data', this.#onData);
    plain.off('end', this.#onEnd);
    plain.write(YES);
    const secured = new TLSSocket(plain, { isServer: true, secureContext: tls.context });
    this.#socket = secured;
    this.#out = this.#attach(secured);
    this.#login = new Login(this.#host.login, this.#out.writer, tls.binding);
  }

  #cancelOther({ process, secret }: StartupPacket & { packet: 'cancel' }): void {
    this.#host.cancel(process, secret);
    this.#startClosing();
  }

  #start(packet: StartupPacket & { packet: 'startup' }): void {
    if (this.#host.tls !== null && !(this.#socket instanceof TLSSocket)) {
      throw new TruthError(
        'UNAUTHENTICATED',
        'this server takes connections with TLS only: connect with sslmode=require',
        {
          sqlstate: '28000',
        },
      );
    }
    this.#messages.lettered = true;
    this.#messages.bytesMax = LOGIN_BYTES_MAX;
    this.#login.start(packet);
  }

  async #prove(message: ClientMessage): Promise<void> {
    if (message.message === 'terminate') return this.#startClosing();
    if (message.message !== 'password') {
      throw new TruthError('PROTOCOL', `a message ${message.message} came where the login is not complete`);
    }
    const loggedIn = this.#checkProof(message.bytes);
    if (loggedIn === null) return;
    this.#record = loggedIn.record;
    this.key = this.#host.newKey();
    const { conversation, end } = await openConversation(this.#host, loggedIn, {
      out: this.#out.writer,
      key: this.key,
      drained: () => this.#drained(),
      syncFollows: () => this.#messages.nextKind === FROM_CLIENT.SYNC,
    });
    this.#end = end;
    if (this.#state !== 'starting') return end();
    this.#conversation = conversation;
    this.#messages.bytesMax = this.#host.limits.bodyBytesMax;
    this.#state = 'open';
    conversation.greet();
  }

  #checkProof(bytes: Uint8Array): LoggedIn | null {
    try {
      return this.#login.prove(bytes);
    } catch (error) {
      if (error instanceof TruthError && error.code === 'UNAUTHENTICATED') {
        this.#host.counters.refusedTokens += 1;
        this.#host.audit.refusedLogin(TENANT_DEFAULT, this.#socket.remoteAddress ?? 'nowhere');
      }
      throw error;
    }
  }

  /** Another connection, a revoked token or a timer wants the running statement to end. */
  cancel(why: TruthError): void {
    this.#conversation?.cancel(why);
  }

  /** Hands over what is written; resolves once the client has taken enough of it. */
  #drained(): Promise<void> {
    this.#out.flush();
    if (!this.#out.congested) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const wake = () => {
        if (this.#state === 'closed') reject(new TruthError('CLOSED', 'the client has gone'));
        else if (this.#out.congested) return;
        else resolve();
        this.#waiting.delete(wake);
      };
      this.#waiting.add(wake);
    });
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  #schedule(): void {
    if (this.#out.writer.length > 0) this.#out.schedule();
  }

  #clientEnded(): void {
    this.#ended = true;
    if (!this.#isTaking()) this.#socket.destroy();
    else if (!this.#pumping) this.#startClosing();
  }

  #noteHeldBytes(): void {
    const held = this.#messages.waitingBytes;
    this.#host.counters.incomingBytes += held - this.#heldBytes;
    this.#heldBytes = held;
    if (held === 0 || this.#pumping) this.#incompleteSince = 0;
    else if (this.#incompleteSince === 0) this.#incompleteSince = this.#host.nowMillis();
  }

  /** Says why and closes. */
  fail(error: TruthError): void {
    if (!this.#isTaking()) return;
    this.#host.counters.failed(error.code);
    // Nobody has been asked for a message yet, but this one is understood from the first packet on.
    writeError(this.#out.writer, 'FATAL', error, NOBODY);
    this.#conversation?.cancel(error);
    this.#startClosing();
  }

  #startClosing(): void {
    if (!this.#isTaking()) return;
    this.#state = 'closing';
    this.#closingAt = this.#host.nowMillis();
    this.#out.end();
    // Closing on unread input would reset the connection and the last words with it.
    this.#socket.resume();
  }

  /** Keeps the deadlines. Called every SWEEP_MILLIS. */
  sweep(): void {
    const now = this.#host.nowMillis();
    const { limits, counters } = this.#host;
    this.#noteProgress(now);
    if (this.#state === 'closing') {
      if (now - this.#closingAt > LINGER_MILLIS) this.#socket.destroy();
    } else if (this.#state === 'starting') {
      if (now - this.#openedAt > limits.handshakeMillis)
        this.#timeOut('the login was not complete', limits.handshakeMillis);
    } else if (this.#unsentBytes > 0 && now - this.#progressAt > limits.stallMillis) {
      counters.stalled += 1;
      this.#timeOut('rows wait for the client and it reads none', limits.stallMillis);
    } else if (this.#incompleteSince > 0 && now - this.#incompleteSince > limits.frameMillis) {
      this.#timeOut('a message did not become complete', limits.frameMillis);
    } else if (limits.idleMillis > 0 && !this.#pumping && now - this.#heardAt > limits.idleMillis) {
      this.#timeOut('nothing was asked', limits.idleMillis);
    }
  }

  #noteProgress(now: number): void {
    const { counters } = this.#host;
    const unsent = this.#out.unsentBytes;
    counters.outgoingBytes += unsent - this.#unsentBytes;
    const sent = this.#out.sentBytes;
    if (sent !== this.#bytesSent || unsent === 0) this.#progressAt = now;
    counters.bytesOut += Math.max(0, sent - this.#bytesSent);
    this.#bytesSent = sent;
    this.#unsentBytes = unsent;
  }

  #timeOut(what: string, millis: number): void {
    this.#host.counters.timedOut += 1;
    this.fail(
      new TruthError('TIMEOUT', `${what} within ${millis} ms: the connection is closed`, {
        sqlstate: '57P05',
      }),
    );
    // Whoever reads nothing does not read this either.
    if (this.#unsentBytes > 0) this.#socket.destroy();
  }

  #closed(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#wake();
    this.#conversation?.cancel(new TruthError('CLOSED', 'the client has gone'));
    this.#end?.();
    this.#host.counters.incomingBytes -= this.#heldBytes;
    this.#host.counters.outgoingBytes -= this.#unsentBytes;
    this.#heldBytes = this.#unsentBytes = 0;
    this.#onClosed();
  }
}
