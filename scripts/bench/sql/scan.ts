/** How long single appends take while somebody reads a whole table, beside how long they take when nobody does: one server, in turns. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type Client, connect } from '../../../db/client/index.ts';
import { parseConnectionString } from '../../../db/protocol/index.ts';
import { atMost } from '../bench.ts';
import { startServing } from '../serving.ts';
import { inTurns, medianOf, ratioInTurns, type SqlPartResult, type SqlPlan } from './part.ts';

const PART = 'scan';
const ROWS = 300_000;
const QUICK_ROWS = 50_000;
const LOAD_ROWS = 500;
const EVENT_BYTES = 256;
/** Appends by the clock: one that waits makes the next late, as it would for a person. */
const EVERY_MILLIS = 5;
const IDLE = 'nobody reads';
const SCANNING = 'a full scan runs';
const ROUNDS = 5;

export async function scan(plan: SqlPlan): Promise<SqlPartResult> {
  const serving = await startServing({ data: join(plan.directory, 'scan') });
  const address = parseConnectionString(serving.url);
  const [writer, reader] = [await connect(address), await connect(address)];
  try {
    const rows = plan.quick ? QUICK_ROWS : ROWS;
    plan.progress(`scan: ${rows} rows`);
    await reader.query('CREATE TABLE scanned (id bigint PRIMARY KEY, note text)');
    for (let first = 0; first < rows; first += LOAD_ROWS) {
      const values = Array.from(
        { length: LOAD_ROWS },
        (_, at) => `(${first + at}, 'note number ${first + at}')`,
      );
      await reader.query(`INSERT INTO scanned VALUES ${values.join(', ')}`);
    }
    let scans = 0;
    const takers = [
      { name: IDLE, run: () => slowest(writer, plan.seconds) },
      {
        name: SCANNING,
        run: async () => {
          const until = performance.now() + plan.seconds * 1000;
          const scanning = (async () => {
            for (; performance.now() < until; scans++) await wholeTable(reader);
          })();
          const p99 = await slowest(writer, plan.seconds);
          await scanning;
          return p99;
        },
      },
    ];
    const figures = await inTurns(takers, { rounds: ROUNDS, signal: plan.signal });
    const ratio = ratioInTurns(figures, SCANNING, IDLE);
    const common = { part: PART, load: `an append each ${EVERY_MILLIS} ms`, unit: 'ms, p99' };
    return {
      findings: [
        { ...common, who: IDLE, value: medianOf(figures, IDLE), ratio: 1, note: '' },
        { ...common, who: SCANNING, value: medianOf(figures, SCANNING), ratio, note: `${scans} scans` },
      ],
      aims: [atMost('p99 of appends while a full scan runs: times idle', 2, ratio)],
    };
  } finally {
    await Promise.all([writer.close(), reader.close()]);
    await serving.stop();
  }
}

/** Every row is looked at, none is in the answer. */
async function wholeTable(reader: Client): Promise<void> {
  const { rows } = await reader.query("SELECT id FROM scanned WHERE note LIKE '%nothing has this%'");
  if (rows.length > 0) throw new Error('the scan found what is not there');
}

/** p99 in milliseconds of appends sent by the clock, from when each was due. */
async function slowest(writer: Client, seconds: number): Promise<number> {
  const data = randomBytes(EVENT_BYTES);
  const count = Math.round((seconds * 1000) / EVERY_MILLIS);
  const began = performance.now();
  const millis = await Promise.all(
    Array.from({ length: count }, async (_, at) => {
      const due = began + at * EVERY_MILLIS;
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
      // The timer's own lateness is the load's, not the server's.
      const sent = performance.now();
      await writer.append('latency', [{ type: 'load', data }]);
      return performance.now() - sent;
    }),
  );
  millis.sort((a, b) => a - b);
  return millis[Math.floor(millis.length * 0.99)] ?? Number.NaN;
}
