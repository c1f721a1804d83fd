/**
 * `numeric/` has exact numbers: decimals of any size with PostgreSQL's rules for how many digits a result keeps, and sums of
 * doubles that come out the same in any order. It has the elementary functions too, which are not exact but everywhere the
 * same. It imports nothing but the errors. Text, bigints and doubles come in; the same go out. Pure arithmetic: equal input
 * gives equal output on every machine.
 */
export { Decimal } from './decimal.ts';
export { exp, exp2, expm1, halfLifeFactor, log, log1p, log2, power, sigmoid, tanh } from './elementary.ts';
export { ExactSum } from './exact-sum.ts';
