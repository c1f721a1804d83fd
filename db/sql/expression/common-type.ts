import { sqlError } from '../types/sql-error.ts';
import type { SqlType } from '../types/sql-type.ts';
import { baseTypeName } from '../types/type-name.ts';
import type { BoundExpression } from './bound.ts';
import { isImplicit, isNumeric } from './casts.ts';
import { isUnknown, type Operand, TEXT, withoutModifier } from './operand.ts';

/**
 * The one type for several operands, as CASE, COALESCE and IN want it: text when nothing is known of any of them; null when
 * they do not go together.
 */
export function commonType(operands: readonly Operand[]): SqlType | null {
  let chosen: SqlType | null = null;
  // What a literal says may be longer than the columns beside it.
  const isOpen = operands.some(isUnknown);
  for (const operand of operands) {
    if (isUnknown(operand)) continue;
    const type = isOpen ? withoutModifier(operand.type) : operand.type;
    if (chosen === null) chosen = type;
    else if (chosen.kind === type.kind)
      chosen = sameModifier(chosen, type) ? chosen : withoutModifier(chosen);
    else if (!isNumeric(chosen.kind) || !isNumeric(type.kind)) return null;
    else chosen = withoutModifier(isImplicit(chosen.kind, type.kind) ? type : chosen);
  }
  return chosen ?? TEXT;
}

/** Errors: 42804 naming the first that does not go with those before it. `construct` as messages name it: CASE, COALESCE. */
export function requireCommonType(operands: readonly Operand[], construct: string): SqlType {
  const type = commonType(operands);
  if (type !== null) return type;
  const known = operands.filter((operand): operand is BoundExpression => !isUnknown(operand));
  const end = known.findIndex((_, index) => commonType(known.slice(0, index + 1)) === null);
  const before = commonType(known.slice(0, end))!;
  throw sqlError(
    '42804',
    `${construct} types ${baseTypeName(before)} and ${baseTypeName(known[end]!.type)} cannot be matched`,
  );
}

function sameModifier(one: SqlType, other: SqlType): boolean {
  if (one.kind === 'decimal' && other.kind === 'decimal') {
    return one.precision === other.precision && one.scale === other.scale;
  }
  return one.kind !== 'text' || other.kind !== 'text' || one.lengthMax === other.lengthMax;
}
