/**
 * What each kind of request does: decodes it, checks the right to it, asks the engine, writes the answer. Appends run
 * concurrently up to the connection's limit; reads one at a time, because a page is large and its reader may be slow.
 */
import type { Streams } from '../engine.ts';
import { TruthError } from '../errors.ts';
import {
  type ByteReader,
  decodeAppend,
  decodeCredit,
  decodeJson,
  decodeLogKept,
  decodeReadAll,
  decodeReadStream,
  decodeSignals,
  decodeStreamLog,
  decodeSubscribe,
  encodeAppended,
  encodeEmpty,
  encodeError,
  encodeJson,
  encodePage,
  KIND,
  type Ranked,
  SUBSCRIPTION_CREDIT_MAX,
  SUBSCRIPTIONS_MAX,
  type Subscribe,
} from '../protocol/index.ts';
import { type AppendRequest, type EventPage, eventType, streamName } from '../streams/event.ts';
import { revision, sequence } from '../types.ts';
import { administer } from './administration.ts';
import { deniedWhat } from './audit-trail.ts';
import { asTruthError } from './failures.ts';
import { LogDelivery } from './log-delivery.ts';
import type { Outbox } from './outbox.ts';
import { allow, type Right } from './permissions.ts';
import { rank, rankingRequest, recordSignals } from './ranking-requests.ts';
import type { Principal, SessionHost } from './session-host.ts';
import { SqlRequests } from './sql-requests.ts';
import { Subscription } from './subscription.ts';

/** What goes on under its request id until it is cancelled: a subscription or a stream of the log. */
type Delivery = Subscription | LogDelivery;

/** Who is there after HELLO, and which version of the protocol they speak. */
interface Greeted {
  readonly principal: Principal;
  readonly version: number;
}

export class Requests {
  readonly #host: SessionHost;
  /** The principal's tenant's, and no other's. */
  readonly #streams: Streams;
  readonly #principal: Principal;
  /** Of the protocol, as the two sides agreed. */
  readonly #version: number;
  readonly #out: Outbox;
  readonly #answered: () => void;
  readonly #sql: SqlRequests;
  readonly #deliveries = new Map<number, Delivery>();
  readonly #evaluations = new Map<number, AbortController>();
  #appends = 0;
  #administrations = 0;
  #reading = false;

  /** `answered` is called after each frame written to the outbox. */
  constructor(host: SessionHost, greeted: Greeted, out: Outbox, answered: () => void) {
    const { principal, version } = greeted;
    this.#host = host;
    this.#streams = host.engine.tenant(principal.tenant);
    this.#principal = principal;
    this.#version = version;
    this.#out = out;
    this.#answered = answered;
    const refuse = (request: number, error: unknown) => this.#refuse(request, error);
    this.#sql = new SqlRequests(host, greeted, out, { answered, refuse });
  }

  get hasRoom(): boolean {
    const { inFlightMax } = this.#host.limits;
    return (
      !this.#reading &&
      !this.#sql.isSending &&
      this.#appends < inFlightMax &&
      this.#sql.inFlight < inFlightMax
    );
  }

  /** Requests whose answers are owed; subscriptions not counted. */
  get inFlight(): number {
    return this.#appends + this.#administrations + this.#sql.inFlight + (this.#reading ? 1 : 0);
  }

  /** Errors thrown here end the connection; errors of a request are answered under its id. */
  handle(kind: number, request: number, body: ByteReader): void {
    if (request === 0 && kind !== KIND.PONG) {
      throw new TruthError(
        'PROTOCOL',
        `a request of kind ${kind} has the id 0, which is for the connection itself`,
      );
    }
    if (kind === KIND.APPEND) this.#append(request, body);
    else if (kind === KIND.READ_STREAM) this.#readStream(request, body);
    else if (kind === KIND.READ_ALL) this.#readAll(request, body);
    else if (kind === KIND.SUBSCRIBE) this.#subscribe(request, body);
    else if (kind === KIND.STREAM_LOG) this.#streamLog(request, body);
    else if (kind === KIND.CREDIT) this.#credit(request, body);
    else if (kind === KIND.LOG_KEPT) this.#logKept(request, body);
    else if (kind === KIND.ADMIN) this.#administer(request, body);
    else if (kind === KIND.RANK) this.#rank(request, body.remaining, decodeJson(body));
    else if (kind === KIND.SIGNALS) this.#signals(request, body);
    else if (!this.#sql.handle(kind, request, body)) this.#handleEmpty(kind, request, body);
  }

  /** The kinds that have no body. */
  #handleEmpty(kind: number, request: number, body: ByteReader): void {
    body.done(`a frame of kind ${kind}`);
    if (kind === KIND.CANCEL) {
      this.#evaluations.get(request)?.abort();
      if (!this.#sql.cancel(request)) this.#deliveries.get(request)?.cancel();
    } else if (kind === KIND.PING) {
      encodeEmpty(this.#out.writer, KIND.SERVER_PONG, request);
      this.#answered();
    } else if (kind === KIND.STATUS) {
      this.#reply(request, 'observe', () => this.#host.statusReport());
    } else if (kind !== KIND.PONG) {
      throw new TruthError('PROTOCOL', `a client may not send a frame of kind ${kind} here`);
    }
  }

  #administer(request: number, body: ByteReader): void {
    const command = decodeJson(body);
    this.#administrations += 1;
    administer(this.#host, this.#principal, command).then(
      (answer) => {
        this.#administrations -= 1;
        encodeJson(this.#out.writer, KIND.REPLY, request, answer);
        this.#answered();
      },
      (error) => {
        this.#administrations -= 1;
        this.#refuse(request, error);
      },
    );
  }

  #rank(request: number, bytes: number, given: object): void {
    this.#answerRanked(request, bytes, async () => {
      const waiting = (): AbortSignal => this.#waitingFor(request);
      return rank(this.#host, this.#principal, rankingRequest(given), waiting);
    });
  }

  #signals(request: number, body: ByteReader): void {
    const bytes = body.remaining;
    const batch = decodeSignals(body);
    this.#answerRanked(request, bytes, () => recordSignals(this.#host, this.#principal, batch));
  }

  #answerRanked(request: number, bytes: number, ask: () => Promise<Ranked>): void {
    this.#begin(bytes);
    ask().then(
      (ranked) => {
        this.#end(bytes);
        this.#evaluations.delete(request);
        encodeJson(this.#out.writer, KIND.RANKED, request, ranked);
        this.#answered();
      },
      (error) => {
        this.#end(bytes);
        this.#evaluations.delete(request);
        this.#refuse(request, error);
      },
    );
  }

  /** Few requests take so long that it matters whether somebody waits for them. */
  #waitingFor(request: number): AbortSignal {
    const controller = new AbortController();
    this.#evaluations.set(request, controller);
    return controller.signal;
  }

  #append(request: number, body: ByteReader): void {
    const bytes = body.remaining;
    const append = decodeAppend(body, this.#version);
    if (!this.#passes(request, () => checkAppend(this.#principal, append))) return;
    const startedAt = performance.now();
    this.#begin(bytes);
    const events = append.events.length;
    this.#streams.submit(append, (outcome) => {
      this.#end(bytes);
      if (outcome instanceof Error) {
        this.#refuse(request, outcome);
        return;
      }
      this.#host.counters.appended(events, performance.now() - startedAt);
      encodeAppended(this.#out.writer, request, outcome);
      this.#answered();
    });
  }

  #begin(bytes: number): void {
    this.#appends += 1;
    this.#host.admission.take(bytes);
  }

  #end(bytes: number): void {
    this.#appends -= 1;
    this.#host.admission.give(bytes);
  }

  #readStream(request: number, body: ByteReader): void {
    const read = decodeReadStream(body);
    const from = read.from === null ? edge(read.direction) : revision(read.from);
    if (!this.#passes(request, () => streamName(read.stream))) return;
    this.#read(request, read.stream, () => this.#streams.readStream({ ...read, from }));
  }

  #readAll(request: number, body: ByteReader): void {
    const read = decodeReadAll(body);
    const from = read.from === null ? edge(read.direction) : sequence(read.from);
    this.#read(request, null, () => this.#streams.readAll({ ...read, from }));
  }

  /** `stream` null: of all of the tenant's. */
  #read(request: number, stream: string | null, page: () => Promise<EventPage>): void {
    if (!this.#passes(request, () => allow(this.#principal, 'read'))) return;
    this.#host.audit.readStream(this.#principal, stream);
    if (this.#host.counters.outgoingBytes > this.#host.limits.outgoingBytesMax) {
      this.#refuse(request, tooManySlowReaders());
      return;
    }
    this.#reading = true;
    page().then(
      (found) => {
        this.#reading = false;
        this.#host.counters.reads += 1;
        this.#host.counters.readEvents += found.events.length;
        encodePage(this.#out.writer, KIND.PAGE, request, found);
        this.#answered();
      },
      (error) => {
        this.#reading = false;
        this.#refuse(request, error);
      },
    );
  }

  #subscribe(request: number, body: ByteReader): void {
    const subscribe = decodeSubscribe(body);
    const { counters } = this.#host;
    this.#checkIdle(request);
    if (!this.#passes(request, () => checkSubscribe(this.#principal, subscribe))) return;
    this.#host.audit.readStream(this.#principal, subscribe.stream);
    const subscription = new Subscription(this.#streams, this.#out, request, subscribe, counters);
    this.#deliver(request, subscription, 'subscriptions');
  }

  #streamLog(request: number, body: ByteReader): void {
    const stream = decodeStreamLog(body);
    this.#checkIdle(request);
    if (!this.#passes(request, () => allow(this.#principal, 'copy'))) return;
    const delivery = new LogDelivery(this.#host, this.#principal, this.#out, request, stream);
    this.#deliver(request, delivery, 'logStreams');
  }

  #checkIdle(request: number): void {
    if (!this.#deliveries.has(request)) return;
    throw new TruthError('PROTOCOL', `a subscription with the request id ${request} is still running`);
  }

  #deliver(request: number, delivery: Delivery, counter: 'subscriptions' | 'logStreams'): void {
    if (this.#deliveries.size >= SUBSCRIPTIONS_MAX) {
      this.#refuse(
        request,
        new TruthError(
          'TOO_LARGE',
          `a connection may have ${SUBSCRIPTIONS_MAX} subscriptions; open another one`,
        ),
      );
      return;
    }
    this.#deliveries.set(request, delivery);
    this.#host.counters[counter] += 1;
    delivery.run(this.#answered).then((error) => {
      this.#deliveries.delete(request);
      this.#host.counters[counter] -= 1;
      if (error === null) {
        encodeEmpty(this.#out.writer, KIND.ENDED, request);
        this.#answered();
      } else {
        this.#refuse(request, error);
      }
    });
  }

  #credit(request: number, body: ByteReader): void {
    const bytes = decodeCredit(body);
    const delivery = this.#deliveries.get(request);
    // It may have ended while the credit was on its way.
    if (delivery === undefined) return;
    if (!delivery.grant(bytes)) {
      throw new TruthError(
        'PROTOCOL',
        `subscription ${request} was given more credit than ${SUBSCRIPTION_CREDIT_MAX} bytes`,
      );
    }
  }

  #logKept(request: number, body: ByteReader): void {
    const kept = decodeLogKept(body);
    const delivery = this.#deliveries.get(request);
    // It may have ended meanwhile.
    if (delivery instanceof LogDelivery) delivery.kept(kept);
  }

  /** There is room in the outbox again. */
  wakeSubscriptions(): void {
    this.#sql.wake();
    for (const delivery of this.#deliveries.values()) delivery.wake();
  }

  /** And whatever else goes on for as long as somebody waits. */
  cancelSubscriptions(): void {
    for (const delivery of this.#deliveries.values()) delivery.cancel();
    for (const each of this.#evaluations.values()) each.abort();
  }

  /** The connection is over: nothing is owed any more. */
  end(): void {
    this.#sql.end();
  }

  #reply(request: number, right: Right, answer: () => object): void {
    try {
      allow(this.#principal, right);
      encodeJson(this.#out.writer, KIND.REPLY, request, answer());
      this.#answered();
    } catch (error) {
      this.#refuse(request, error);
    }
  }

  /** Runs a check of the request; what it throws is answered under the request's id. */
  #passes(request: number, check: () => void): boolean {
    try {
      check();
      return true;
    } catch (error) {
      this.#refuse(request, error);
      return false;
    }
  }

  #refuse(request: number, cause: unknown): void {
    const error = asTruthError(cause);
    this.#host.counters.failed(error.code);
    if (error.code === 'FORBIDDEN') this.#host.audit.denied(this.#principal, deniedWhat(error));
    encodeError(this.#out.writer, request, error);
    this.#answered();
  }
}

/** Names are read here, where they come in; behind this the types vouch for them. */
function checkAppend(principal: Principal, append: AppendRequest): void {
  allow(principal, 'append');
  streamName(append.stream);
  let checked: string | null = null;
  for (const { type } of append.events) {
    if (type !== checked) eventType(type);
    checked = type;
  }
}

function checkSubscribe(principal: Principal, subscribe: Subscribe): void {
  allow(principal, 'read');
  if (subscribe.stream !== null) streamName(subscribe.stream);
}

function edge(direction: 'forwards' | 'backwards'): 'start' | 'end' {
  return direction === 'forwards' ? 'start' : 'end';
}

function tooManySlowReaders(): TruthError {
  return new TruthError(
    'BUSY',
    'too many bytes wait for slow readers of this server; try again later or read smaller pages',
    { retryAfterMillis: 1000 },
  );
}
