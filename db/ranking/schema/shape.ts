/**
 * Shapes that JSON from outside must have. A shape takes what was parsed and gives back a frozen value with exactly the fields
 * it names, in the order it names them; whatever does not fit is a typed error that says where.
 */
import { type ErrorCode, TruthError } from '../../errors.ts';

/** `place` is the path to the value, as errors show it; `depth` the levels above it. */
export type Shape<T> = (value: unknown, place: string, depth: number) => T;

/** Levels of nesting that anybody may need: a predicate of sixteen levels is three lists and objects a level. */
const DEPTH_MAX = 100;
const LIST_MAX = 100_000;
const SHOWN_CHARACTERS_MAX = 60;

class Misfit extends Error {}

/** Reads a value of the shape, or throws `code`. `what` is what it is called in the message. */
export function readShape<T>(shape: Shape<T>, value: unknown, what: string, code: ErrorCode): T {
  try {
    return shape(value, what, 0);
  } catch (error) {
    if (error instanceof Misfit) throw new TruthError(code, error.message);
    throw error;
  }
}

export const text: Shape<string> = (value, place) => {
  if (typeof value !== 'string') throw misfit(place, value, 'text');
  if (!value.isWellFormed()) throw new Misfit(`${place} has half of a surrogate pair: leave it out`);
  return value;
};

/** Never NaN, never infinite; -0 becomes 0. */
export const number: Shape<number> = (value, place) => {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw misfit(place, value, 'a number');
  return value + 0;
};

export const flag: Shape<boolean> = (value, place) => {
  if (typeof value !== 'boolean') throw misfit(place, value, 'true or false');
  return value;
};

/** False where nothing is said: of what came to be after there were values without it. */
export const flagOrFalse: Shape<boolean> = (value, place, depth) =>
  value === undefined ? false : flag(value, place, depth);

/** A whole number from `least` on. */
export function whole<T extends number>(least: number): Shape<T> {
  return (value, place) => {
    if (!Number.isSafeInteger(value) || (value as number) < least)
      throw misfit(place, value, `a whole number from ${least}`);
    return value as T;
  };
}

export function oneOf<const Words extends readonly string[]>(words: Words): Shape<Words[number]> {
  return (value, place) => {
    if (typeof value !== 'string' || !words.includes(value))
      throw misfit(place, value, `one of ${words.join(', ')}`);
    return value;
  };
}

export function constant<const Value>(expected: Value): Shape<Value> {
  return (value, place) => {
    if (value !== expected) throw misfit(place, value, JSON.stringify(expected));
    return expected;
  };
}

export function nullable<T>(shape: Shape<T>): Shape<T | null> {
  return (value, place, depth) => (value === null ? null : shape(value, place, depth));
}

export function list<T>(shape: Shape<T>): Shape<readonly T[]> {
  return (value, place, depth) => {
    if (!Array.isArray(value)) throw misfit(place, value, 'a list');
    if (value.length > LIST_MAX)
      throw new Misfit(`${place} has ${value.length} elements, more than ${LIST_MAX}: make it shorter`);
    const below = deeper(place, depth);
    return Object.freeze(value.map((element, index) => shape(element, `${place}[${index}]`, below)));
  };
}

export function object<T>(fields: { readonly [Field in keyof T]-?: Shape<T[Field]> }): Shape<T> {
  const shapes = Object.entries(fields) as [string, Shape<unknown>][];
  const names = new Set(shapes.map(([name]) => name));
  return (value, place, depth) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw misfit(place, value, 'an object');
    for (const name of Object.keys(value))
      if (!names.has(name))
        throw new Misfit(`${place} has the field "${name}", which does not belong there: leave it out`);
    const below = deeper(place, depth);
    const given = value as Readonly<Record<string, unknown>>;
    const made = shapes.map(([name, shape]) => [name, shape(given[name], `${place}.${name}`, below)]);
    return Object.freeze(Object.fromEntries(made)) as T;
  };
}

/** An object whose field `tag` says which of several shapes it has. */
export function tagged<T>(tag: string, shapes: Readonly<Record<string, Shape<T>>>): Shape<T> {
  const words = Object.keys(shapes);
  return (value, place, depth) => {
    if (typeof value !== 'object' || value === null) throw misfit(place, value, 'an object');
    const word = (value as Readonly<Record<string, unknown>>)[tag];
    if (typeof word !== 'string' || !Object.hasOwn(shapes, word))
      throw misfit(`${place}.${tag}`, word, `one of ${words.join(', ')}`);
    return shapes[word]!(value, place, depth);
  };
}

/** Whichever fits the type of the value: for values that may be text, numbers or true and false. */
export function scalarOf<T extends string | number | boolean>(
  ...types: readonly ('string' | 'number' | 'boolean')[]
): Shape<T> {
  return (value, place, depth) => {
    if (!types.some((type) => type === typeof value)) throw misfit(place, value, types.join(' or '));
    const shape: Shape<string | number | boolean> =
      typeof value === 'string' ? text : typeof value === 'number' ? number : flag;
    return shape(value, place, depth) as T;
  };
}

/** A shape that is needed before it is there: of trees. */
export function later<T>(shape: () => Shape<T>): Shape<T> {
  return (value, place, depth) => shape()(value, place, depth);
}

function deeper(place: string, depth: number): number {
  if (depth >= DEPTH_MAX)
    throw new Misfit(
      `${place.slice(0, SHOWN_CHARACTERS_MAX)}… is nested more than ${DEPTH_MAX} deep: flatten it`,
    );
  return depth + 1;
}

function misfit(place: string, value: unknown, expected: string): Misfit {
  return new Misfit(`${place} is ${shown(value)} where ${expected} belongs`);
}

function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  if (typeof value === 'bigint' || typeof value === 'function' || typeof value === 'symbol')
    return `a ${typeof value}`;
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > SHOWN_CHARACTERS_MAX ? `${text.slice(0, SHOWN_CHARACTERS_MAX)}…` : text;
}
