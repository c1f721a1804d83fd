/** The names of a schema: what one may look like, and which one somebody may have meant. */
import { TruthError } from '../../errors.ts';

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const NAME_CHARACTERS_MAX = 64;
const SHOWN_CHARACTERS_MAX = 80;
/** Names that are compared with a misspelt one; a schema has far fewer of a sort. */
const COMPARED_MAX = 1_000;

/** Errors: INVALID_ARGUMENT. `place` is what the name is of: "signal", "attribute of entity item". */
export function checkSchemaName(place: string, name: string): void {
  if (NAME.test(name) && name.length <= NAME_CHARACTERS_MAX) return;
  throw new TruthError(
    'INVALID_ARGUMENT',
    `${place}: ${shownName(name)} is no name: use 1 to ${NAME_CHARACTERS_MAX} letters, digits and underscores, the first not a digit`,
  );
}

/** Something is wrong at a place of a definition. `rule` says what, `wayOut` what to do instead. */
export function refusedAt(place: string, rule: string, wayOut: string): TruthError {
  return new TruthError('INVALID_ARGUMENT', `${place}: ${rule}: ${wayOut}`);
}

/** A name that is not there. `names` are those that are. */
export function unknownName(place: string, sort: string, name: string, names: readonly string[]): TruthError {
  const suggestion = closestName(name, names);
  const wayOut = suggestion === null ? known(sort, names) : `did you mean "${suggestion}"?`;
  return new TruthError('NOT_FOUND', `${place}: there is no ${sort} ${shownName(name)}: ${wayOut}`, {
    name: name.slice(0, SHOWN_CHARACTERS_MAX),
    suggestion,
  });
}

/** The name that is least different, when it is no more different than a slip of the hand makes it; else null. */
export function closestName(name: string, names: readonly string[]): string | null {
  if (name.length === 0 || name.length > NAME_CHARACTERS_MAX) return null;
  const wanted = name.toLowerCase();
  let best: string | null = null;
  let least = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of names.slice(0, COMPARED_MAX)) {
    const distance = editDistance(wanted, candidate.slice(0, NAME_CHARACTERS_MAX).toLowerCase());
    if (distance >= least) continue;
    least = distance;
    best = candidate;
  }
  return best;
}

export function shownName(name: string): string {
  return JSON.stringify(
    name.length > SHOWN_CHARACTERS_MAX ? `${name.slice(0, SHOWN_CHARACTERS_MAX)}…` : name,
  );
}

const LISTED_MAX = 12;

function known(sort: string, names: readonly string[]): string {
  if (names.length === 0) return `define it first, there is none yet`;
  const listed = names.slice(0, LISTED_MAX).join(', ');
  return `define it first, or use ${names.length > LISTED_MAX ? `another (${listed} …)` : `the ${sort} ${listed}`}`;
}

/** Letters to add, leave out, exchange or swap with their neighbour (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1] ? 0 : 1;
      let cost = Math.min(last[column]! + 1, current[column - 1]! + 1, last[column - 1]! + same);
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped) cost = Math.min(cost, beforeLast[column - 2]! + 1);
      current.push(cost);
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length]!;
}
