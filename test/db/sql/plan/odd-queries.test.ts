/** Queries that almost make sense are answered or refused with a sqlstate; nothing else ever comes of them. */
import { expect, test } from 'vitest';
import { TruthError } from '../../../../db/errors.ts';
import { TENANT_DEFAULT } from '../../../../db/types.ts';
import { Asker } from '../query-world.ts';
import { Dice, RANDOM_TABLES, randomRow, randomSelect } from '../random-tables.ts';
import { TableWorld } from '../table-world.ts';

const QUERIES = 3_000;
/** What can stand where a value stands, and what makes nonsense of most places. */
const VALUES = [
  ...'id a b c d e f g nothing by_id by_pair x0 _sequence $1 1 0 -1 2147483648 1e400 1.5 NULL true'.split(
    ' ',
  ),
  ..."'a' '' '2024-01-01' (a+b) (c||d) count(*) sum(a) max(c) length(c) length(a) abs(c) now() upper(g)".split(
    ' ',
  ),
  ...[
    'CAST(c AS integer)',
    'CAST(e AS boolean)',
    "CAST('x' AS uuid)",
    'CASE WHEN a THEN b END',
    'a IN (b, c)',
  ],
];
const WORDS = 'AND NOT IS IN = < + / || ( ) , * DISTINCT WHERE LIMIT GROUP HISTORY JOIN AS FROM'.split(' ');

test('odd queries are answered or refused with a sqlstate', async () => {
  const asker = await Asker.open();
  const world = await TableWorld.open();
  const dice = new Dice(20_261_130);
  for (const { name, create } of RANDOM_TABLES) {
    const rows = Array.from({ length: 12 }, (_, id) => randomRow(dice, id, name));
    for (const statement of [...create, `INSERT INTO ${name} VALUES ${rows.join(', ')}`])
      expect(world.write(statement).error).toBeNull();
  }
  const snapshot = world.view.snapshot(TENANT_DEFAULT);
  const end = world.commits.at(-1)!;
  const refusals = new Map<string, number>();
  let answered = 0;
  for (let count = 0; count < QUERIES; count++) {
    const text = odd(dice, randomSelect(dice, dice.pick(RANDOM_TABLES).name));
    try {
      const parameters = text.includes('$1') ? [{ given: 'text' as const, text: '1' }] : [];
      asker.ask(snapshot, text, { end, parameters });
      answered += 1;
    } catch (error) {
      if (!(error instanceof TruthError)) throw new Error(`${text}: ${String(error)}`, { cause: error });
      const sqlstate = String(error.details['sqlstate']);
      expect({ text, sqlstate }).toEqual({ text, sqlstate: expect.stringMatching(/^[0-9A-Z]{5}$/) });
      expect({ text, sqlstate }).not.toEqual({ text, sqlstate: 'XX000' });
      refusals.set(sqlstate, (refusals.get(sqlstate) ?? 0) + 1);
    }
  }
  snapshot.close();
  // Otherwise the words are chosen badly.
  expect(answered).toBeGreaterThan(QUERIES / 10);
  expect(refusals.size).toBeGreaterThan(8);
});

/** With a value in another's place, and now and then a word too many. */
function odd(dice: Dice, text: string): string {
  const words = text.split(/(?<=[\s(),])|(?=[(),])/);
  const values = words.flatMap((word, place) => (/^[a-z0-9'.-]+\s?$/.test(word) ? [place] : []));
  for (let changes = 1 + dice.below(2); changes > 0; changes--)
    words.splice(dice.pick(values), 1, ` ${dice.pick(VALUES)} `);
  if (dice.chance(0.15)) words.splice(dice.below(words.length), 0, ` ${dice.pick(WORDS)} `);
  if (dice.chance(0.1)) return `EXPLAIN ${words.join('')}`;
  return dice.chance(0.1)
    ? words.join('').replace(/ FROM (\w+)/, ' FROM $1 AS OF POSITION 9')
    : words.join('');
}
