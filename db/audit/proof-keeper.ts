/** The engine's side of the thread that keeps the proofs: tells it what is stable, asks it, never waits for it. */
import type { Worker } from 'node:worker_threads';
import { type ErrorCode, type ErrorDetails, TruthError } from '../errors.ts';
import { type Scheduler, startThread } from '../io/index.ts';
import type { Sequence } from '../types.ts';
import type { Log } from '../wal/log.ts';
import type { ProofCommand } from './proof-commands.ts';
import type { ProofPolicy, ProofStatus } from './proof-service.ts';

/** What the thread is told when it starts. */
export interface ProofStart {
  readonly directory: string;
  readonly logId: string;
  readonly policy: ProofPolicy;
  readonly bytesPerSecond: number;
}

/** Besides what can be asked from outside: to take in and save what is stable. */
export type KeeperCommand = ProofCommand | { readonly command: 'settle' };

export type ProofQuestion =
  | { readonly kind: 'stable' | 'stop'; readonly stable: Sequence }
  | { readonly kind: 'ask'; readonly id: number; readonly command: KeeperCommand; readonly stable: Sequence };

export type ProofAnswer =
  | { readonly kind: 'status'; readonly status: ProofStatus }
  | { readonly kind: 'report'; readonly line: string }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: object }
  | {
      readonly kind: 'refusal';
      readonly id: number;
      readonly code: ErrorCode;
      readonly message: string;
      readonly details: ErrorDetails;
    }
  | { readonly kind: 'stopped' };

/** What the database answers about its proofs. */
export interface EngineProofs {
  status(): ProofStatus;
  /** Errors: those of the command, CLOSED. */
  ask(command: ProofCommand): Promise<object>;
  /** Resolves when everything stable is in the trees for good. Errors: as `ask`. */
  settle(): Promise<void>;
}

/** Log bytes hashed per second at most: a rebuild is not to take the machine. */
const BYTES_PER_SECOND = 64 * 1024 * 1024;
/** A start has better things to do, and a process that lives for less needs no thread. */
const START_MILLIS = 2000;
/** The thread hears of what is stable no more often than this. */
const TELL_MILLIS = 50;
const ASKED_MAX = 64;
const STOP_MILLIS = 5000;

export interface ProofKeeperOptions {
  readonly directory: string;
  readonly log: Pick<Log, 'identity' | 'stable' | 'onStable'>;
  readonly policy: ProofPolicy;
  readonly scheduler: Pick<Scheduler, 'after'>;
  readonly report: (line: string) => void;
}

export class ProofKeeper implements EngineProofs {
  readonly #options: ProofKeeperOptions;
  #thread: Worker | null = null;
  readonly #asked = new Map<number, PromiseWithResolvers<object>>();
  readonly #stopped = Promise.withResolvers<void>();
  readonly #stopListening: () => void;
  readonly #stopStarting: () => void;
  #status: ProofStatus = { sequence: 0, signed: 0, checkpoints: 0, problem: null };
  #next = 1;
  #telling: (() => void) | null = null;
  #ended: string | null = null;

  constructor(options: ProofKeeperOptions) {
    this.#options = options;
    this.#stopListening = options.log.onStable(() => this.#tellSoon());
    this.#stopStarting = options.scheduler.after(START_MILLIS, () => this.#start());
  }

  /** The thread, started when it is first needed. */
  #start(): Worker {
    if (this.#thread !== null) return this.#thread;
    const { directory, log, policy } = this.#options;
    const logId = Buffer.from(log.identity.logId).toString('hex');
    const start: ProofStart = { directory, logId, policy, bytesPerSecond: BYTES_PER_SECOND };
    const thread = startThread('proof', start);
    this.#thread = thread;
    // Nothing waits for it: a process may end while it works.
    thread.unref();
    thread.on('message', (answer: ProofAnswer) => this.#hear(answer));
    thread.on('error', (error: Error) =>
      this.#end(`the thread that keeps the proofs has failed: ${error.message}`),
    );
    thread.on('exit', () => this.#end('the thread that keeps the proofs has ended'));
    this.#tellSoon();
    return thread;
  }

  status(): ProofStatus {
    return this.#ended === null
      ? this.#status
      : { ...this.#status, problem: this.#status.problem ?? this.#ended };
  }

  async settle(): Promise<void> {
    await this.#ask({ command: 'settle' });
  }

  ask(command: ProofCommand): Promise<object> {
    return this.#ask(command);
  }

  #ask(command: KeeperCommand): Promise<object> {
    if (this.#ended !== null) return Promise.reject(new TruthError('CLOSED', this.#ended));
    if (this.#asked.size >= ASKED_MAX) {
      const busy = `${ASKED_MAX} questions about proofs are waiting: ask again later`;
      return Promise.reject(new TruthError('BUSY', busy, { retryAfterMillis: 100 }));
    }
    const id = this.#next++;
    const asked = Promise.withResolvers<object>();
    this.#asked.set(id, asked);
    this.#start();
    this.#post({ kind: 'ask', id, command, stable: this.#options.log.stable });
    return asked.promise;
  }

  /** Lets it sign what it can in a few seconds, then ends it. */
  async stop(): Promise<void> {
    this.#stopListening();
    this.#stopStarting();
    this.#telling?.();
    // One that has not begun yet has nothing to end: what it would have signed is signed after the next start.
    if (this.#thread !== null && this.#ended === null) {
      this.#post({ kind: 'stop', stable: this.#options.log.stable });
      const late = setTimeout(() => this.#stopped.resolve(), STOP_MILLIS);
      await this.#stopped.promise;
      clearTimeout(late);
    }
    this.#end('the database is closed: open it again');
    await this.#thread?.terminate();
  }

  #tellSoon(): void {
    if (this.#telling !== null || this.#thread === null) return;
    this.#telling = this.#options.scheduler.after(TELL_MILLIS, () => {
      this.#telling = null;
      this.#post({ kind: 'stable', stable: this.#options.log.stable });
    });
  }

  #post(question: ProofQuestion): void {
    if (this.#ended === null) this.#thread?.postMessage(question);
  }

  #hear(answer: ProofAnswer): void {
    if (answer.kind === 'status') this.#status = answer.status;
    else if (answer.kind === 'report') this.#options.report(answer.line);
    else if (answer.kind === 'stopped') this.#stopped.resolve();
    else if (answer.kind === 'answer') this.#settle(answer.id)?.resolve(answer.answer);
    else this.#settle(answer.id)?.reject(new TruthError(answer.code, answer.message, answer.details));
  }

  #settle(id: number): PromiseWithResolvers<object> | undefined {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    return asked;
  }

  #end(reason: string): void {
    this.#ended ??= reason;
    this.#stopped.resolve();
    for (const id of [...this.#asked.keys()]) this.#settle(id)?.reject(new TruthError('CLOSED', reason));
  }
}
