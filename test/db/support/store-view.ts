/** A view over stores as the view of tables is one, without tables: each entry puts its payload under a key, for its tenant. */
import type {
  CheckpointReader,
  CheckpointWriter,
  FiledView,
  HeldFile,
  ViewCommit,
  ViewContext,
  ViewDefinition,
} from '../../../db/materializer/index.ts';
import { type Space, StoreSet, storeFiles } from '../../../db/sql/store/index.ts';
import type { Sequence, TenantId } from '../../../db/types.ts';

export const PUT_TYPE = 20;
export const DROP_TYPE = 21;
const TABLE = 16 as Space;

export class StoreView implements FiledView {
  readonly stores: StoreSet;
  /** Called between two stores' commits: where a crash is to be tried. */
  onCommitted: (tenant: TenantId) => void = () => {};

  constructor(context: ViewContext, version: number) {
    this.stores = new StoreSet({ ...context, version });
  }

  onCommit(commit: ViewCommit): void {
    const touched = new Set<TenantId>();
    for (const { tenant, type, sequence, payload } of commit.entries) {
      const rows = this.stores.begin(tenant, commit.sequence);
      if (rows === null) continue;
      touched.add(tenant);
      if (type === DROP_TYPE) {
        this.stores.drop(tenant);
        continue;
      }
      // Few keys, so that they have histories.
      rows.put(TABLE, payload.subarray(0, 1), payload.slice(), sequence);
      rows.wrote(sequence, `actor-${payload[0]! % 3}`);
    }
    const { sequence, ordinal, epoch, recordedAt } = commit;
    const noted = { sequence, ordinal, epoch, recordedAt };
    this.stores.committed(noted, touched);
    this.stores.commitAll(noted);
  }

  caughtUp(): void {
    this.stores.caughtUp();
  }

  persist(): Promise<readonly HeldFile[]> {
    return this.stores.persist();
  }

  checkpoint(writer: CheckpointWriter): void {
    this.stores.checkpoint(writer);
  }

  restore(reader: CheckpointReader): void {
    this.stores.restore(reader);
  }

  digest(): string {
    return this.stores.digest();
  }

  digestAhead(): Iterable<void> {
    return this.stores.digestAhead();
  }

  close(): void {
    this.stores.close();
  }

  discard(): void {
    this.stores.discard();
  }

  /** What a tenant's store holds now and held at a position, as text. */
  texts(tenant: TenantId, at: Sequence): { readonly now: string[]; readonly past: string[] } {
    const options = { range: { from: null, to: null }, reverse: false, limit: null };
    const store = this.stores.get(tenant);
    const text = ({ value }: { readonly value: Uint8Array }): string => Buffer.from(value).toString();
    return {
      now: [...(store?.scan(TABLE, options) ?? [])].map(text),
      past: [...(store?.scanAt(TABLE, options, at) ?? [])].map(text),
    };
  }
}

export interface StoreViewDefinition extends ViewDefinition<StoreView> {
  readonly made: StoreView[];
}

export function storeView(version = 1): StoreViewDefinition {
  const made: StoreView[] = [];
  return {
    name: 'tables',
    version,
    scope: 'tenant',
    required: true,
    files: storeFiles,
    made,
    create: (context) => {
      const view = new StoreView(context, version);
      made.push(view);
      return view;
    },
  };
}
