/**
 * Contents of stores of one moment, to be written one after the other while stores are written on. A store that nobody has
 * written since that moment still is what it was; before one is written, a snapshot of it is opened. So a snapshot of a
 * thousand tenants holds open no more stores than change meanwhile.
 */
import type { TenantId } from '../../types.ts';
import type { SqliteSnapshot } from './store-connection.ts';
import { encodeDump } from './store-dump.ts';

interface Capture {
  readonly tenant: TenantId;
  snapshot: SqliteSnapshot | null;
}

export class StoreCaptures {
  readonly #snapshotOf: (tenant: TenantId) => SqliteSnapshot;
  readonly #open = new Set<Capture>();

  constructor(snapshotOf: (tenant: TenantId) => SqliteSnapshot) {
    this.#snapshotOf = snapshotOf;
  }

  /** `writing`: the store has an open transaction, of which the capture has nothing. */
  take(
    tenant: TenantId,
    writing: boolean,
  ): { readonly chunks: () => Iterable<Uint8Array>; readonly done: () => void } {
    const capture: Capture = { tenant, snapshot: writing ? this.#snapshotOf(tenant) : null };
    this.#open.add(capture);
    return { chunks: () => this.#chunks(capture), done: () => this.#done(capture) };
  }

  beforeWriting(tenant: TenantId): void {
    for (const capture of this.#open) {
      if (capture.tenant === tenant) capture.snapshot ??= this.#snapshotOf(tenant);
    }
  }

  close(): void {
    for (const capture of this.#open) this.#done(capture);
  }

  *#chunks(capture: Capture): Generator<Uint8Array> {
    capture.snapshot ??= this.#snapshotOf(capture.tenant);
    yield* encodeDump(capture.snapshot.records());
    this.#done(capture);
  }

  #done(capture: Capture): void {
    if (this.#open.delete(capture)) capture.snapshot?.close();
  }
}
