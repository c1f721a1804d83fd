/** Arithmetic as text, with brackets only where the grammar's precedence wants them. */
import type { MeasureDefinition, ScalarDefinition } from '../../schema/definition.ts';
import { printName, printNumber, quotedName } from './print-parts.ts';

/** How tightly the grammar binds, loosest first. */
const LEVEL = { sum: 1, product: 2, factor: 3 } as const;
type Level = (typeof LEVEL)[keyof typeof LEVEL];

export function printScalar(scalar: ScalarDefinition): string {
  return text(scalar, LEVEL.sum);
}

/** As it may stand behind `3 *`. */
export function printProduct(scalar: ScalarDefinition): string {
  return text(scalar, LEVEL.product);
}

function text(scalar: ScalarDefinition, level: Level): string {
  switch (scalar.scalar) {
    case 'number':
      return printNumber(scalar.value);
    case 'name':
      return printName(scalar.name);
    case 'attribute':
      return quotedName(scalar.attribute);
    case 'signal':
      return `${printName(scalar.signal)}${printMeasure(scalar.measure)}`;
    case 'feature':
      return `feature(${printName(scalar.feature)})`;
    case 'relationship':
      return `edge(${printName(scalar.relationship)} TO ${scalar.to})`;
    case 'state':
      return `state(${printName(scalar.state)})`;
    case 'similarity':
      return `similarity(${printName(scalar.slot)} TO ${scalar.with})`;
    case 'apply':
      return applied(scalar.function, scalar.of, level);
  }
}

/** From the dot on. */
export function printMeasure(measure: MeasureDefinition): string {
  if (measure.measure === 'score') return '.score';
  if (measure.measure === 'ratio') {
    const window = measure.window === null ? '' : `, ${measure.window}`;
    return `.ratio(${printName(measure.to)}${window})`;
  }
  return measure.window === null ? `.${measure.measure}` : `.${measure.measure}(${measure.window})`;
}

function applied(name: string, of: readonly ScalarDefinition[], level: Level): string {
  if (/^\w+$/.test(name)) return `${name}(${of.map(printScalar).join(', ')})`;
  const own = name === '+' || name === '-' ? LEVEL.sum : LEVEL.product;
  const [first, ...rest] = of;
  if (first === undefined) return printNumber(0);
  // A sign with one argument is only made by programs; the language says it as a product.
  if (rest.length === 0) return name === '-' ? text(negated(first), level) : text(first, level);
  const right: Level = own === LEVEL.sum ? LEVEL.product : LEVEL.factor;
  const chain = [text(first, own), ...rest.map((operand) => text(operand, right))].join(` ${name} `);
  return level > own ? `(${chain})` : chain;
}

function negated(scalar: ScalarDefinition): ScalarDefinition {
  return { scalar: 'apply', function: '*', of: [{ scalar: 'number', value: -1 }, scalar] };
}
