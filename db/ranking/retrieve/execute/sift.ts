import type { Predicate } from '../../schema/model.ts';
import { describePredicate, type Trace } from '../explain/index.ts';
import type { Plan } from '../plan/index.ts';
import { type Batch, fillMask, type Scope } from '../score/index.ts';

/** Leaves out what is not active, what the query excludes, and what fails a condition: the cheapest are put first. */
export function sift(batch: Batch, plan: Plan, scope: Scope, trace: Trace): void {
  scope.budget.enter('conditions');
  const mask = scope.memory.mask();
  putShown(batch, scope, mask, trace);
  for (const predicate of [...plan.conditions.states, ...plan.conditions.features]) {
    put(predicate, batch, scope, mask, trace);
  }
  scope.memory.giveMask(mask);
}

function putShown(batch: Batch, scope: Scope, mask: Uint8Array, trace: Trace): void {
  const active = scope.readers.entities.active(scope.kind.id);
  const excluded = new Set<number>(scope.query.exclude);
  for (const clause of scope.query.within) if (clause.clause === 'related') excluded.add(clause.item);
  const before = batch.count;
  for (let at = 0; at < before; at++) {
    const id = batch.ids[at]!;
    mask[at] = active.has(id) && !excluded.has(id) ? 1 : 0;
  }
  batch.keep(mask);
  scope.budget.charge(before);
  trace.row(
    'conditions',
    `active${excluded.size > 0 ? `, ${excluded.size} excluded` : ''}`,
    before,
    batch.count,
  );
}

function put(predicate: Predicate, batch: Batch, scope: Scope, mask: Uint8Array, trace: Trace): void {
  if (batch.count === 0) return;
  const before = batch.count;
  fillMask(predicate, batch, scope, mask);
  batch.keep(mask);
  trace.row('conditions', describePredicate(predicate, scope.kind), before, batch.count);
}
