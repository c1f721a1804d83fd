/**
 * The signals of a batch by the person each is sealed for: whoever did it, where users are persons, or else what it is about,
 * where that is one. Persons come in the order of their first signal, and each one's signals keep theirs.
 */
import { kindById, userKind } from '../schema/index.ts';
import type { RankingSchema } from '../schema/model.ts';
import type { SignalDraft } from './command.ts';

const NONE = -1;

export class SignalSubjects {
  /** Person of each group; null: about nobody. */
  readonly subjects: (string | null)[] = [];
  readonly #firsts: number[] = [];
  readonly #lasts: number[] = [];
  /** By place in the batch: the next one of its group. */
  readonly #next: Int32Array;

  private constructor(signals: number) {
    this.#next = new Int32Array(signals).fill(NONE);
  }

  /** Null where signals are about no persons at all: they stay as they came. */
  static of(schema: RankingSchema, signals: readonly SignalDraft[]): SignalSubjects | null {
    const { areUsers, about } = personsIn(schema);
    if (!areUsers && about.size === 0) return null;
    const found = new SignalSubjects(signals.length);
    const groups = new Map<string | null, number>();
    for (let index = 0; index < signals.length; index++) {
      const { signal, target, user } = signals[index]!;
      const person = areUsers && user !== null ? user : about.has(signal) ? target : null;
      found.#add(groups, typeof person === 'string' ? person : null, index);
    }
    return found;
  }

  /** Places of a group's signals, ascending. */
  *placesOf(group: number): Generator<number> {
    for (let index = this.#firsts[group]!; index !== NONE; index = this.#next[index]!) yield index;
  }

  #add(groups: Map<string | null, number>, subject: string | null, index: number): void {
    const group = groups.get(subject);
    if (group === undefined) {
      groups.set(subject, this.subjects.length);
      this.subjects.push(subject);
      this.#firsts.push(index);
      this.#lasts.push(index);
      return;
    }
    this.#next[this.#lasts[group]!] = index;
    this.#lasts[group] = index;
  }
}

interface Persons {
  readonly areUsers: boolean;
  /** Names of signals that are about persons. */
  readonly about: ReadonlySet<string>;
}

/** By schema, which is another one after each change. */
const known = new WeakMap<RankingSchema, Persons>();

function personsIn(schema: RankingSchema): Persons {
  let persons = known.get(schema);
  if (persons === undefined) {
    const about = schema.signals.filter(({ target }) => kindById(schema, target)?.person);
    persons = {
      areUsers: userKind(schema)?.person ?? false,
      about: new Set(about.map(({ name }) => name)),
    };
    known.set(schema, persons);
  }
  return persons;
}
