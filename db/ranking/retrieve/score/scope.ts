import type { Micros, SignalId } from '../../ground.ts';
import type { NumberSet, RankingReaders } from '../../reading.ts';
import type { EntityKind, SignalType, UserItemState } from '../../schema/model.ts';
import type { Budget } from '../execute/budget.ts';
import type { Query } from '../query.ts';
import type { Memory } from './memory.ts';
import { NumberTable } from './number-table.ts';

/** Items that go with those of the user, or with the one the query is about: as many as both sources and features use. */
const NEIGHBOURS_MAX = 1_000;

interface Neighbours {
  readonly items: Uint32Array;
  readonly scores: Float64Array;
}

/** What is asked of the views once a query, whoever needs it. */
interface Answers {
  readonly warnings: Set<string>;
  readonly owned: Map<UserItemState, NumberSet>;
  readonly places: NumberTable;
  neighbours: Neighbours | null;
}

/** All that working out a value needs besides the candidate: the query, the views, and whose signals count. */
export class Scope {
  readonly query: Query;
  readonly readers: RankingReaders;
  readonly budget: Budget;
  readonly memory: Memory;
  /** Counts and velocities are those of these users only; null: everybody's. */
  readonly tuples: NumberSet | null;
  readonly #answers: Answers;

  /** That of a whole query: its cohort is the outermost that WITHIN names. */
  static of(query: Query, readers: RankingReaders, budget: Budget, memory: Memory): Scope {
    const cohort = query.within.findLast((clause) => clause.clause === 'cohort');
    const tuples = cohort === undefined ? null : readers.entities.tuples(cohort.predicate);
    const answers = {
      warnings: new Set<string>(),
      owned: new Map(),
      places: new NumberTable(),
      neighbours: null,
    };
    return new Scope(query, readers, budget, memory, tuples, answers);
  }

  private constructor(
    query: Query,
    readers: RankingReaders,
    budget: Budget,
    memory: Memory,
    tuples: NumberSet | null,
    answers: Answers,
  ) {
    this.query = query;
    this.readers = readers;
    this.budget = budget;
    this.memory = memory;
    this.tuples = tuples;
    this.#answers = answers;
  }

  /** The same query with other users' signals. */
  among(tuples: NumberSet | null): Scope {
    return new Scope(this.query, this.readers, this.budget, this.memory, tuples, this.#answers);
  }

  get kind(): EntityKind {
    return this.query.kind;
  }

  get now(): Micros {
    return this.query.cursor?.now ?? this.query.now;
  }

  get seed(): number {
    return this.query.cursor?.seed ?? this.query.seed;
  }

  get warnings(): readonly string[] {
    return [...this.#answers.warnings];
  }

  warn(text: string): void {
    this.#answers.warnings.add(text);
  }

  signal(id: SignalId): SignalType | undefined {
    return this.readers.entities.schema.signals.find((signal) => signal.id === id);
  }

  /** What the user has of a state; null: there is no user. */
  owned(state: UserItemState): NumberSet | null {
    const { user } = this.query;
    if (user === 0) return null;
    const known = this.#answers.owned.get(state);
    if (known !== undefined) return known;
    const items = this.readers.audience.items(user, state);
    this.#answers.owned.set(state, items);
    return items;
  }

  /** Best first: of the item that the query asks what goes with, else of the user's last items. */
  neighbours(): Neighbours {
    this.#answers.neighbours ??= this.#askNeighbours();
    return this.#answers.neighbours;
  }

  /** Places of the neighbours in their list. */
  neighbourPlaces(): NumberTable {
    const { places } = this.#answers;
    const { items } = this.neighbours();
    if (places.size === 0 && items.length > 0) {
      places.reset(items.length);
      for (const item of items) places.place(item);
    }
    return places;
  }

  #askNeighbours(): Neighbours {
    const { audience } = this.readers;
    const related = this.query.within.find((clause) => clause.clause === 'related');
    if (related !== undefined) return audience.relatedTo(related.item, NEIGHBOURS_MAX, this.now);
    if (this.query.user === 0) return { items: new Uint32Array(0), scores: new Float64Array(0) };
    return audience.neighboursOf(this.query.user, NEIGHBOURS_MAX, this.now);
  }
}
