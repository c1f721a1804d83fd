/**
 * What a reducer missed: its inputs out of the log, a page at a time. Each page becomes an entry of its own, so that whoever
 * applies it needs no log; it is of one person at most, so that it can be erased with that person's.
 */
import { KERNEL_ENTRY } from '../kernel/entry-types.ts';
import { decodeEvent } from '../kernel/event-entry.ts';
import type { Catalog } from '../sql/catalog/index.ts';
import { subjectIn } from '../sql/commands/row-entries.ts';
import { decodeRows } from '../sql/rows/rows-entry.ts';
import { TableLayout } from '../sql/rows/table-layout.ts';
import type { StoreReader } from '../sql/store/contract.ts';
import type { Row } from '../sql/types/index.ts';
import { SEQUENCE_NONE, type Sequence, type TenantId } from '../types.ts';
import type { LogCommit, LogEntry } from '../wal/log.ts';
import type { Deployment } from './definition.ts';
import type { PastInput } from './entry.ts';
import { eventInput, rowInput } from './input.ts';
import type { Cursor } from './progress.ts';
import { rowsOf } from './runner.ts';

const PAGE_INPUTS = 256;
const PAGE_BYTES = 262_144;

export interface PastPage {
  readonly inputs: readonly PastInput[];
  readonly subject: string | null;
  /** Behind the last input; at `until` where there are none left. */
  readonly to: Cursor;
}

export interface PastOptions {
  readonly tenant: TenantId;
  readonly deployment: Deployment;
  readonly cursor: Cursor;
  readonly until: Sequence;
  readonly catalog: Catalog;
  readonly rows: StoreReader;
  /** The person a stream is about, or null. */
  readonly subjectOf: (stream: string) => string | null;
}

interface Found {
  readonly input: Uint8Array;
  readonly subject: string | null;
}

/** Takes commits in order, from the one that has the cursor. */
export class PastReader {
  readonly #options: PastOptions;
  readonly #inputs: PastInput[] = [];
  #subject: string | null = null;
  #bytes = 0;
  #to: Cursor;

  constructor(options: PastOptions) {
    this.#options = options;
    this.#to = options.cursor;
  }

  /** False: the page is full, or there is nothing more to come. */
  take({ entries, sequence }: LogCommit): boolean {
    const { tenant, cursor, until, deployment } = this.#options;
    // Events are applied behind the tables' entries of their commit, so those of the deployment's own wait already.
    if (sequence > until && deployment.source.over === 'streams') return false;
    const rows = new RowsOfCommit(this.#options, (entries[0]?.sequence ?? SEQUENCE_NONE) as Sequence);
    for (const entry of entries) {
      if (entry.sequence >= until) return false;
      if (entry.tenant !== tenant) continue;
      const { sequence: position } = entry;
      let done = 0;
      for (const found of this.#inputsOf(entry, rows)) {
        done += 1;
        if (position < cursor.position || (position === cursor.position && done <= cursor.done)) continue;
        if (!this.#add(position, done, found)) return false;
      }
    }
    return true;
  }

  /** What was found. A page with inputs never says that all is done: an erasure may take it away. */
  page(): PastPage {
    const { until } = this.#options;
    if (this.#inputs.length === 0) return { inputs: [], subject: null, to: { position: until, done: 0 } };
    return { inputs: this.#inputs, subject: this.#subject, to: this.#to };
  }

  #add(position: Sequence, done: number, { input, subject }: Found): boolean {
    const first = this.#inputs.length === 0;
    if (first) this.#subject = subject;
    else if (subject !== this.#subject || this.#bytes + input.length > PAGE_BYTES) return false;
    this.#inputs.push({ position, input });
    this.#bytes += input.length;
    this.#to = { position, done };
    return this.#inputs.length < PAGE_INPUTS;
  }

  #inputsOf({ type, payload, sequence }: LogEntry, rows: RowsOfCommit): readonly Found[] {
    const { source } = this.#options.deployment;
    if (source.over === 'table') return type === KERNEL_ENTRY.rows ? rows.inputsOf(payload, sequence) : [];
    if (type !== KERNEL_ENTRY.event) return [];
    const { stream } = decodeEvent(payload, sequence);
    if (!stream.startsWith(source.prefix)) return [];
    return [{ input: eventInput(payload, sequence), subject: this.#options.subjectOf(stream) }];
  }
}

/** Changes of the table's rows in one commit, with what was there before each. */
class RowsOfCommit {
  readonly #options: PastOptions;
  readonly #before: Sequence;
  /** Rows that the commit has changed already. */
  readonly #changed = new Map<string, Row | null>();

  constructor(options: PastOptions, first: Sequence) {
    this.#options = options;
    this.#before = Math.max(0, first - 1) as Sequence;
  }

  inputsOf(payload: Uint8Array, at: Sequence): readonly Found[] {
    const { deployment, catalog, rows } = this.#options;
    const { source } = deployment;
    if (source.over !== 'table') return [];
    const { table: id, operations } = decodeRows(payload, at);
    const table = id === source.table ? catalog.tableById(id) : null;
    if (table === null) return [];
    const layout = TableLayout.of(table);
    const shown = rowsOf(source, table);
    const types = source.columns.map(({ type }) => type);
    return operations.map(({ kind, key, row }) => {
      const name = Buffer.from(key).toString('latin1');
      const stored = this.#changed.has(name) ? null : rows.getAt(table.space, key, this.#before);
      const before = this.#changed.get(name) ?? (stored === null ? null : layout.rowOf(stored.value));
      const after = kind === 'delete' ? null : layout.rowOf(row);
      this.#changed.set(name, after);
      const subject = subjectIn(table, (after ?? before)!);
      return { input: rowInput(types, shown(kind === 'insert' ? null : before), shown(after), at), subject };
    });
  }
}
