/** How the elements of a batch fared, as it is decided. */
import { type ErrorCode, TruthError } from '../../errors.ts';
import { type BatchReply, OUTCOME, type Refusal } from './command.ts';

export class BatchResult {
  readonly #outcomes: Uint8Array;
  readonly #refusals: Refusal[] = [];
  #duplicates = 0;
  #unchanged = 0;

  constructor(elements: number) {
    this.#outcomes = new Uint8Array(elements);
  }

  duplicate(index: number): void {
    this.#outcomes[index] = OUTCOME.duplicate;
    this.#duplicates += 1;
  }

  unchanged(index: number): void {
    this.#outcomes[index] = OUTCOME.unchanged;
    this.#unchanged += 1;
  }

  refuse(index: number, code: ErrorCode, message: string): void {
    this.#outcomes[index] = OUTCOME.refused;
    this.#refusals.push({ index, code, message });
  }

  /** The command's own error, when nothing of it may be written because of one element. */
  get error(): TruthError | null {
    const [first] = this.#inOrder();
    if (first === undefined) return null;
    const more = this.#refusals.length - 1;
    const rest = more === 0 ? '' : ` (and ${more} more)`;
    return new TruthError(first.code, `element ${first.index} of the batch: ${first.message}${rest}`, {
      index: first.index,
      refused: this.#refusals.length,
    });
  }

  reply(): BatchReply {
    const [duplicates, unchanged, refusals] = [this.#duplicates, this.#unchanged, this.#inOrder()];
    const accepted = this.#outcomes.length - duplicates - unchanged - refusals.length;
    return { reply: 'batch', accepted, duplicates, unchanged, outcomes: this.#outcomes, refusals };
  }

  /** Of the batch, which may have been decided in another one. */
  #inOrder(): readonly Refusal[] {
    return this.#refusals.sort((a, b) => a.index - b.index);
  }
}

const BATCH_MAX = 10_000;

/** Errors: INVALID_ARGUMENT, TOO_LARGE. */
export function checkBatch(what: string, elements: number): void {
  if (elements === 0) throw new TruthError('INVALID_ARGUMENT', `there are no ${what}: give at least one`);
  if (elements > BATCH_MAX)
    throw new TruthError('TOO_LARGE', `${elements} ${what} at once, more than ${BATCH_MAX}: split them`, {
      elements,
      elementsMax: BATCH_MAX,
    });
}
