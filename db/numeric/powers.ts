/** 10^index, kept: scales are small and asked for all the time. */
const powers: bigint[] = [1n];
const KEPT_MAX = 1_000;

/** 10 to the power of `exponent`, a whole number from 0. */
export function powerOfTen(exponent: number): bigint {
  const kept = powers[exponent];
  if (kept !== undefined) return kept;
  if (exponent > KEPT_MAX) return BigInt(`1${'0'.repeat(exponent)}`);
  for (let next = powers.length; next <= exponent; next++) powers.push(powers[next - 1]! * 10n);
  return powers[exponent]!;
}
