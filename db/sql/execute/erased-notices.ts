/** What an answer about the past leaves out because it was erased since: how much of it, of which table, and where the log says so. */
import type { Sequence } from '../../types.ts';
import type { Table } from '../catalog/index.ts';
import type { SqlNotice } from '../contract.ts';
import { takenEntries, takenFrom } from '../rows/erased-entries.ts';
import type { StoreReader } from '../store/index.ts';

/** Which entries an answer would have rested on: behind `after` up to `to`. */
type Wanted = (erasedAt: Sequence) => { readonly after: Sequence; readonly to: Sequence };

interface Question {
  /** Where nothing later than this erasure is of concern. */
  readonly erasedAfter: Sequence;
  readonly wanted: Wanted;
  /** Where the entries lie, for people; empty: anywhere. */
  readonly where: string;
}

/** Erasures and entries looked at for one answer; behind them a number is the least there is. */
const EXAMINED_MAX = 4096;
/** Positions that are told one by one. */
const POSITIONS_MAX = 16;
const NOWHERE = 0 as Sequence;

/** A state at a commit: erasures before it had no rows in it any more. */
export function stateAt(at: Sequence): Question {
  return {
    erasedAfter: at,
    wanted: () => ({ after: NOWHERE, to: at }),
    where: `, written up to position ${at},`,
  };
}

/** All versions up to a commit. */
export function historyTo(to: Sequence): Question {
  return { erasedAfter: NOWHERE, wanted: () => ({ after: NOWHERE, to }), where: '' };
}

/** What only one of two states would have shown. */
export function differenceOf(from: Sequence, to: Sequence): Question {
  return {
    erasedAfter: from,
    wanted: (erasedAt) => (erasedAt <= to ? { after: NOWHERE, to: from } : { after: from, to }),
    where: '',
  };
}

/** One for each of the tables that has lost any of it. */
export function erasedNotices(
  reader: StoreReader,
  tables: readonly Table[],
  question: Question,
): readonly SqlNotice[] {
  return tables.flatMap((table) => {
    const lost = lostFrom(reader, table, question);
    return lost.entries === 0 ? [] : [noticeOf(table, question, lost)];
  });
}

interface Lost {
  readonly entries: number;
  /** Whether that is all. */
  readonly complete: boolean;
  readonly positions: readonly Sequence[];
}

function lostFrom(reader: StoreReader, table: Table, { erasedAfter, wanted }: Question): Lost {
  let entries = 0;
  let examined = 0;
  const positions: Sequence[] = [];
  for (const taken of takenFrom(reader, table.id, erasedAfter)) {
    if (examined++ >= EXAMINED_MAX) return { entries, complete: false, positions };
    const range = wanted(taken.erasedAt);
    if (taken.last <= range.after || taken.first > range.to) continue;
    const before = entries;
    if (taken.first > range.after && taken.last <= range.to) entries += taken.entries;
    else {
      for (const _entry of takenEntries(reader, taken, range.after, range.to)) {
        if (examined++ >= EXAMINED_MAX) break;
        entries += 1;
      }
    }
    if (entries > before && positions.at(-1) !== taken.erasedAt) positions.push(taken.erasedAt);
  }
  return { entries, complete: examined <= EXAMINED_MAX, positions };
}

function noticeOf({ name }: Table, { where }: Question, { entries, complete, positions }: Lost): SqlNotice {
  const count = `${complete ? '' : 'at least '}${entries} ${entries === 1 ? 'entry' : 'entries'}`;
  return {
    message: `rows of ${count} of table "${name}"${where} were erased at ${told(positions)} and are not shown`,
    table: name,
    entries,
    erasedAt: positions.slice(0, POSITIONS_MAX),
  };
}

function told(positions: readonly Sequence[]): string {
  const [first] = positions;
  if (positions.length === 1) return `position ${first}`;
  if (positions.length <= POSITIONS_MAX)
    return `positions ${positions.slice(0, -1).join(', ')} and ${positions.at(-1)}`;
  return `${positions.length} positions from ${first} to ${positions.at(-1)}`;
}
