/** Values of a program as parameters of a statement, whose type the statement decides. */
import { TruthError } from '../errors.ts';
import { jsonText } from '../protocol/index.ts';
import type { SqlParameter } from '../sql/contract.ts';

/** null, booleans, numbers, bigints, strings, Dates and bytes as they are; anything else as JSON. */
export type SqlInput = unknown;

/** Errors: INVALID_ARGUMENT naming the parameter. */
export function parameterOf(value: SqlInput, index: number): SqlParameter {
  switch (typeof value) {
    case 'string':
      return { given: 'text', text: value };
    case 'number':
    case 'bigint':
    case 'boolean':
      return { given: 'value', value };
    case 'object':
      return objectParameter(value, index);
    default:
      throw new TruthError(
        'INVALID_ARGUMENT',
        `parameter $${index + 1} is ${typeof value}, for which SQL has no value; null stands for NULL`,
      );
  }
}

function objectParameter(value: object | null, index: number): SqlParameter {
  if (value === null) return { given: 'text', text: null };
  if (value instanceof Uint8Array) return { given: 'value', value };
  if (!(value instanceof Date)) return { given: 'text', text: jsonText(value, `parameter $${index + 1}`) };
  if (Number.isNaN(value.getTime())) {
    throw new TruthError('INVALID_ARGUMENT', `parameter $${index + 1} is a Date that is none`);
  }
  return { given: 'text', text: value.toISOString().replace('T', ' ').replace('Z', '') };
}

/** The text of a template with `$1`, `$2` … where its values stand: values never become part of the text. */
export function templateText(strings: TemplateStringsArray): string {
  return strings.reduce((text, part, index) => `${text}$${index}${part}`);
}
