/** The vector of a query: which embedding it is compared with, and whether it can be. */

import { required } from '../../schema/lookup.ts';
import type { EmbeddingSlot, EntityKind } from '../../schema/model.ts';
import { refusedAt } from '../../schema/names.ts';
import {
  isParameter,
  type Parameters,
  type ParameterValue,
  parameterValue,
  type VectorOperand,
} from '../language/index.ts';
import type { Query } from '../query.ts';

const PLACE = 'VECTOR';

/** Errors: NOT_FOUND, INVALID_ARGUMENT. */
export function vectorOf(
  { values, slot: name }: VectorOperand,
  kind: EntityKind,
  parameters: Parameters,
): NonNullable<Query['vector']> {
  const numbers = numbersOf(isParameter(values) ? parameterValue(values, parameters) : values);
  const slot =
    name === null
      ? slotFor(kind, numbers.length)
      : required(PLACE, `embedding of ${kind.name}`, kind.embeddings, name);
  if (numbers.length !== slot.dimensions) {
    throw refusedAt(
      PLACE,
      `it has ${numbers.length} numbers, and ${slot.name} of ${kind.name} has ${slot.dimensions}`,
      'give as many, made by the model that made those of the items',
    );
  }
  checkNumbers(numbers, slot);
  return { slot: slot.id, values: numbers };
}

function numbersOf(value: ParameterValue): Float32Array {
  if (value instanceof Float32Array) return value;
  if (Array.isArray(value) && value.every((each) => typeof each === 'number'))
    return Float32Array.from(value);
  const found = Array.isArray(value)
    ? 'a list that is not of numbers'
    : `${value === null ? 'null' : `a ${typeof value}`}`;
  throw refusedAt(PLACE, `it is ${found}`, 'give a list of numbers or a Float32Array');
}

function slotFor(kind: EntityKind, dimensions: number): EmbeddingSlot {
  const fitting = kind.embeddings.filter((slot) => slot.dimensions === dimensions);
  const [first, second] = fitting;
  if (first !== undefined && second === undefined) return first;
  const there = kind.embeddings.map((slot) => `${slot.name} (${slot.dimensions})`).join(', ');
  if (first !== undefined) {
    const names = fitting.map((slot) => slot.name).join(', ');
    throw refusedAt(
      PLACE,
      `${names} of ${kind.name} have ${dimensions} numbers each`,
      `say which: ON ${first.name}`,
    );
  }
  throw refusedAt(
    PLACE,
    `it has ${dimensions} numbers, and no embedding of ${kind.name} has`,
    there === '' ? `define one first, ${kind.name} has none` : `there are ${there}`,
  );
}

function checkNumbers(numbers: Float32Array, slot: EmbeddingSlot): void {
  let isZero = true;
  for (const [index, value] of numbers.entries()) {
    if (!Number.isFinite(value)) {
      throw refusedAt(PLACE, `number ${index + 1} is ${value}`, 'give finite numbers that fit into 32 bits');
    }
    isZero &&= value === 0;
  }
  if (isZero && slot.metric === 'cosine') {
    throw refusedAt(PLACE, 'all of its numbers are 0, which is no direction', 'leave VECTOR out');
  }
}
