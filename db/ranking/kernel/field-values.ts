/** Values of attributes and embeddings as people give them: brought to the form the log keeps, or refused with the reason. */
import { TruthError } from '../../errors.ts';
import { timestampOf } from '../schema/index.ts';
import type { Attribute, AttributeValue, EmbeddingSlot } from '../schema/model.ts';
import type { GivenField } from './command.ts';
import { keyProblem, shownKey } from './keys.ts';

const TEXT_BYTES_MAX = 256 * 1024;
const KEYWORDS_MAX = 64;

/** Errors: INVALID_ARGUMENT. `place` names the entity and the field. */
export function attributeValue(
  attribute: Attribute,
  given: GivenField,
  place: string,
): AttributeValue | null {
  if (given === null) return null;
  switch (attribute.type) {
    case 'keyword':
      return keyword(given, place);
    case 'keywords':
      return keywords(given, place);
    case 'text':
      return text(given, place);
    case 'boolean':
      if (typeof given !== 'boolean') throw mismatch(attribute, given, place);
      return given;
    case 'double':
      if (typeof given !== 'number' || !Number.isFinite(given)) throw mismatch(attribute, given, place);
      return given + 0;
    case 'timestamp':
      if (typeof given === 'string') return timestampOf(given, place);
      return wholeNumber(attribute, given, place);
    default:
      return wholeNumber(attribute, given, place);
  }
}

function wholeNumber(attribute: Attribute, given: GivenField, place: string): number {
  if (!Number.isSafeInteger(given)) throw mismatch(attribute, given, place);
  return (given as number) + 0;
}

/** A copy as the log keeps it, in single precision. Errors: INVALID_ARGUMENT. */
export function embeddingValue(slot: EmbeddingSlot, given: GivenField, place: string): Float32Array | null {
  if (given === null) return null;
  if (slot.source !== 'given')
    throw invalid(`${place} is a ${slot.source}, which comes about by itself: leave it out`);
  const isList = given instanceof Float32Array || Array.isArray(given);
  if (!isList) throw invalid(`${place} is ${shown(given)}: give ${slot.dimensions} numbers`);
  if (given.length !== slot.dimensions)
    throw invalid(`${place} has ${given.length} numbers: give ${slot.dimensions}, as it is defined`);
  const vector = new Float32Array(slot.dimensions);
  let length = 0;
  for (let index = 0; index < vector.length; index++) {
    const value: unknown = given[index];
    const single = typeof value === 'number' ? Math.fround(value) : Number.NaN;
    if (!Number.isFinite(single))
      throw invalid(`${place} has ${shown(value)} at ${index}: give finite numbers in single precision`);
    vector[index] = single;
    length += single * single;
  }
  if (length === 0 && slot.metric === 'cosine')
    throw invalid(
      `${place} is all zeros, which has no direction to compare: leave it out, or use another metric`,
    );
  return vector;
}

function keyword(given: GivenField, place: string): string {
  if (typeof given !== 'string') throw invalid(`${place} is ${shown(given)}: give it as text`);
  const problem = keyProblem(place, given);
  if (problem !== null) throw invalid(problem);
  return given;
}

/** In the order given, each once. */
function keywords(given: GivenField, place: string): readonly string[] {
  const list: readonly unknown[] =
    typeof given === 'string' ? [given] : Array.isArray(given) ? given : [null];
  if (list.length > KEYWORDS_MAX)
    throw invalid(`${place} has ${list.length} keywords: give at most ${KEYWORDS_MAX}`);
  return [...new Set(list.map((each) => keyword(each as GivenField, place)))];
}

function text(given: GivenField, place: string): string {
  if (typeof given !== 'string') throw invalid(`${place} is ${shown(given)}: give it as text`);
  if (!given.isWellFormed()) throw invalid(`${place} has half of a surrogate pair: leave it out`);
  const bytes = Buffer.byteLength(given);
  if (bytes > TEXT_BYTES_MAX)
    throw invalid(
      `${place} takes ${bytes} bytes of UTF-8, more than ${TEXT_BYTES_MAX}: shorten it, or split the entity`,
    );
  return given;
}

const WANTED = Object.freeze({
  boolean: 'true or false',
  double: 'a finite number',
  integer: 'a whole number',
  timestamp: 'microseconds since 1970, or text like 2026-01-31T12:00:00Z',
});

function mismatch({ type }: Attribute, given: unknown, place: string): TruthError {
  return invalid(`${place} is ${shown(given)}: give ${WANTED[type as keyof typeof WANTED]}`);
}

function shown(given: unknown): string {
  if (typeof given === 'string') return shownKey(given);
  if (typeof given === 'number' || typeof given === 'boolean' || given === null) return String(given);
  if (given === undefined) return 'missing';
  return Array.isArray(given) || ArrayBuffer.isView(given) ? 'a list' : `an ${typeof given}`;
}

function invalid(message: string): TruthError {
  return new TruthError('INVALID_ARGUMENT', message);
}
