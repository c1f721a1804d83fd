/** A process that writes to tables until it is killed at a chosen place: `node victim.ts DIRECTORY STAGE COUNT FIRST`. */
import { writeSync } from 'node:fs';
import { openEngine } from '../../../../db/engine.ts';
import { SqliteStore } from '../../../../db/sql/store/index.ts';
import { TENANT_DEFAULT } from '../../../../db/types.ts';
import { OrderedLog } from '../../../../db/wal/ordered-log.ts';

/** Where it dies. */
export type Stage =
  /** The log has taken the entries; whether they reach the disk is open. */
  | 'appended'
  /** The entries are durable, the rows are not in the tables yet. */
  | 'stable'
  /** The tables have them, nobody was answered. */
  | 'committed'
  /** After the answer. */
  | 'answered';

const [, , directory, stage, count, first] = process.argv as [string, string, string, Stage, string, string];
const CLIENTS = 4;
let left = Number(count);

function dieAt(place: Stage): void {
  if (place === stage && armed && --left <= 0) process.kill(process.pid, 'SIGKILL');
}

let armed = false;
const append = OrderedLog.prototype.append;
OrderedLog.prototype.append = function (...given) {
  const range = append.apply(this, given);
  dieAt('appended');
  return range;
};
const commit = SqliteStore.prototype.commit;
SqliteStore.prototype.commit = function () {
  dieAt('stable');
  commit.call(this);
  dieAt('committed');
};

const engine = await openEngine({ directory, ringBytes: 1 << 22 });
const identity = { tenant: TENANT_DEFAULT, actor: 'victim', mayWrite: true, mayDefine: true };
const session = engine.sql.session(identity);
await session.execute('CREATE TABLE IF NOT EXISTS t (id integer PRIMARY KEY, n integer, s text UNIQUE)', []);
await session.execute('CREATE INDEX IF NOT EXISTS t_n ON t (n)', []);
armed = true;
let id = Number(first);
await Promise.all(
  Array.from({ length: CLIENTS }, async () => {
    const own = engine.sql.session(identity);
    for (;;) {
      const mine = id++;
      await own.execute(`INSERT INTO t VALUES (${mine}, ${mine % 5}, 'row ${mine}')`, []);
      // What was answered must be there whatever happens now.
      writeSync(1, `${mine}\n`);
      dieAt('answered');
      if (mine % 3 === 0)
        await own.execute(`UPDATE t SET n = n + 1, s = 'again ' || id WHERE id = ${mine}`, []);
      if (mine % 7 === 0) await own.execute(`DELETE FROM t WHERE id = ${mine - 7}`, []);
    }
  }),
);
