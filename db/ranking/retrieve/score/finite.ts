/** Large enough for anything that is counted, small enough that a thousand of them add up and two multiply. */
const LARGEST = 1e100;

/** Features are never NaN or infinite: what has no value is 0, what is too large is 1e100. */
export function finite(value: number): number {
  if (value > LARGEST) return LARGEST;
  if (value < -LARGEST) return -LARGEST;
  return Number.isNaN(value) ? 0 : value;
}
