/**
 * One connection of the wire protocol: greets, takes frames, answers, keeps its deadlines and says why before it closes.
 * Everything it holds is bounded by Limits; while it holds too much it stops reading, and TCP makes the client wait.
 */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { TruthError } from '../errors.ts';
import {
  ByteWriter,
  CarryPool,
  commonVersion,
  decodeHello,
  encodeEmpty,
  encodeError,
  encodeWelcome,
  FrameReader,
  HELLO_BODY_BYTES_MAX,
  KIND,
} from '../protocol/index.ts';
import { TENANT_DEFAULT } from '../types.ts';
import { asTruthError } from './failures.ts';
import { readLent, readUsually } from './lent-reads.ts';
import { Outbox } from './outbox.ts';
import { Requests } from './requests.ts';
import { LOCAL_PRINCIPAL, type Principal, principalOf, type SessionHost } from './session-host.ts';

type State = 'greeting' | 'open' | 'closing' | 'closed';

/** After the last words: how long the client may take to read them. */
const LINGER_MILLIS = 2_000;
/** Of all connections: a request copies what it keeps before the next frame is looked at. */
const CARRIES = new CarryPool();

export class Session {
  readonly #host: SessionHost;
  readonly #socket: Socket;
  readonly #frames = new FrameReader(HELLO_BODY_BYTES_MAX, CARRIES);
  readonly #out: Outbox;
  readonly #local: boolean;
  readonly #onClosed: () => void;
  #requests: Requests | null = null;
  #principal: Principal | null = null;
  readonly #resume = () => this.#pump();
  #state: State = 'greeting';
  #reading = true;
  /** The frame last read is an append that waits for admission; nothing behind it is looked at. */
  #parked = false;
  #ended = false;
  #heldBytes = 0;
  #unsentBytes = 0;
  // Deadlines are plain numbers the listener's sweep compares with: no timer per connection.
  readonly #openedAt: number;
  #heardAt: number;
  #incompleteSince = 0;
  #pingedAt = 0;
  #progressAt: number;
  #bytesSent = 0;
  #closingAt = 0;

  constructor(host: SessionHost, socket: Socket, local: boolean, onClosed: () => void) {
    this.#host = host;
    this.#socket = socket;
    this.#local = local;
    this.#onClosed = onClosed;
    this.#out = new Outbox(socket, new ByteWriter(), () => this.#hasRoomAgain());
    this.#openedAt = this.#heardAt = this.#progressAt = host.nowMillis();
    socket.setNoDelay(true);
    const take = (chunk: Buffer, lent: boolean) => this.#take(chunk, lent);
    if (socket instanceof TLSSocket) readUsually(socket, take);
    else readLent(socket, take);
    socket.on('end', () => this.#clientEnded());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#closed());
  }

  /** The token this connection came in with; null on the local socket and before HELLO. */
  get tokenId(): string | null {
    return this.#principal?.tokenId ?? null;
  }

  /** `lent`: the chunk is somebody else's again after the call. */
  #take(chunk: Buffer, lent: boolean): void {
    this.#host.counters.bytesIn += chunk.length;
    this.#heardAt = this.#host.nowMillis();
    this.#pingedAt = 0;
    if (this.#state === 'closing' || this.#state === 'closed') return;
    this.#frames.push(chunk);
    this.#pump();
    if (!lent) return;
    if (this.#parked) this.#frames.own();
    this.#frames.giveBack();
  }

  /** Handles what has arrived for as long as there is room for the answers. */
  #pump(): void {
    if (this.#state === 'closing' || this.#state === 'closed') return;
    try {
      let starved = false;
      while (this.#hasRoom() && this.#isTaking()) {
        if (!this.#parked && !this.#frames.next()) {
          starved = true;
          break;
        }
        this.#parked = this.#frames.kind === KIND.APPEND && !this.#host.admission.open;
        if (this.#parked) {
          this.#host.admission.wait(this.#resume);
          break;
        }
        this.#handle();
      }
      if (!this.#isTaking()) return;
      this.#noteHeldBytes();
      this.#setReading(starved);
      if (starved && this.#ended) this.#endWhenAnswered();
    } catch (error) {
      this.fail(asTruthError(error));
    }
  }

  #isTaking(): boolean {
    return this.#state === 'greeting' || this.#state === 'open';
  }

  #hasRoom(): boolean {
    if (this.#out.congested) return false;
    return this.#requests === null || this.#requests.hasRoom;
  }

  #setReading(reading: boolean): void {
    if (reading === this.#reading) return;
    this.#reading = reading;
    if (reading) this.#socket.resume();
    else this.#socket.pause();
  }

  #noteHeldBytes(): void {
    const held = this.#frames.heldBytes + (this.#parked ? this.#frames.body.remaining : 0);
    this.#host.counters.incomingBytes += held - this.#heldBytes;
    this.#heldBytes = held;
    if (!this.#frames.incomplete) this.#incompleteSince = 0;
    else if (this.#incompleteSince === 0) this.#incompleteSince = this.#host.nowMillis();
    if (this.#host.counters.incomingBytes > this.#host.limits.incomingBytesMax) {
      throw new TruthError(
        'BUSY',
        'the server holds too many half-received frames; send smaller batches or try again later',
        { retryAfterMillis: 1000 },
      );
    }
  }

  #handle(): void {
    const { kind, request, body } = this.#frames;
    if (this.#requests !== null) this.#requests.handle(kind, request, body);
    else this.#greet(kind, request);
  }

  #greet(kind: number, request: number): void {
    if (kind !== KIND.HELLO) {
      throw new TruthError('PROTOCOL', `the first frame of a connection must be HELLO (1), not ${kind}`);
    }
    const hello = decodeHello(this.#frames.body);
    const version = commonVersion(hello);
    const principal = this.#authenticate(hello.token);
    this.#principal = principal;
    this.#host.audit.login(principal, this.#from);
    const welcome = { version, ...this.#host.welcome() };
    this.#frames.bodyBytesMax = welcome.bodyBytesMax;
    this.#requests = new Requests(this.#host, { principal, version }, this.#out, () => this.#answered());
    this.#state = 'open';
    encodeWelcome(this.#out.writer, request, welcome);
    this.#out.schedule();
  }

  get #from(): string {
    return this.#local ? 'the local socket' : (this.#socket.remoteAddress ?? 'nowhere');
  }

  #authenticate(token: string): Principal {
    if (this.#local) return LOCAL_PRINCIPAL;
    const record = token === '' ? null : this.#host.tokens.verify(token, new Date());
    if (record === null) {
      this.#host.counters.refusedTokens += 1;
      this.#host.audit.refusedLogin(TENANT_DEFAULT, this.#from);
      throw new TruthError(
        'UNAUTHENTICATED',
        token === ''
          ? 'a token is needed: connect with truthdb://TOKEN@host:port?fp=FINGERPRINT'
          : 'the token is not known to this server; it may have been revoked or have expired',
      );
    }
    return principalOf(record);
  }

  #hasRoomAgain(): void {
    this.#requests?.wakeSubscriptions();
    this.#pump();
  }

  /** A request was answered or a subscription sent something: there may be room again. */
  #answered(): void {
    if (this.#state !== 'open') return;
    this.#out.schedule();
    if (!this.#reading) this.#pump();
    else if (this.#ended) this.#endWhenAnswered();
  }

  /** The client has sent its last byte; it still gets the answers to what it asked. */
  #clientEnded(): void {
    this.#ended = true;
    if (this.#state === 'closing' || this.#state === 'closed') this.#socket.destroy();
    else if (this.#reading) this.#endWhenAnswered();
  }

  #endWhenAnswered(): void {
    if (this.#frames.incomplete) {
      this.fail(new TruthError('PROTOCOL', 'the connection ended inside a frame'));
      return;
    }
    this.#requests?.cancelSubscriptions();
    if ((this.#requests?.inFlight ?? 0) > 0) return;
    this.#startClosing();
  }

  /** Says why and closes. */
  fail(error: TruthError): void {
    if (this.#state === 'closing' || this.#state === 'closed') return;
    this.#host.counters.failed(error.code);
    encodeError(this.#out.writer, 0, error);
    this.#startClosing();
  }

  #startClosing(): void {
    this.#state = 'closing';
    this.#closingAt = this.#host.nowMillis();
    this.#requests?.cancelSubscriptions();
    this.#requests?.end();
    this.#out.end();
    // Bytes still coming are read and dropped: closing on unread input would reset the connection and the last
    // words with it.
    this.#socket.resume();
  }

  /** Keeps the deadlines. Called every SWEEP_MILLIS. */
  sweep(): void {
    const now = this.#host.nowMillis();
    const { limits } = this.#host;
    this.#noteProgress(now);
    if (this.#state === 'closing') {
      if (now - this.#closingAt > LINGER_MILLIS) this.#socket.destroy();
    } else if (this.#state === 'greeting') {
      if (now - this.#openedAt > limits.handshakeMillis)
        this.#timeOut('no HELLO came', limits.handshakeMillis);
    } else if (this.#unsentBytes > 0 && now - this.#progressAt > limits.stallMillis) {
      this.#host.counters.stalled += 1;
      // The error cannot reach somebody who reads nothing; it is sent for the one who reads again within the linger.
      this.#timeOut('bytes wait for the client and it reads none', limits.stallMillis);
    } else if (this.#incompleteSince > 0 && now - this.#incompleteSince > limits.frameMillis) {
      this.#timeOut('a frame did not become complete', limits.frameMillis);
    } else if (this.#reading && now - this.#heardAt > limits.idleMillis) {
      this.#askWhetherAlive(now);
    }
  }

  #noteProgress(now: number): void {
    const unsent = this.#out.unsentBytes;
    this.#host.counters.outgoingBytes += unsent - this.#unsentBytes;
    const sent = this.#out.sentBytes;
    if (sent !== this.#bytesSent || unsent === 0) this.#progressAt = now;
    this.#host.counters.bytesOut += Math.max(0, sent - this.#bytesSent);
    this.#bytesSent = sent;
    this.#unsentBytes = unsent;
  }

  #askWhetherAlive(now: number): void {
    if (this.#pingedAt === 0) {
      this.#pingedAt = now;
      encodeEmpty(this.#out.writer, KIND.SERVER_PING, 0);
      this.#out.schedule();
    } else if (now - this.#pingedAt > this.#host.limits.idleMillis) {
      this.#timeOut('the client does not answer', this.#host.limits.idleMillis * 2);
    }
  }

  #timeOut(what: string, millis: number): void {
    this.#host.counters.timedOut += 1;
    this.fail(new TruthError('TIMEOUT', `${what} within ${millis} ms: the connection is closed`));
  }

  #closed(): void {
    this.#state = 'closed';
    this.#requests?.cancelSubscriptions();
    this.#requests?.end();
    this.#host.admission.forget(this.#resume);
    this.#host.counters.incomingBytes -= this.#heldBytes;
    this.#host.counters.outgoingBytes -= this.#unsentBytes;
    this.#heldBytes = this.#unsentBytes = 0;
    this.#onClosed();
  }
}
