/** Names that somebody may have meant who typed another: with a letter or two wrong, missing, too many or exchanged, or cut off. */

const SHOWN_MAX = 3;
/** So many letters may be wrong of so many typed. */
const LETTERS_A_MISTAKE = 3;
const MISTAKES_MAX = 3;
/** A beginning shorter than this says too little. */
const BEGINNING_MIN = 2;

/** The closest first. */
export function closeNames(given: string, names: Iterable<string>): string[] {
  const wanted = given.toLowerCase();
  if (wanted === '') return [];
  const allowed = Math.min(MISTAKES_MAX, Math.max(1, Math.floor(wanted.length / LETTERS_A_MISTAKE)));
  const found: { name: string; mistakes: number }[] = [];
  for (const name of names) {
    const begins = wanted.length >= BEGINNING_MIN && name.startsWith(wanted);
    const mistakes = begins ? allowed : mistakesBetween(wanted, name.toLowerCase(), allowed);
    if (mistakes <= allowed) found.push({ name, mistakes });
  }
  found.sort((a, b) => a.mistakes - b.mistakes || (a.name < b.name ? -1 : 1));
  return found.slice(0, SHOWN_MAX).map(({ name }) => name);
}

/** Insertions, deletions, replacements and exchanges of neighbours (optimal string alignment); above `enough` it does not matter how many. */
function mistakesBetween(a: string, b: string, enough: number): number {
  if (Math.abs(a.length - b.length) > enough) return enough + 1;
  let [before, last]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, at) => at)];
  for (let row = 1; row <= a.length; row++) {
    const next = [row];
    for (let at = 1; at <= b.length; at++) {
      const same = a[row - 1] === b[at - 1];
      let cost = Math.min(last[at]! + 1, next[at - 1]! + 1, last[at - 1]! + (same ? 0 : 1));
      const exchanged = row > 1 && at > 1 && a[row - 1] === b[at - 2] && a[row - 2] === b[at - 1];
      if (exchanged) cost = Math.min(cost, before[at - 2]! + 1);
      next.push(cost);
    }
    [before, last] = [last, next];
  }
  return last[b.length]!;
}
