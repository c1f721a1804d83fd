/**
 * A transaction between BEGIN and COMMIT: the position it is pinned at, what it has read and what it has written. Nothing of
 * it is in the log or seen by others before its end, and then all of it or nothing.
 */
import { invariant } from '../../kernel/index.ts';
import { SEQUENCE_NONE, type Sequence } from '../../types.ts';
import { type Catalog, HEADER_KEY } from '../catalog/index.ts';
import type { CommandReply, TransactionCommand, WrittenRow } from '../commands/command.ts';
import { uuidOf } from '../commands/decide.ts';
import { refusal } from '../commands/refusals.ts';
import { RowNumbers } from '../commands/row-numbers.ts';
import { Workspace } from '../commands/workspace.ts';
import type { WritePlan } from '../commands/write-plan.ts';
import type { SqlIdentity } from '../contract.ts';
import type { QueryStore } from '../execute/query.ts';
import { EMPTY_STORE } from '../rows/empty-store.ts';
import { Overlay } from '../rows/overlay.ts';
import type { Space, StoreReader, StoreSnapshot } from '../store/contract.ts';
import type { SqlValue } from '../types/index.ts';
import type { SqlBackend } from './backend.ts';
import { ReadSet, TransactionReader } from './transaction-reader.ts';

const CATALOG_SPACE = 0 as Space;
const RANDOM_BYTES = 32;
const NANOS_PER_MICRO = 1_000n;

export class Transaction {
  /** Everything is read as of this position. */
  readonly pin: Sequence;
  readonly catalog: Catalog;
  /** Microseconds since 1970: what now() says throughout. */
  readonly now: bigint;
  readonly reads = new ReadSet();
  readonly #backend: SqlBackend;
  readonly #identity: SqlIdentity;
  /** Own rows; what lies below is another reader of the same state each time. */
  readonly #own = new Overlay(EMPTY_STORE);
  readonly #numbers = RowNumbers.provisional();
  readonly #touched = new Set<number>();
  #rows = 0;

  constructor(backend: SqlBackend, identity: SqlIdentity) {
    this.#backend = backend;
    this.#identity = identity;
    const { tenant } = identity;
    const { reader, done } = backend.glance(tenant);
    this.pin = reader.position?.sequence ?? SEQUENCE_NONE;
    done();
    this.catalog = backend.catalog(tenant);
    this.now = backend.clock.nowNanos() / NANOS_PER_MICRO;
    // Whatever is done rests on the tables being what they are.
    this.reads.addKey(CATALOG_SPACE, HEADER_KEY);
  }

  /** Nothing has been written. */
  get empty(): boolean {
    return this.#own.empty;
  }

  /** Carries out a statement upon what the transaction sees. Errors: its own refusal, TOO_LARGE (54000). */
  write(plan: WritePlan, parameters: readonly SqlValue[]): CommandReply {
    const random = this.#backend.random(RANDOM_BYTES);
    let drawn = 0;
    const context = {
      parameters,
      now: this.now,
      randomUuid: () => uuidOf(random, drawn++),
      user: this.#identity.actor,
      database: 'truthdb',
    };
    const { transactionBytes, transactionRows } = this.#backend.limits;
    return this.#reading((below) => {
      const overlay = this.#own.over(new TransactionReader(below, this.pin, this.reads));
      const workspace = new Workspace(this.catalog, overlay, this.#numbers, transactionRows);
      const reply = plan.run(workspace, { context });
      this.#rows += reply.count;
      if (overlay.bytes > transactionBytes || this.#rows > transactionRows) throw this.#tooLarge();
      this.#touched.add(plan.table.id);
      return reply;
    });
  }

  /** What queries of the transaction read: its own rows over the pinned state. Only while it has rows of its own. */
  store(): QueryStore {
    const snapshot = (): StoreSnapshot => {
      const below = this.#backend.snapshot(this.#identity.tenant);
      const overlay = this.#own.over(new TransactionReader(below, this.pin, new ReadSet()));
      return closing(overlay, () => below.close());
    };
    return {
      path: null,
      snapshot,
      glance: () => {
        const reader = snapshot();
        return { reader, done: () => reader.close() };
      },
      catalog: () => this.catalog,
      catalogs: this.#backend.catalogs(this.#identity.tenant),
    };
  }

  /** The command that ends it. Only where something was written. */
  command(): TransactionCommand {
    const { tenant, actor } = this.#identity;
    const writes = new Map<number, readonly WrittenRow[]>();
    for (const id of this.#touched) {
      const table = this.catalog.tableById(id);
      invariant(table !== null, 'a transaction writes to tables it knows');
      const rows: WrittenRow[] = [];
      for (const { key, value, before } of this.#own.written(table.space)) {
        if (before === null && value === null) continue;
        if (before !== null && value !== null && Buffer.compare(before, value) === 0) continue;
        rows.push({ key, row: value, existed: before !== null });
      }
      if (rows.length > 0) writes.set(id, rows);
    }
    const reads = this.reads.list();
    return { kind: 'transaction', tenant, actor, database: 'truthdb', pin: this.pin, reads, writes };
  }

  #reading<T>(use: (below: StoreReader) => T): T {
    const { reader, done } = this.#backend.glance(this.#identity.tenant);
    try {
      return use(reader);
    } finally {
      done();
    }
  }

  #tooLarge(): Error {
    const { transactionBytes, transactionRows } = this.#backend.limits;
    return refusal(
      '54000',
      `the transaction writes more than ${transactionRows} rows or ${transactionBytes} bytes: commit in smaller parts`,
      { rowsMax: transactionRows, bytesMax: transactionBytes },
      'TOO_LARGE',
    );
  }
}

/** An overlay as a snapshot: its methods are its prototype's, so it is given the one it lacks. */
function closing(overlay: Overlay, close: () => void): StoreSnapshot {
  return Object.assign(overlay, { close });
}
