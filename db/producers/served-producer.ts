/** One producer as the ordering thread sees it: requests come out of its ring into the engine, answers go back. */
import type { Engine } from '../engine.ts';
import { TruthError } from '../errors.ts';
import {
  ByteWriter,
  decodeAppend,
  encodeAppended,
  encodeError,
  FrameReader,
  KIND,
  PROTOCOL_VERSION_MAX,
} from '../protocol/index.ts';
import type { AppendRequest, AppendResult } from '../streams/event.ts';
import type { Bell } from './bell.ts';
import {
  ANSWER_BYTES_MAX,
  PORT_STATE,
  PRODUCER_STATE,
  type ProducerHandle,
  producerBellOf,
  ringsOf,
  StateWord,
} from './handle.ts';
import { RingReader, RingWriter } from './ring.ts';

/** What an error keeps when all of it would not fit into an answer: three bytes a character at most, and short details. */
const SHORT_MESSAGE_CHARACTERS = 200;
const SHORT_DETAILS_CHARACTERS = 64;

/** As much of an engine as a port asks. */
export type SubmittingEngine = Pick<Engine, 'submit'>;

/** What all producers of a port share. */
export interface Admission {
  readonly open: boolean;
  take(bytes: number): void;
  give(bytes: number): void;
}

/** How much a producer may hand over in one turn; one request at least, however large. */
export interface Quantum {
  readonly requests: number;
  readonly bytes: number;
}

export class ServedProducer {
  readonly handle: ProducerHandle;
  readonly #engine: SubmittingEngine;
  readonly #admission: Admission;
  readonly #requests: RingReader;
  readonly #answers: RingWriter;
  readonly #bell: Bell;
  readonly #portState: StateWord;
  readonly #producerState: StateWord;
  readonly #frames: FrameReader;
  readonly #out = new ByteWriter();
  #underWay = 0;
  #publishing = false;

  constructor(handle: ProducerHandle, engine: SubmittingEngine, admission: Admission) {
    const rings = ringsOf(handle);
    this.handle = handle;
    this.#engine = engine;
    this.#admission = admission;
    this.#requests = new RingReader(handle.memory, rings.requests);
    this.#answers = new RingWriter(handle.memory, rings.answers);
    this.#bell = producerBellOf(handle);
    this.#portState = new StateWord(handle, 'portState');
    this.#producerState = new StateWord(handle, 'producerState');
    this.#frames = new FrameReader(handle.requestBytes);
  }

  /** Requests published and not taken. */
  get queued(): number {
    return this.#ended ? 0 : this.#requests.length;
  }

  /** Requests taken and not answered. */
  get underWay(): number {
    return this.#underWay;
  }

  /** Its thread has closed it, and everything it asked for had been answered then. */
  get finished(): boolean {
    return this.#producerState.value === PRODUCER_STATE.closed;
  }

  /** Takes requests in their order, as many as quantum and admission allow; whether there were any. */
  take(quantum: Quantum): boolean {
    let taken = 0;
    let bytes = 0;
    const queued = Math.min(this.queued, quantum.requests);
    while (taken < queued && bytes < quantum.bytes && this.#admission.open) {
      const frame = this.#requests.peek(taken);
      taken += 1;
      bytes += frame.length;
      if (this.#submit(frame)) continue;
      this.end(PORT_STATE.broken);
      return true;
    }
    if (taken === 0) return false;
    // The engine has copied what it keeps.
    this.#requests.release(taken);
    this.#bell.ringForRoom();
    return true;
  }

  /** Nothing is taken any more, and what is under way will not be answered; the producer's thread hears of it. */
  end(state: typeof PORT_STATE.closed | typeof PORT_STATE.broken): void {
    if (this.#ended) return;
    this.#answers.publish();
    this.#portState.value = state;
    this.#bell.ring();
  }

  get #ended(): boolean {
    return this.#portState.value !== PORT_STATE.open;
  }

  /** False for what no producer of ours writes: another thread has written into its memory. */
  #submit(frame: Buffer): boolean {
    const decoded = this.#decode(frame);
    // A producer counts what it is owed before it asks for more, so an answer always finds room.
    if (decoded === null || this.#underWay + this.#answers.length >= this.handle.requests) return false;
    const { number, request } = decoded;
    const bytes = frame.length;
    this.#underWay += 1;
    this.#admission.take(bytes);
    this.#engine.submit(request, (outcome) => this.#answered(number, bytes, outcome));
    return true;
  }

  #decode(frame: Buffer): { number: number; request: AppendRequest } | null {
    try {
      this.#frames.push(frame);
      if (!this.#frames.next() || this.#frames.kind !== KIND.APPEND) return null;
      const request = decodeAppend(this.#frames.body, PROTOCOL_VERSION_MAX);
      return { number: this.#frames.request, request };
    } catch (error) {
      if (error instanceof TruthError) return null;
      throw error;
    }
  }

  #answered(number: number, bytes: number, outcome: AppendResult | Error): void {
    this.#underWay -= 1;
    this.#admission.give(bytes);
    if (this.#ended) return;
    if (outcome instanceof Error) encodeRefusal(this.#out, number, outcome);
    else encodeAppended(this.#out, number, outcome);
    this.#answers.put(this.#out.taken());
    this.#out.reuse();
    if (this.#publishing) return;
    this.#publishing = true;
    // Answers that leave the engine together wake the producer's thread once.
    queueMicrotask(() => {
      this.#publishing = false;
      this.#answers.publish();
      this.#bell.ring();
    });
  }
}

function encodeRefusal(out: ByteWriter, number: number, cause: Error): void {
  const error = asTruthError(cause);
  encodeError(out, number, error);
  if (out.length <= ANSWER_BYTES_MAX) return;
  out.rewind(0);
  const message = `${error.message.slice(0, SHORT_MESSAGE_CHARACTERS)}…`;
  const short = JSON.stringify(error.details).length <= SHORT_DETAILS_CHARACTERS;
  encodeError(out, number, new TruthError(error.code, message, short ? error.details : {}));
}

function asTruthError(error: Error): TruthError {
  if (error instanceof TruthError) return error;
  return new TruthError('INTERNAL', `unexpected failure: ${error.message}`, {}, { cause: error });
}
