/**
 * How deep a statement may nest. PostgreSQL's grammar and everything behind it are recursive; what nests is refused while it is
 * only a list of tokens, so that neither the parser's stack nor ours can run out.
 */
import { tooLarge } from './refusal.ts';
import type { Token } from './tokens.ts';

/** Brackets and CASEs within each other; also levels of an expression. */
export const NESTING_MAX = 200;

/**
 * Operators that may lie within each other without brackets, as in 1 + 1 + 1: counted from tokens, hence never too few and
 * often too many, hence looser than NESTING_MAX, which the tree itself is held to.
 */
const CHAIN_MAX = 1000;

/** Errors: TOO_LARGE (54001). */
export function refuseDeepNesting(text: string, tokens: readonly Token[]): void {
  const levels: Level[] = [new Level('')];
  let sum = 0;
  for (const { kind, word, start } of tokens) {
    if (kind !== 'word' && kind !== 'sign') continue;
    const level = levels.at(-1)!;
    if (OPENS.has(word)) {
      if (levels.length > NESTING_MAX) throw deepNesting(text, start);
      levels.push(new Level(word));
    } else if (word === ')' || word === ']' || (word === 'end' && level.opened === 'case')) {
      sum -= close(levels, word);
    } else if (SEPARATES.has(word)) {
      sum -= level.chain;
      level.chain = 0;
    } else if (COMBINES.has(word)) {
      sum += 1;
      level.joins += 1;
    } else if (kind === 'sign' || NESTS.has(word)) {
      sum += 1;
      level.chain += 1;
    }
    if (sum > CHAIN_MAX) throw deepNesting(text, start);
  }
}

/** How many operators the levels had that a token closes: a bracket also closes a "case" that was only a name. */
function close(levels: Level[], word: string): number {
  let closed = 0;
  while (levels.length > 1) {
    const level = levels.pop()!;
    closed += level.chain + level.joins;
    if (word === 'end' || level.opened !== 'case') break;
  }
  return closed;
}

export function deepNesting(text: string, at: number): Error {
  return tooLarge(text, at, `a statement nests at most ${NESTING_MAX} levels deep; split it`, '54001');
}

class Level {
  readonly opened: string;
  /** Operators since the last separator. */
  chain = 0;
  /** Joins and set operations: a separator between two of them does not end their nesting. */
  joins = 0;

  constructor(opened: string) {
    this.opened = opened;
  }
}

const OPENS = new Set(['(', '[', 'case']);
/** What stands on both sides of one of these stands beside each other, not within. */
const SEPARATES = new Set([',', ';', 'and', 'or', 'when', 'then', 'else']);
const COMBINES = new Set(['join', 'union', 'intersect', 'except']);
/** Words that are operators of expressions. */
const NESTS = new Set(
  'not is isnull notnull in like ilike similar between collate at escape overlaps operator any some all array row exists'.split(
    ' ',
  ),
);
