/** Tables on a machine whose disk fails, tears and forgets: what was answered is there, what was refused is not. */
import { beforeAll, expect, test } from 'vitest';
import type { Engine } from '../../../../db/engine.ts';
import type { FaultKind, Operation } from '../../../../db/sim/faults.ts';
import { Random } from '../../../../db/sim/random.ts';
import { loadSql } from '../../../../db/sql/index.ts';
import { FAULTS, newDisk, newMachine, openOn, pump } from '../../support/simulated.ts';
import { sessionOf, told } from '../session/open-sql.ts';

const ROWS = 12;
const LOG_OPERATIONS: readonly Operation[] = ['pwrite', 'fdatasync'];

// The parser's program is loaded in real time, of which a simulated machine has none.
beforeAll(() => loadSql());

interface Lived {
  /** What was answered for each row, in order; null: nothing. */
  readonly answers: readonly (string | null)[];
  readonly happened: boolean;
}

/** Inserts rows, some of them in one turn, while a fault waits in the log's files; then the power fails. */
async function live(
  fault: FaultKind,
  operation: Operation,
  after: number,
): Promise<Lived & { rows: number[]; again: string }> {
  const machine = newMachine(after);
  const random = new Random(after, `${fault} ${operation}`);
  const disk = newDisk(machine);
  const engine = await pump(machine, openOn(machine, disk));
  const session = sessionOf(engine);
  await pump(machine, told(session, 'CREATE TABLE t (id integer PRIMARY KEY, n integer UNIQUE)'));
  machine.faults.arm({ fault, operation, path: '/wal', after });
  const answers: (string | null)[] = [];
  for (let id = 0; id < ROWS; id += 3)
    answers.push(...(await inserted(machine, engine, [id, id + 1, id + 2])));
  machine.faults.disarm();
  const happened = machine.faults.happened.length > 0;
  const rest = disk.powerCut(random, { kind: 'mixed', missing: 0.5, sectorBytes: 512 }).disk;
  const reopened = await pump(machine, openOn(machine, rest));
  const found = await pump(machine, told(sessionOf(reopened), 'SELECT id FROM t ORDER BY id'));
  const again = await pump(machine, told(sessionOf(reopened), 'INSERT INTO t VALUES (100, 100)'));
  const rows = (found as readonly (readonly [number])[]).map(([id]) => id);
  await pump(machine, reopened.close());
  return { answers, happened, rows, again: String(again) };
}

/** Answers of commands that come in one turn; null for those that never get one. */
async function inserted(
  machine: Parameters<typeof pump>[0],
  engine: Engine,
  ids: readonly number[],
): Promise<(string | null)[]> {
  const answers: (string | null)[] = ids.map(() => null);
  const all = ids.map(async (id, index) => {
    answers[index] = String(await told(sessionOf(engine), `INSERT INTO t VALUES (${id}, ${id % 10})`));
  });
  await pump(machine, Promise.race([Promise.all(all), quiet(machine)]));
  return answers;
}

/** A disk that has stopped answers nobody. */
function quiet({ time }: Parameters<typeof pump>[0]): Promise<void> {
  return new Promise((resolve) => void time.after(5_000, resolve));
}

test.each(FAULTS)('%s in any call on the log loses no row that was answered', async (fault) => {
  let happened = 0;
  const heard = new Map<string, number>();
  for (const operation of LOG_OPERATIONS) {
    for (let after = 0; after < 4; after++) {
      const lived = await live(fault, operation, after);
      const where = `${fault} at ${operation} ${after}: ${lived.answers.join(' ')}`;
      if (lived.happened) happened += 1;
      for (let id = 0; id < ROWS; id++) {
        const answer = lived.answers[id] ?? 'nothing';
        heard.set(answer, (heard.get(answer) ?? 0) + 1);
        // Every row from 10 on has an n that is taken.
        if (answer === 'INSERT 0 1') expect(lived.rows, where).toContain(id);
        if (answer === '23505' || answer === 'DISK_FULL') expect(lived.rows, where).not.toContain(id);
      }
      expect(lived.rows, where).toEqual([...lived.rows].sort((a, b) => a - b));
      expect(lived.again, where).toBe('INSERT 0 1');
    }
  }
  expect(happened).toBeGreaterThan(0);
  expect(heard.get('INSERT 0 1')).toBeGreaterThan(10);
  // A disk that is only slow refuses nobody.
  const refused = [...heard.keys()].filter((answer) => !['INSERT 0 1', '23505'].includes(answer));
  expect(refused.length > 0).toBe(fault !== 'delay');
});
