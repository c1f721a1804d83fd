/** Values in the place of parameters. A statement without any comes back as it is. */
import { TruthError } from '../../../errors.ts';
import type { Micros } from '../../ground.ts';
import type { PredicateDefinition } from '../../schema/definition.ts';
import { closestName } from '../../schema/names.ts';
import { timestampOf } from '../../schema/timestamp-text.ts';
import { type Condition, isParameter, type Parameter, type TimeOperand } from './ast.ts';

export type ParameterValue = string | number | boolean | null | readonly (string | number)[] | Float32Array;

/** By name, or in order: the first is `$1`. */
export type Parameters = readonly ParameterValue[] | Readonly<Record<string, ParameterValue>>;

/**
 * Errors: INVALID_ARGUMENT for a parameter without a value, and for a value of a type that cannot stand anywhere. Whether a
 * value fits its place is asked where it is used.
 */
export function parameterValue(parameter: Parameter, parameters: Parameters): ParameterValue {
  const name = parameter.parameter;
  const value = lookup(name, parameters);
  if (value === undefined) {
    const known = Array.isArray(parameters)
      ? parameters.map((_, index) => String(index + 1))
      : Object.keys(parameters);
    const near = closestName(name, known);
    const given =
      known.length === 0 ? 'none came with the statement' : `there are $${known.slice(0, 8).join(', $')}`;
    const meant = near === null ? '' : `; did you mean $${near}?`;
    const message = `there is no value for the parameter $${name}, ${given}${meant}`;
    throw new TruthError('INVALID_ARGUMENT', message, { parameter: name });
  }
  return value;
}

function lookup(name: string, parameters: Parameters): ParameterValue | undefined {
  if (isList(parameters)) return /^[1-9]\d{0,5}$/.test(name) ? parameters[Number(name) - 1] : undefined;
  return Object.hasOwn(parameters, name) ? parameters[name] : undefined;
}

function isList(parameters: Parameters): parameters is readonly ParameterValue[] {
  return Array.isArray(parameters);
}

/** The same predicate, of which it is known that nothing in it is a parameter. */
export function withoutParameters(condition: Condition): PredicateDefinition {
  return condition as PredicateDefinition;
}

/** A condition with the values in it. Errors: INVALID_ARGUMENT where one is missing or is nothing that can be compared with. */
export function withValues(condition: Condition, parameters: Parameters): PredicateDefinition {
  switch (condition.test) {
    case 'and':
    case 'or':
      return { test: condition.test, of: condition.of.map((part) => withValues(part, parameters)) };
    case 'not':
      return { test: 'not', of: withValues(condition.of, parameters) };
    case 'compare':
      return { ...condition, value: scalarValue(condition.value, parameters) };
    case 'in':
      return { ...condition, values: condition.values.flatMap((value) => members(value, parameters)) };
    case 'between':
      return {
        ...condition,
        low: orderedValue(condition.low, parameters),
        high: orderedValue(condition.high, parameters),
      };
    case 'has':
      return {
        ...condition,
        value: condition.value === null ? null : textValue(condition.value, parameters),
      };
    case 'state':
      return condition;
    case 'feature':
      return { ...condition, value: numberValue(condition.value, parameters) };
  }
}

type Operand = string | number | boolean | Parameter;

/** Errors: INVALID_ARGUMENT. */
export function textValue(operand: string | Parameter, parameters: Parameters): string {
  if (!isParameter(operand)) return operand;
  const value = parameterValue(operand, parameters);
  if (typeof value !== 'string' || !value.isWellFormed()) throw misfit(operand, value, 'a text');
  return value;
}

/** Errors: INVALID_ARGUMENT, also for NaN and infinities. */
export function numberValue(operand: number | Parameter, parameters: Parameters): number {
  if (!isParameter(operand)) return operand;
  const value = parameterValue(operand, parameters);
  if (typeof value !== 'number' || !Number.isFinite(value)) throw misfit(operand, value, 'a number');
  return value;
}

/** Microseconds as a number, or ISO 8601 text. Errors: INVALID_ARGUMENT. */
export function timeValue(operand: TimeOperand, parameters: Parameters): Micros {
  if (!isParameter(operand)) return operand;
  const value = parameterValue(operand, parameters);
  const micros = typeof value === 'string' ? timestampOf(value, `parameter $${operand.parameter}`) : value;
  if (!Number.isSafeInteger(micros))
    throw misfit(
      operand,
      value,
      'a time (whole microseconds since 1970, or text such as 2026-01-31T12:30:00Z)',
    );
  return micros as Micros;
}

function scalarValue(operand: Operand, parameters: Parameters): string | number | boolean {
  if (!isParameter(operand)) return operand;
  const value = parameterValue(operand, parameters);
  return typeof value === 'boolean' ? value : orderedValue(operand, parameters);
}

function orderedValue(operand: string | number | Parameter, parameters: Parameters): string | number {
  if (!isParameter(operand)) return operand;
  return typeof parameterValue(operand, parameters) === 'number'
    ? numberValue(operand, parameters)
    : textValue(operand, parameters);
}

/** A parameter in a list may itself be one. */
function members(operand: string | number | Parameter, parameters: Parameters): readonly (string | number)[] {
  if (!isParameter(operand)) return [operand];
  const value = parameterValue(operand, parameters);
  if (!Array.isArray(value)) return [orderedValue(operand, parameters)];
  return value.map((member: unknown) => {
    if (typeof member === 'string' && member.isWellFormed()) return member;
    if (typeof member === 'number' && Number.isFinite(member)) return member;
    throw misfit(operand, value, 'a list of texts or numbers');
  });
}

/** The error for a value that does not belong where its parameter stands. */
export function misfit(parameter: Parameter, value: ParameterValue, wanted: string): TruthError {
  const shown = typeof value === 'string' ? `"${value.slice(0, 40)}"` : describe(value);
  const message = `the parameter $${parameter.parameter} is ${shown}, and ${wanted} belongs there`;
  return new TruthError('INVALID_ARGUMENT', message, { parameter: parameter.parameter });
}

function describe(value: ParameterValue): string {
  if (value === null || typeof value !== 'object') return String(value);
  return Array.isArray(value) ? `a list of ${value.length}` : 'a vector';
}
