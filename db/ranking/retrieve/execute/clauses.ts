import type { SignalId } from '../../ground.ts';
import { SortedNumbers } from '../../indexes/bitmaps/index.ts';
import type { SignalType } from '../../schema/model.ts';
import { describeClause, type Trace } from '../explain/index.ts';
import type { CandidateClause } from '../query.ts';
import type { RankedList } from '../score/fusion.ts';
import { attentionSignal } from '../score/roles.ts';
import type { Scope } from '../score/scope.ts';
import { type Finder, joined } from './finder.ts';

/** What the clauses of WITHIN left, and the lists that they made on the way. */
interface Left {
  /** Null: there are no clauses. */
  readonly set: SortedNumbers | null;
  readonly lists: readonly RankedList[];
}

/** Carries out the clauses of WITHIN, the innermost first: each finds its best in what the one before it left. */
export function within(finder: Finder, scope: Scope, trace: Trace): Left {
  let set: SortedNumbers | null = null;
  const lists: RankedList[] = [];
  for (const clause of scope.query.within) {
    const before: number = set?.size ?? scope.readers.entities.active(scope.kind.id).size;
    const label = describeClause(clause, scope.readers.entities, scope.kind);
    const found = itemsOf(clause, set, finder, scope);
    for (const items of found) lists.push({ label, items, weight: 1 });
    set = SortedNumbers.of(joined(found).subarray(0, scope.memory.capacity));
    trace.row('within', label, before, set.size);
  }
  return { set, lists };
}

function itemsOf(
  clause: CandidateClause,
  set: SortedNumbers | null,
  finder: Finder,
  scope: Scope,
): readonly Uint32Array[] {
  switch (clause.clause) {
    case 'trending': {
      const signal = signalOf(clause.signal, scope);
      const everybody = scope.among(null);
      return signal === undefined
        ? []
        : [finder.trending(signal, clause.window, clause.limit, set, everybody)];
    }
    case 'cohort': {
      const signal = signalOf(clause.signal, scope);
      const cohort = scope.among(scope.readers.entities.tuples(clause.predicate));
      return signal === undefined ? [] : [finder.trending(signal, clause.window, clause.limit, set, cohort)];
    }
    case 'following':
      return [finder.following(clause.relationship, clause.user, clause.limit, set)];
    case 'related':
      return finder.related(clause.item, clause.limit, set);
    case 'state':
      return [finder.owned(clause.state, clause.user, set)];
    case 'search':
      return [finder.search(clause.text, clause.limit, set).items];
    case 'creator':
      return [finder.creator(clause.creator, set)];
    case 'items':
      return [finder.given(clause.items, set)];
  }
}

/** The signal that is named, or the one that people look at things by. */
function signalOf(named: SignalId | null, scope: Scope): SignalType | undefined {
  const signal =
    named === null ? attentionSignal(scope.readers.entities.schema, scope.kind) : scope.signal(named);
  if (signal === undefined)
    scope.warn(`the schema has no signal of ${scope.kind.name} to trend by: nothing trends`);
  return signal;
}
