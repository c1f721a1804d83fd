import { TruthError } from '../../../errors.ts';
import type { EntityKind, ScalarFunction } from '../../schema/model.ts';
import type { Measure } from './measure.ts';

/** What is read from a view, or from the query. */
export type Leaf = Exclude<Measure, { readonly scalar: 'number' | 'apply' }>;

type Step =
  | { readonly step: 'number'; readonly value: number }
  | { readonly step: 'leaf'; readonly leaf: Leaf }
  | { readonly step: 'apply'; readonly function: ScalarFunction; readonly of: readonly number[] };

/** Measures as steps over columns: each step once however often it is written, and those before it that it needs. */
export interface Program {
  readonly steps: readonly Step[];
  /** Of each measure, the step that gives it. */
  readonly results: readonly number[];
  /** Of each step, the last one that reads it, or the number of steps where it is a result. */
  readonly lastUse: readonly number[];
  /** Whether places in lists are asked for. */
  readonly usesPlaces: boolean;
}

/** Computed attributes may be made of computed ones; deeper than this is a circle that the schema should have refused. */
const DEPTH_MAX = 200;

/** Works out the steps of measures of entities of a kind. Errors: INVALID_ARGUMENT where they nest too deeply. */
export function compile(measures: readonly Measure[], kind: EntityKind): Program {
  const compiler = new Compiler(kind);
  const results = measures.map((measure) => compiler.step(measure, 0));
  const { steps } = compiler;
  const lastUse = steps.map((_, at) => at);
  steps.forEach((step, at) => {
    if (step.step === 'apply') for (const read of step.of) lastUse[read] = at;
  });
  for (const result of results) lastUse[result] = steps.length;
  const usesPlaces = steps.some(
    (step) => step.step === 'leaf' && step.leaf.scalar === 'feature' && step.leaf.feature === 'fused',
  );
  return Object.freeze({ steps, results, lastUse, usesPlaces });
}

class Compiler {
  readonly steps: Step[] = [];
  readonly #kind: EntityKind;
  readonly #known = new Map<string, number>();

  constructor(kind: EntityKind) {
    this.#kind = kind;
  }

  step(measure: Measure, depth: number): number {
    if (depth > DEPTH_MAX) {
      throw new TruthError(
        'INVALID_ARGUMENT',
        `an expression nests more than ${DEPTH_MAX} deep: write it flatter`,
      );
    }
    if (measure.scalar === 'number') {
      return this.#once(`n${measure.value}`, { step: 'number', value: measure.value });
    }
    if (measure.scalar === 'apply') {
      const of = measure.of.map((part) => this.step(part, depth + 1));
      return this.#once(`${measure.function}(${of})`, { step: 'apply', function: measure.function, of });
    }
    if (measure.scalar === 'attribute') {
      const attribute = this.#kind.attributes.find(({ id }) => id === measure.attribute);
      if (attribute?.computed) return this.step(attribute.computed, depth + 1);
    }
    return this.#once(JSON.stringify(measure), { step: 'leaf', leaf: measure });
  }

  #once(key: string, step: Step): number {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    this.#known.set(key, this.steps.length);
    return this.steps.push(step) - 1;
  }
}
