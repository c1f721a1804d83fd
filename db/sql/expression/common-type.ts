import { sqlError } from '../types/sql-error.ts';
import type { SqlType } from '../types/sql-type.ts';
import { baseTypeName } from '../types/type-name.ts';
import type { BoundExpression } from './bound.ts';
import { isImplicit, isNumeric } from './casts.ts';
import { isUnknown, type Operand, TEXT, withoutModifier } from './operand.ts';

/**
 * The one type for several operands, as IN wants it: text when nothing is known of any of them; null when they do not go
 * together.
 */
export function commonType(operands: readonly Operand[]): SqlType | null {
  const type = widest(operands, () => null);
  return type === null || stranger(operands, type) !== null ? null : type;
}

/** The same for CASE, COALESCE …, `construct` as messages name it. Errors: 42804 and, between types of no family, 42846. */
export function requireCommonType(operands: readonly Operand[], construct: string): SqlType {
  const type = widest(operands, (one, other) => {
    throw sqlError(
      '42804',
      `${construct} types ${baseTypeName(one)} and ${baseTypeName(other)} cannot be matched`,
    );
  })!;
  const strange = stranger(operands, type);
  if (strange === null) return type;
  throw sqlError(
    '42846',
    `${construct} could not convert type ${baseTypeName(strange)} to ${baseTypeName(type)}`,
  );
}

/** `mismatch` is asked about the first two that are of different families. */
function widest(
  operands: readonly Operand[],
  mismatch: (one: SqlType, other: SqlType) => null,
): SqlType | null {
  let chosen: SqlType | null = null;
  // What a literal says may be longer than the columns beside it.
  const isOpen = operands.some(isUnknown);
  for (const operand of operands) {
    if (isUnknown(operand)) continue;
    const type = isOpen ? withoutModifier(operand.type) : operand.type;
    if (chosen === null) chosen = type;
    else if (chosen.kind === type.kind)
      chosen = sameModifier(chosen, type) ? chosen : withoutModifier(chosen);
    else if (familyOf(chosen) !== familyOf(type)) return mismatch(chosen, type);
    else if (isImplicit(chosen.kind, type.kind)) chosen = withoutModifier(type);
    else chosen = withoutModifier(chosen);
  }
  return chosen ?? TEXT;
}

/** The first type that does not become the chosen one. */
function stranger(operands: readonly Operand[], type: SqlType): SqlType | null {
  const strange = operands.find(
    (operand): operand is BoundExpression => !isUnknown(operand) && !isImplicit(operand.type.kind, type.kind),
  );
  return strange?.type ?? null;
}

/** PostgreSQL's categories: bytes, JSON and UUIDs have one in common and nothing else. */
function familyOf({ kind }: SqlType): string {
  if (isNumeric(kind)) return 'number';
  return kind === 'bytes' || kind === 'json' || kind === 'uuid' ? 'other' : kind;
}

function sameModifier(one: SqlType, other: SqlType): boolean {
  if (one.kind === 'decimal' && other.kind === 'decimal') {
    return one.precision === other.precision && one.scale === other.scale;
  }
  return one.kind !== 'text' || other.kind !== 'text' || one.lengthMax === other.lengthMax;
}
