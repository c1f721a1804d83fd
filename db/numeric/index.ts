/**
 * `numeric/` has exact numbers: decimals of any size with PostgreSQL's rules for how many digits a result keeps, and sums of
 * doubles that come out the same in any order. It imports nothing but the errors. Text, bigints and doubles come in; the
 * same go out. Pure arithmetic: equal input gives equal output on every machine.
 */
export { Decimal } from './decimal.ts';
export { ExactSum } from './exact-sum.ts';
