/** What a query says as of a position is what it said when that position was the end of the log. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Row } from '../../../../db/sql/types/index.ts';
import { TENANT_DEFAULT } from '../../../../db/types.ts';
import { Asker } from '../query-world.ts';
import { condition, Dice, randomRow } from '../random-tables.ts';
import { replayed, TableWorld } from '../table-world.ts';

const STEPS = 40;
const TABLE =
  'CREATE TABLE t (id integer PRIMARY KEY, a integer, b bigint, c text, d decimal(12, 2), e double precision, f boolean, g timestamp)';
const QUERIES = [
  'SELECT * FROM t',
  'SELECT * FROM t WHERE id = 3',
  'SELECT * FROM t WHERE id BETWEEN 2 AND 6 ORDER BY id DESC',
  'SELECT id, a FROM t WHERE a = 1 ORDER BY id',
  'SELECT count(*) FROM t',
  'SELECT id FROM t ORDER BY c, id LIMIT 4',
];

interface Remembered {
  readonly position: number;
  readonly recordedAt: bigint;
  /** By query: what it said then, or the sqlstate of its refusal. */
  readonly answers: readonly unknown[];
}

test('AS OF a position or moment answers as the present did then, and as a replay up to there does', async () => {
  const asker = await Asker.open();
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 0xffff_ffff }), async (seed) => {
      const dice = new Dice(seed);
      const world = await TableWorld.open();
      const past: Remembered[] = [];
      for (let step = 0; step < STEPS; step++) {
        const exists = world.view.catalog(TENANT_DEFAULT).table('t') !== null;
        world.write(exists || (step > 0 && dice.chance(0.5)) ? randomChange(dice, step * 2) : TABLE);
        const commit = world.commits.at(-1)!;
        if (past.at(-1)?.position === commit.sequence) continue;
        const { sequence: position, recordedAt } = commit;
        const answers = QUERIES.map((text) => answer(world.view, asker, text));
        past.push({ position, recordedAt, answers });
      }
      const end = world.commits.at(-1)!;
      for (const { position, recordedAt, answers } of past) {
        const moment = new Date(Number(recordedAt / 1_000_000n)).toISOString().slice(0, 23).replace('T', ' ');
        const byPosition = QUERIES.map((text) =>
          answer(world.view, asker, asOf(text, `POSITION ${position}`), end),
        );
        expect({ position, answers: byPosition }).toEqual({ position, answers });
        const [first] = QUERIES;
        const byMoment = answer(world.view, asker, asOf(first!, `TIMESTAMP '${moment}'`), end);
        expect({ position, answer: byMoment }).toEqual({ position, answer: answers[0] });
      }
      const some = dice.pick(past);
      const then = replayed(world.commits.filter(({ sequence }) => sequence <= some.position));
      expect(QUERIES.map((text) => answer(then, asker, text))).toEqual(some.answers);
    }),
    { numRuns: 3 },
  );
}, 60_000);

/** Rows come and go, and so do columns, indexes and now and then the table. */
function randomChange(dice: Dice, id: number): string {
  switch (dice.below(14)) {
    case 0:
      return 'ALTER TABLE t ADD COLUMN h integer DEFAULT 7';
    case 1:
      return 'ALTER TABLE t DROP COLUMN h';
    case 2:
      return 'CREATE INDEX t_a ON t (a)';
    case 3:
      return dice.chance(0.5) ? 'DROP INDEX t_a' : 'ALTER TABLE t RENAME COLUMN h TO i';
    case 4:
      return dice.chance(0.2) ? 'DROP TABLE t' : "UPDATE t SET c = NULL WHERE c = 'step'";
    case 5:
      return `DELETE FROM t WHERE ${condition(dice, 1)}`;
    case 6:
    case 7:
    case 8:
      return `UPDATE t SET a = ${dice.below(3)}, c = 'step' WHERE ${condition(dice, 1)}`;
    default:
      return `INSERT INTO t (id, a, b, c, d, e, f, g) VALUES ${[0, 1].map((more) => randomRow(dice, (id + more) % 24, 't')).join(', ')} ON CONFLICT DO NOTHING`;
  }
}

function asOf(text: string, moment: string): string {
  return text.replace('FROM t', `FROM t AS OF ${moment}`);
}

function answer(
  view: TableWorld['view'],
  asker: Asker,
  text: string,
  end: TableWorld['commits'][number] | null = null,
): unknown {
  const snapshot = view.snapshot(TENANT_DEFAULT);
  try {
    const { rows, columns } = asker.ask(snapshot, text, { end });
    return { columns: columns?.map(({ name }) => name), rows: rows.map(plain) };
  } catch (error) {
    return (error as { details: { sqlstate?: string } }).details.sqlstate ?? String(error);
  } finally {
    snapshot.close();
  }
}

function plain(row: Row): string {
  return JSON.stringify(row, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
}
