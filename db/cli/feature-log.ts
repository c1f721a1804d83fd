/** Candidates that an evaluation showed, as lines for programs that learn: JSON, or a table. */
import type { ShownCandidate } from '../engine.ts';
import { TruthError } from '../errors.ts';
import type { Output } from './output.ts';
import { recordText } from './table-text.ts';

const COLUMNS = ['position', 'at', 'user', 'profile', 'item', 'place', 'score', 'went'] as const;

export class FeatureLog {
  readonly #output: Output;
  readonly #isTable: boolean;
  /** Features of a table, once there are any. */
  #features: readonly string[] | null = null;

  constructor(output: Output, isTable: boolean) {
    this.#output = output;
    this.#isTable = isTable;
  }

  /** Errors: INVALID_ARGUMENT, when a table would need other columns than its first line has. */
  async write(candidates: readonly ShownCandidate[]): Promise<void> {
    for (const candidate of candidates) {
      if (this.#isTable) await this.#row(candidate);
      else await this.#output.line(JSON.stringify({ ...candidate, went: candidate.went ? 1 : 0 }));
    }
  }

  async #row(candidate: ShownCandidate): Promise<void> {
    const names = Object.keys(candidate.features);
    if (this.#features === null) {
      this.#features = names;
      await this.#output.line(recordText([...COLUMNS, ...names]));
    }
    const strange = names.find((name) => this.#features?.includes(name) !== true);
    if (strange !== undefined) throw unforeseen(strange, candidate.position);
    const { went, features, ...rest } = candidate;
    const cells = COLUMNS.map((name) => (name === 'went' ? Number(went) : rest[name]));
    const values = this.#features.map((name) => features[name] ?? '');
    await this.#output.line(recordText([...cells, ...values].map(String)));
  }
}

function unforeseen(feature: string, position: number): TruthError {
  return new TruthError(
    'INVALID_ARGUMENT',
    `at position ${position} the profile has the feature ${feature}, which the columns of the table lack, because the schema was another one before: write JSON lines (--features FILE.jsonl), or evaluate a later time`,
    { position },
  );
}
