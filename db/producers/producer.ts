/** A producer in its own thread: appends go into its ring, answers come back, nothing else is shared. */
import { TruthError } from '../errors.ts';
import {
  ByteWriter,
  decodeAppended,
  decodeError,
  encodeAppend,
  FrameReader,
  KIND,
} from '../protocol/index.ts';
import type { AppendRequest, AppendResult } from '../streams/event.ts';
import { revision } from '../types.ts';
import { AnswerPace } from './answer-pace.ts';
import { type Bell, WAKE } from './bell.ts';
import {
  ANSWER_BYTES_MAX,
  checkWithin,
  PORT_STATE,
  PRODUCER_STATE,
  type ProducerHandle,
  portBellOf,
  producerBellOf,
  ringsOf,
  StateWord,
} from './handle.ts';
import { PendingAppends } from './pending-appends.ts';
import { RingReader, RingWriter } from './ring.ts';
import { WaitingLine } from './waiting-line.ts';

const WAITING_MAX = 65_536;
/** As long as a timer can be: it only keeps the thread there while answers are owed to it. */
const TIMER_MILLIS_MAX = 2 ** 31 - 1;

export interface ProducerOptions {
  /**
   * What an append does that finds the queue full: `wait` in line (the default), in the order of the calls, or be refused
   * with BUSY (details.retryAfterMillis) at once.
   */
  readonly whenFull?: 'wait' | 'refuse';
  /**
   * Appends that may wait in line; the next is refused with BUSY. As many as may be under way unless given. Their bytes
   * together may be as many as the handle's queue holds; one alone may always wait.
   */
  readonly waitingMax?: number;
}

export class Producer {
  readonly #handle: ProducerHandle;
  readonly #requests: RingWriter;
  readonly #answers: RingReader;
  readonly #bell: Bell;
  readonly #portBell: Bell;
  readonly #portState: StateWord;
  readonly #producerState: StateWord;
  readonly #out = new ByteWriter();
  readonly #frames = new FrameReader(ANSWER_BYTES_MAX);
  readonly #pending: PendingAppends;
  readonly #line: WaitingLine;
  readonly #pace = new AnswerPace();
  /** A sleep on shared memory does not keep a thread from ending; this does, while something is owed. */
  readonly #keepAlive = setInterval(() => {}, TIMER_MILLIS_MAX).unref();
  readonly #idle: (() => void)[] = [];
  /** Given to the port and not answered. */
  #underWay = 0;
  #attending = false;
  #closed = false;

  constructor(handle: ProducerHandle, waitingMax: number) {
    const rings = ringsOf(handle);
    this.#handle = handle;
    this.#requests = new RingWriter(handle.memory, rings.requests);
    this.#answers = new RingReader(handle.memory, rings.answers);
    this.#bell = producerBellOf(handle);
    this.#portBell = portBellOf(handle.portBell);
    this.#portState = new StateWord(handle, 'portState');
    this.#producerState = new StateWord(handle, 'producerState');
    this.#pending = new PendingAppends(handle.requests + waitingMax);
    this.#line = new WaitingLine(waitingMax, handle.requestBytes);
  }

  /**
   * As Engine.append, with its errors, from any thread: decided in the order of this producer's calls, its bytes copied in
   * the call. BUSY also when the queue is full, TOO_LARGE also when the append does not fit into it, CLOSED when port or
   * producer are closed; what was under way then may or may not be in the log, and sending it again unchanged settles it.
   */
  append(request: AppendRequest): Promise<AppendResult> {
    try {
      return this.#submit(request);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Takes nothing more and resolves when everything has been answered; the port then forgets the handle. */
  async close(): Promise<void> {
    this.#closed = true;
    while (this.#pending.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
    clearInterval(this.#keepAlive);
    if (!this.#producerState.change(PRODUCER_STATE.connected, PRODUCER_STATE.closed)) return;
    this.#portBell.ring();
  }

  #submit(request: AppendRequest): Promise<AppendResult> {
    this.#checkOpen();
    if (typeof request.expected === 'number') revision(request.expected);
    const number = this.#pending.nextNumber;
    // Without a free number the line is full: only its length is wanted then.
    encodeAppend(this.#out, number ?? 0, request);
    try {
      const frame = this.#out.taken();
      if (frame.length > this.#handle.requestBytes) throw this.#tooLarge(request, frame.length);
      if (this.#line.length === 0 && this.#hasRoom(frame.length)) this.#give(frame);
      else if (number === null || !this.#line.admits(frame.length)) throw this.#busy();
      else this.#wait(frame);
      return this.#owed(request);
    } finally {
      this.#out.reuse();
    }
  }

  #owed({ stream }: AppendRequest): Promise<AppendResult> {
    const now = performance.now();
    if (this.#pending.size === 0) this.#pace.begins(now);
    const answer = this.#pending.add(stream, now);
    if (!this.#attending) this.#attend();
    return answer;
  }

  #hasRoom(bytes: number): boolean {
    return this.#underWay < this.#handle.requests && this.#requests.hasRoom(bytes);
  }

  #give(frame: Uint8Array): void {
    this.#underWay += 1;
    this.#requests.put(frame);
    this.#requests.publish();
    this.#portBell.ring();
  }

  #wait(frame: Uint8Array): void {
    this.#line.push(frame);
    // Who sleeps for answers alone must now be woken by room as well.
    if (this.#line.length === 1) this.#bell.ring();
  }

  /** Runs while answers are owed: takes them, gives what waits in line, sleeps until the port rings. */
  async #attend(): Promise<void> {
    this.#attending = true;
    this.#keepAlive.ref();
    try {
      while (this.#pending.size > 0) {
        const { signal } = this.#bell;
        // Read before the answers: the port publishes the last of them before it says that it has closed.
        const state = this.#portState.value;
        const moved = this.#receive() || this.#giveWaiting();
        if (state !== PORT_STATE.open) throw ended(state);
        if (this.#pending.size === 0) break;
        const wake = this.#line.length > 0 ? WAKE.workOrRoom : WAKE.work;
        // After work the thread's other affairs come first.
        await ((moved ? null : this.#bell.sleep(signal, wake)) ?? turn());
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#attending = false;
    this.#keepAlive.unref();
    for (const tell of this.#idle.splice(0)) tell();
  }

  /** Whether there were answers. */
  #receive(): boolean {
    const count = this.#answers.length;
    for (let at = 0; at < count; at++) this.#answer(this.#answers.peek(at));
    if (count === 0) return false;
    this.#answers.release(count);
    this.#underWay -= count;
    this.#giveWaiting();
    return true;
  }

  #answer(frame: Buffer): void {
    this.#frames.push(frame);
    if (!this.#frames.next()) throw new TruthError('PROTOCOL', 'the port has published half an answer');
    const { kind, request, body } = this.#frames;
    const pending = this.#pending.take(request);
    const now = performance.now();
    this.#pace.answered(now, now - pending.at);
    if (kind === KIND.APPENDED) pending.resolve(decodeAppended(body, pending.stream));
    else pending.reject(decodeError(body));
  }

  #giveWaiting(): boolean {
    let given = false;
    for (let frame = this.#line.peek(); frame !== null; frame = this.#line.peek()) {
      if (!this.#hasRoom(frame.length)) return given;
      this.#give(frame);
      this.#line.shift();
      given = true;
    }
    return given;
  }

  /** Nothing that is owed will come. */
  #fail(error: unknown): void {
    this.#closed = true;
    this.#line.clear();
    for (const pending of this.#pending.takeAll()) pending.reject(error);
    this.#underWay = 0;
  }

  #checkOpen(): void {
    const state = this.#portState.value;
    if (state !== PORT_STATE.open) throw ended(state);
    if (this.#closed) throw new TruthError('CLOSED', 'this producer is closed: connect another one');
  }

  #tooLarge({ stream }: AppendRequest, bytes: number): TruthError {
    const bytesMax = this.#handle.requestBytes;
    return new TruthError(
      'TOO_LARGE',
      `append to "${stream}" takes ${bytes} bytes, more than the ${bytesMax} of this producer's queue: split it, or ask the port for a handle with more requestBytes`,
      { bytes, bytesMax },
    );
  }

  #busy(): TruthError {
    const retryAfterMillis = this.#pace.millisForAll(performance.now());
    return new TruthError(
      'BUSY',
      `this producer's queue is full: ${this.#underWay} appends are under way and ${this.#line.length} wait; try again in ${retryAfterMillis} ms`,
      { retryAfterMillis },
    );
  }
}

/**
 * The producer of a handle, in the thread it was passed to. Errors: LOCKED (the handle is used already), CLOSED (the port
 * is closed or has released the handle), INVALID_ARGUMENT.
 */
export function connectProducer(handle: ProducerHandle, options: ProducerOptions = {}): Producer {
  const { whenFull = 'wait', waitingMax = handle.requests } = options;
  checkWithin('waitingMax', waitingMax, 0, WAITING_MAX);
  const state = new StateWord(handle, 'portState').value;
  if (state !== PORT_STATE.open) throw ended(state);
  if (!new StateWord(handle, 'producerState').change(PRODUCER_STATE.none, PRODUCER_STATE.connected)) {
    throw new TruthError(
      'LOCKED',
      'this handle has been connected before, here or in another thread: ask the port for one more',
    );
  }
  return new Producer(handle, whenFull === 'wait' ? waitingMax : 0);
}

function ended(state: number): TruthError {
  if (state === PORT_STATE.broken) {
    return new TruthError(
      'PROTOCOL',
      'the port has ended this producer: its memory held what no producer writes; ask for another handle and look for who writes there',
    );
  }
  return new TruthError(
    'CLOSED',
    'the port has closed or released this producer: appends without an answer may or may not be in the log; send them again unchanged when there is another',
  );
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
