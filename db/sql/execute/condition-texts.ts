/** A condition's parts as they were written, by what becomes of them: what EXPLAIN shows. */
import type { Expression } from '../ast.ts';
import { type BoundExpression, conjuncts, restrictionsOf } from '../expression/index.ts';
import { printExpression } from '../parse/print.ts';
import { isFixed } from '../plan/plan-rows.ts';
import type { RowsPlan } from '../plan/read-plan.ts';

export interface ConditionTexts {
  /** What ranges of keys are made of. */
  readonly key: string | null;
  /** What rows within the ranges are asked. */
  readonly filter: string | null;
  /** What is the same for all rows. */
  readonly once: string | null;
}

export function conditionTexts({ where, written, path }: RowsPlan): ConditionTexts {
  const key: string[] = [];
  const filter: string[] = [];
  const once: string[] = [];
  const columns = new Set(path.restrictions.map(({ column }) => column));
  for (const { bound, text } of writtenParts(where, written)) {
    const narrows = restrictionsOf(bound).some(({ column }) => columns.has(column));
    if (conjuncts(bound).every(isFixed)) once.push(text);
    else if (narrows) key.push(text);
    if (!conjuncts(bound).every(isFixed) && !(narrows && conjuncts(bound).every(saysAll))) filter.push(text);
  }
  return { key: joined(key), filter: joined(filter), once: joined(once) };
}

/** Whether the ranges made of a condition have no other rows. */
function saysAll({ shape: { shape } }: BoundExpression): boolean {
  return ['column', 'not', 'comparison', 'in', 'is null'].includes(shape);
}

interface WrittenPart {
  readonly bound: BoundExpression;
  readonly text: string;
}

/** Operands of the ANDs as they stand, each with what became of it. */
function writtenParts(where: BoundExpression | null, written: Expression | null): WrittenPart[] {
  if (where === null || written === null) return [];
  const texts = operands(written).map(printExpression);
  const bound = texts.length > 1 && where.shape.shape === 'and' ? where.shape.parts : [where];
  if (bound.length !== texts.length) return [{ bound: where, text: printExpression(written) }];
  return texts.map((text, index) => ({ bound: bound[index]!, text }));
}

function operands(written: Expression): Expression[] {
  const found: Expression[] = [];
  const open = [written];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next.node === 'binary' && next.operator === 'and') open.push(next.right, next.left);
    else found.push(next);
  }
  return found;
}

function joined(texts: readonly string[]): string | null {
  if (texts.length === 0) return null;
  return texts.map((text) => (texts.length === 1 ? text : `(${text})`)).join(' AND ');
}
