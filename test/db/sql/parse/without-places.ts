/** The same statement or expression without its places (`at`), for comparing two that were written differently. */
export function withoutPlaces(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPlaces);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => name !== 'at')
      .map(([name, inner]) => [name, withoutPlaces(inner)]),
  );
}
