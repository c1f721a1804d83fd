/** Has questions about the catalog answered by their own thread, one after the other, each within its time. */
import type { Worker } from 'node:worker_threads';
import { TruthError } from '../../../errors.ts';
import { startThread } from '../../../io/threads.ts';
import { sqlError } from '../../../sql/types/sql-error.ts';
import type { CatalogReply, CatalogRequest } from './catalog-thread.ts';
import type { CatalogContent, CatalogValue } from './content.ts';

export interface CatalogQuestion {
  /** Names the content: the same key means the same content. */
  readonly key: string;
  readonly content: () => CatalogContent;
  readonly sql: string;
  readonly parameters: readonly CatalogValue[];
}

type Rows = readonly (readonly CatalogValue[])[];

interface Waiting {
  readonly question: CatalogQuestion;
  readonly resolve: (rows: Rows) => void;
  readonly reject: (error: Error) => void;
}

const QUESTION_MILLIS = 5000;
const WAITING_MAX = 256;

export class CatalogAnswers {
  readonly #millis: number;
  readonly #waiting: Waiting[] = [];
  #thread: Worker | null = null;
  #asked: Waiting | null = null;
  #timer: NodeJS.Timeout | null = null;
  #id = 0;
  #closed = false;

  /** `millis`: what one question may take. */
  constructor(millis = QUESTION_MILLIS) {
    this.#millis = millis;
  }

  /** Errors: INVALID_ARGUMENT, TOO_LARGE, TIMEOUT (57014), BUSY, CLOSED. */
  ask(question: CatalogQuestion): Promise<Rows> {
    return new Promise((resolve, reject) => {
      if (this.#closed) throw new TruthError('CLOSED', 'the server is closing');
      if (this.#waiting.length >= WAITING_MAX) {
        throw new TruthError(
          'BUSY',
          'too many questions about the catalog wait for an answer; try again later',
        );
      }
      this.#waiting.push({ question, resolve, reject });
      this.#askNext();
    });
  }

  #askNext(): void {
    if (this.#asked !== null) return;
    this.#asked = this.#waiting.shift() ?? null;
    if (this.#asked === null) return;
    this.#timer = setTimeout(() => this.#tooLong(), this.#millis);
    this.#send(this.#asked.question, null);
  }

  #send({ key, sql, parameters }: CatalogQuestion, content: CatalogContent | null): void {
    this.#id += 1;
    const request: CatalogRequest = { id: this.#id, key, content, sql, parameters };
    this.#running().postMessage(request);
  }

  /** Started when it is first needed: most servers are never asked. */
  #running(): Worker {
    if (this.#thread !== null) return this.#thread;
    const thread = startThread('pg-catalog', null);
    thread.unref();
    thread.on('message', (reply: CatalogReply) => this.#replied(reply));
    thread.on('error', (cause: Error) => {
      if (this.#thread === thread)
        this.#lost(new TruthError('INTERNAL', `the catalog's thread has failed: ${cause.message}`));
    });
    this.#thread = thread;
    return thread;
  }

  #replied(reply: CatalogReply): void {
    const asked = this.#asked;
    if (asked === null || reply.id !== this.#id) return;
    if ('failed' in reply && reply.failed === 'unknown content') {
      this.#send(asked.question, asked.question.content());
      return;
    }
    this.#settle();
    if ('rows' in reply) asked.resolve(reply.rows);
    else asked.reject(sqlError(reply.failed === 'too large' ? '54000' : '22023', reply.why));
    this.#askNext();
  }

  #tooLong(): void {
    this.#lost(
      new TruthError(
        'TIMEOUT',
        `a question about the catalog took more than ${this.#millis} ms and was given up`,
        {
          sqlstate: '57014',
        },
      ),
    );
  }

  /** The thread is of no use any more; the next question starts another one. */
  #lost(error: TruthError): void {
    void this.#thread?.terminate();
    this.#thread = null;
    const asked = this.#asked;
    this.#settle();
    asked?.reject(error);
    this.#askNext();
  }

  #settle(): void {
    this.#asked = null;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { reject } of this.#waiting.splice(0))
      reject(new TruthError('CLOSED', 'the server is closing'));
    const thread = this.#thread;
    this.#lost(new TruthError('CLOSED', 'the server is closing'));
    await thread?.terminate();
  }
}
