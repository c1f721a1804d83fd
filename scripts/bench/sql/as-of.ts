/** Reads by primary key as of a past position beside reads of the present, with a thousand versions a row, behind a short and a long log. */
import { join } from 'node:path';
import { atMost, type BenchAim, median } from '../bench.ts';
import { fill, newDatabase, prepared, sessionOf } from './embedded.ts';
import {
  inTurns,
  medianOf,
  ratioInTurns,
  type SqlFinding,
  type SqlPartResult,
  type SqlPlan,
} from './part.ts';

const PART = 'as of';
const ROWS = 20;
const VERSIONS = 1000;
/** Rows of another table that make the log longer. */
const OTHERS = 500_000;
const QUICK_OTHERS = 50_000;
const READS = 500;
/** Short turns and many: one that others of the machine stretch is outvoted. */
const ROUNDS = 41;
const WARM_ROUNDS = 10;
const NOW = 'now';
const THEN = 'as of a position';

export async function asOf(plan: SqlPlan): Promise<SqlPartResult> {
  const engine = await newDatabase(join(plan.directory, 'as-of'));
  try {
    const session = sessionOf(engine);
    await session.execute('CREATE TABLE versioned (id bigint PRIMARY KEY, owner text, balance bigint)', []);
    await session.execute('CREATE TABLE others (id bigint PRIMARY KEY, owner text, balance bigint)', []);
    await fill(session, 'versioned', ROWS, (n) => [BigInt(n), `owner ${n}`, 0n]);
    plan.progress(`as of: ${VERSIONS} versions of each of ${ROWS} rows`);
    const update = prepared(session, 'UPDATE versioned SET balance = balance + $1');
    const positions: number[] = [];
    for (let version = 1; version < VERSIONS; version++) positions.push((await update(1n)).position);
    const findings: SqlFinding[] = [];
    const aims: BenchAim[] = [];
    // The first log measured must not pay for what is compiled while it is.
    await inTurns(takers(session, positions), { rounds: WARM_ROUNDS, signal: plan.signal });
    const then: number[][] = [];
    let written = ROWS * VERSIONS;
    for (const length of ['short', 'long']) {
      if (length === 'long') {
        const others = plan.quick ? QUICK_OTHERS : OTHERS;
        plan.progress(`as of: ${others} more rows in the log`);
        await fill(session, 'others', others, (n) => [BigInt(n), `owner ${n}`, 0n]);
        written += others;
      }
      const load = `${length} log, ${written.toLocaleString('en-US')} rows in it`;
      const figures = await inTurns(takers(session, positions), { rounds: ROUNDS, signal: plan.signal });
      const ratio = ratioInTurns(figures, THEN, NOW);
      for (const who of [NOW, THEN]) {
        const common = { part: PART, load, who, unit: 'µs a read', note: 'in process' };
        findings.push({ ...common, value: medianOf(figures, who), ratio: who === NOW ? 1 : ratio });
      }
      then.push([...(figures.get(THEN) ?? [])]);
      aims.push(atMost(`as of by primary key, ${length} log: times a read of the present`, 2, ratio));
    }
    const [short = [], long = []] = then;
    aims.push(atMost('as of by primary key: long log, times short log', 1.25, median(long) / median(short)));
    return { findings, aims };
  } finally {
    await engine.close();
  }
}

function takers(session: ReturnType<typeof sessionOf>, positions: readonly number[]) {
  const now = prepared(session, 'SELECT balance FROM versioned WHERE id = $1');
  const then = prepared(session, 'SELECT balance FROM versioned WHERE id = $1 AS OF POSITION $2');
  const timed = async (read: (at: number) => Promise<void>): Promise<number> => {
    const began = performance.now();
    for (let at = 0; at < READS; at++) await read(at);
    return ((performance.now() - began) / READS) * 1000;
  };
  const check = (balance: unknown, wanted: number): void => {
    if (balance !== BigInt(wanted)) throw new Error(`a read gave the balance ${balance}, not ${wanted}`);
  };
  return [
    {
      name: NOW,
      run: () =>
        timed(async (at) => {
          const { rows } = await now(BigInt(at % ROWS));
          check(rows[0]?.[0], positions.length);
        }),
    },
    {
      name: THEN,
      run: () =>
        timed(async (at) => {
          // Far apart, so that no two in a row are neighbours.
          const version = (at * 7919) % positions.length;
          const { rows } = await then(BigInt(at % ROWS), BigInt(positions[version] ?? 0));
          check(rows[0]?.[0], version + 1);
        }),
    },
  ];
}
