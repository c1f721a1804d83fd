/** Conditions as text, with brackets only where the grammar's precedence wants them. */
import type { ScalarDefinition } from '../../schema/definition.ts';
import type { Condition } from './ast.ts';
import { printName, printText, printValue } from './print-parts.ts';
import { printScalar } from './print-scalar.ts';

/** With commas between those that must all be fulfilled. */
export function printConditions(condition: Condition): string {
  return condition.test === 'and' ? condition.of.map(printCondition).join(', ') : printCondition(condition);
}

/** Without commas, for lists of conditions. */
export function printCondition(condition: Condition): string {
  if (condition.test === 'and') return condition.of.map(printOperand).join(' AND ');
  if (condition.test === 'or') return condition.of.map(printAlternative).join(' OR ');
  return printOperand(condition);
}

function printAlternative(condition: Condition): string {
  return condition.test === 'or' ? printOperand(condition) : printCondition(condition);
}

/** One that binds as tightly as NOT. */
function printOperand(condition: Condition): string {
  switch (condition.test) {
    case 'and':
    case 'or':
      return `(${printCondition(condition)})`;
    case 'not':
      return `NOT ${printOperand(condition.of)}`;
    case 'state':
      return condition.set ? condition.state : `un${condition.state}`;
    case 'compare':
      return `${printName(condition.attribute)} ${condition.operator} ${printValue(condition.value)}`;
    case 'in':
      return `${printName(condition.attribute)} IN (${condition.values.map(printValue).join(', ')})`;
    case 'between':
      return `${printName(condition.attribute)} BETWEEN ${printValue(condition.low)} AND ${printValue(condition.high)}`;
    case 'has': {
      const { value } = condition;
      const what = value === null ? 'ANY' : typeof value === 'string' ? printText(value) : printValue(value);
      return `${printName(condition.attribute)} HAS ${what}`;
    }
    case 'feature':
      return `${printMeasured(condition.feature)} ${condition.operator} ${printValue(condition.value)}`;
  }
}

/** A name alone would be compared as an attribute; in brackets it is arithmetic. */
function printMeasured(feature: ScalarDefinition): string {
  const isName = feature.scalar === 'name' || feature.scalar === 'attribute';
  return isName ? `(${printScalar(feature)})` : printScalar(feature);
}
