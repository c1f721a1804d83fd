/** What every log keeps, whatever it writes to: the engine stands on this, so both logs it is tested with must pass. */
import { expect, test } from 'vitest';
import type { RecordedAt, Sequence, TenantId } from '../../../db/types.ts';
import type { ClosedCommit, EntryDraft, Log, LogCommit } from '../../../db/wal/log.ts';

/** `open` gives a fresh log; `reopen` closes a log and opens it again. */
export interface LogUnderTest {
  open(): Promise<Log>;
  reopen(log: Log): Promise<Log>;
}

const ENTRY_TYPE_FIRST = 16;

export function logContract({ open, reopen }: LogUnderTest): void {
  test('gives the entries of a command the next sequences, at once and without a gap', async () => {
    const log = await open();
    const { next } = log;
    const a = log.append([draft('a'), draft('b')], at(1));
    const b = log.append([draft('c')], at(2));
    expect(a).toEqual({ first: next, last: next + 1 });
    expect(b).toEqual({ first: next + 2, last: next + 2 });
    await log.close();
  });

  test('closes a group at the end of the turn: commands of one turn share a commit, the next turn has its own', async () => {
    const log = await open();
    const commits = closedCommits(log);
    const a = log.append([draft('a')], at(1));
    const b = log.append([draft('b')], at(2));
    expect(commits.filter(({ sequence }) => sequence > a.last)).toEqual([]);
    await stable(log, b.last);
    const c = log.append([draft('c')], at(3));
    await stable(log, c.last);
    const [first, second] = commits.filter(({ first, sequence }) => first < sequence);
    expect(first).toMatchObject({ first: a.first, sequence: b.last + 1 });
    expect(second).toMatchObject({ first: c.first });
    expect(second!.ordinal).toBeGreaterThan(first!.ordinal);
    await log.close();
  });

  test('tells of a commit before it is stable, and moves stability in order, never inside append', async () => {
    const log = await open();
    const told: string[] = [];
    let appending = false;
    log.onCommit(({ sequence }) => told.push(`closed ${sequence}`));
    log.onStable((reached) => {
      expect(appending).toBe(false);
      told.push(`stable ${reached}`);
    });
    let last = 0 as Sequence;
    for (let turn = 0; turn < 5; turn++) {
      appending = true;
      last = log.append([draft(`${turn}`)], at(turn)).last;
      appending = false;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await stable(log, last);
    const stables = told.filter((line) => line.startsWith('stable')).map((line) => Number(line.slice(7)));
    expect(stables).toEqual([...stables].sort((a, b) => a - b));
    for (const reached of stables) {
      expect(told.indexOf(`closed ${reached}`)).toBeGreaterThanOrEqual(0);
      expect(told.indexOf(`closed ${reached}`)).toBeLessThan(told.indexOf(`stable ${reached}`));
    }
    await log.close();
  });

  test('tells of what is written, in order, before it is stable and never inside append', async () => {
    const log = await open();
    const told: ['written' | 'stable', number][] = [];
    let appending = false;
    log.onWritten((reached) => {
      expect(appending).toBe(false);
      expect(log.written).toBe(reached);
      told.push(['written', reached]);
    });
    log.onStable((reached) => {
      expect(log.written).toBeGreaterThanOrEqual(reached);
      told.push(['stable', reached]);
    });
    let last = 0 as Sequence;
    for (let turn = 0; turn < 5; turn++) {
      appending = true;
      last = log.append([draft(`${turn}`)], at(turn), 'async').last;
      appending = false;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await stable(log, last);
    const written = told.flatMap(([what, reached]) => (what === 'written' ? [reached] : []));
    expect(written).toEqual([...new Set(written)].sort((a, b) => a - b));
    expect(written.at(-1)).toBeGreaterThan(last);
    for (const [index, [what, reached]] of told.entries()) {
      if (what === 'written') continue;
      const before = told.slice(0, index).filter(([what]) => what === 'written');
      expect(before.at(-1)![1]).toBeGreaterThanOrEqual(reached);
    }
    await log.close();
  });

  test('records the greatest time of the group, and never one that is not after the commit before', async () => {
    const log = await open();
    const commits = closedCommits(log);
    const now = BigInt(Date.now()) * 1_000_000n + 3_600_000_000_000n;
    log.append([draft('a')], (now + 5n) as RecordedAt);
    const { last } = log.append([draft('b')], (now + 9n) as RecordedAt);
    await stable(log, last);
    await stable(log, log.append([draft('c')], now as RecordedAt).last);
    const times = commits
      .filter(({ first, sequence }) => first < sequence)
      .map((commit) => commit.recordedAt);
    expect(times[0]).toBe(now + 9n);
    expect(times[1]).toBeGreaterThan(now + 9n);
    await log.close();
  });

  test('reads back what was announced: commits, entries, bytes', async () => {
    const log = await open();
    const commits = closedCommits(log);
    const payload = new Uint8Array([1, 2, 3]);
    const { first } = log.append([{ ...draft('x'), type: 17, flags: 0, partitionKey: 99n, payload }], at(1));
    payload.fill(0);
    const { last } = log.append([draft('y')], at(2));
    await stable(log, last);
    const [announced] = commits.filter((commit) => commit.first === first);
    const [read] = await collect(log.read({ from: first, follow: false }));
    expect(read).toMatchObject({
      ordinal: announced!.ordinal,
      epoch: announced!.epoch,
      recordedAt: announced!.recordedAt,
      sequence: announced!.sequence,
    });
    expect(read!.entries[0]).toMatchObject({
      sequence: first,
      type: 17,
      partitionKey: 99n,
      payload: new Uint8Array([1, 2, 3]),
    });
    expect(log.entryAt(first)).toMatchObject({ sequence: first, recordedAt: announced!.recordedAt });
    expect(Buffer.from(log.entryAt(last)!.payload).toString()).toBe('y');
    await log.close();
  });

  test('shows readers nothing that is not stable', async () => {
    const log = await open();
    const { last } = log.append([draft('a')], at(1));
    expect(log.stable).toBeLessThan(last);
    expect(log.entryAt(last)).toBeNull();
    expect(await payloads(log)).toEqual([]);
    await stable(log, last);
    expect(await payloads(log)).toEqual(['a']);
    await log.close();
  });

  test('reads from any sequence forwards and backwards, beginning with the commit that contains it', async () => {
    const log = await open();
    const lasts: Sequence[] = [];
    for (const text of ['a', 'b', 'c']) {
      const { last } = log.append([draft(text), draft(`${text}${text}`)], at(1));
      await stable(log, last);
      lasts.push(last);
    }
    const forwards = await collect(log.read({ from: lasts[1]!, follow: false }));
    expect(forwards.flatMap(texts)).toEqual(['b', 'bb', 'c', 'cc']);
    const backwards = await collect(log.readBackwards(lasts[1]!));
    expect(backwards.flatMap(texts)).toEqual(['b', 'bb', 'a', 'aa']);
    const newest = await collect(log.readBackwards((lasts[2]! + 1000) as Sequence));
    expect(newest.flatMap(texts)).toEqual(['c', 'cc', 'b', 'bb', 'a', 'aa']);
    await log.close();
  });

  test('goes on after it was closed and opened: same entries, same chain, a new epoch', async () => {
    const log = await open();
    const { last } = log.append([draft('a'), draft('b')], at(1));
    await stable(log, last);
    const before = await collect(log.readBackwards(last));
    const { epoch } = log;
    const again = await reopen(log);
    expect(again.epoch).toBeGreaterThan(epoch);
    expect(await payloads(again)).toEqual(['a', 'b']);
    const after = await collect(again.readBackwards(last));
    expect(Buffer.from(after[0]!.chain)).toEqual(Buffer.from(before[0]!.chain));
    expect(again.next).toBeGreaterThan(last + 1);
    expect(again.stable).toBe(again.next - 1);
    await again.close();
  });

  test('refuses to append once it is closing', async () => {
    const log = await open();
    const closing = log.close();
    expect(() => log.append([draft('a')], at(1))).toThrow(expect.objectContaining({ code: 'CLOSED' }));
    await closing;
  });
}

function draft(text: string): EntryDraft {
  return {
    type: ENTRY_TYPE_FIRST,
    tenant: 0 as TenantId,
    partitionKey: 0n,
    flags: 0,
    payload: Buffer.from(text),
  };
}

function at(nanos: number): RecordedAt {
  return BigInt(nanos) as RecordedAt;
}

function closedCommits(log: Log): ClosedCommit[] {
  const commits: ClosedCommit[] = [];
  log.onCommit((commit) => commits.push(commit));
  return commits;
}

async function stable(log: Log, sequence: Sequence): Promise<void> {
  if (log.stable >= sequence) return;
  await new Promise<void>((resolve) => {
    const stop = log.onStable((reached) => {
      if (reached < sequence) return;
      stop();
      resolve();
    });
  });
}

async function collect(commits: AsyncIterable<LogCommit>): Promise<LogCommit[]> {
  const collected: LogCommit[] = [];
  for await (const commit of commits) {
    collected.push({
      ...commit,
      entries: commit.entries.map((entry) => ({ ...entry, payload: new Uint8Array(entry.payload) })),
    });
  }
  return collected;
}

async function payloads(log: Log): Promise<string[]> {
  return (await collect(log.read({ from: 1 as Sequence, follow: false }))).flatMap(texts);
}

function texts(commit: LogCommit): string[] {
  return commit.entries
    .filter(({ type }) => type >= ENTRY_TYPE_FIRST)
    .map(({ payload }) => Buffer.from(payload).toString());
}
