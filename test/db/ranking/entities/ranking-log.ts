/** A log in the making: commands are decided against the views and what is in flight, and become commits. */
import type { CheckpointReader, Materializer, ViewCommit } from '../../../../db/materializer/index.ts';
import { DuplicatesView } from '../../../../db/ranking/entities/duplicates-view.ts';
import { EntitiesView } from '../../../../db/ranking/entities/entities-view.ts';
import { InFlight } from '../../../../db/ranking/entities/index.ts';
import type { Micros } from '../../../../db/ranking/ground.ts';
import {
  decideRanking,
  type EntityDraft,
  type RankingCommand,
  type RankingDecision,
  type RankingEntry,
  type RankingInput,
  type RankingReply,
  type SignalDraft,
} from '../../../../db/ranking/kernel/index.ts';
import type { Definition } from '../../../../db/ranking/schema/definition.ts';
import {
  type CommitOrdinal,
  type Epoch,
  type RecordedAt,
  type Sequence,
  TENANT_DEFAULT,
} from '../../../../db/types.ts';
import type { LogEntry } from '../../../../db/wal/log.ts';

export const NOW = 1_700_000_000_000_000 as Micros;
export const LIMITS = { entryBytesMax: 1 << 20, commandBytesMax: 16 << 20, entryOverheadBytes: 63 };

/** Restores a view from parts that lie in memory. */
export class MemoryParts implements CheckpointReader {
  readonly content = new Map<string, Uint8Array>();

  static of(view: Materializer): MemoryParts {
    const parts = new MemoryParts();
    const pending: [string, () => Iterable<Uint8Array>][] = [];
    view.checkpoint({ part: (name, chunks) => pending.push([name, chunks]) });
    for (const [name, chunks] of pending) parts.content.set(name, Buffer.concat([...chunks()]));
    return parts;
  }

  get parts(): readonly string[] {
    return [...this.content.keys()];
  }

  read(name: string): Uint8Array {
    return this.content.get(name)!;
  }
}

export class RankingLog {
  readonly commits: ViewCommit[] = [];
  entities = new EntitiesView();
  duplicates = new DuplicatesView();
  readonly inFlight = new InFlight({
    entities: () => this.entities.tenant(TENANT_DEFAULT),
    signatures: () => this.duplicates.tenant(TENANT_DEFAULT),
  });
  now = NOW;
  /** Appended and in no commit yet. */
  #open: LogEntry[] = [];
  #sequence = 0;

  get schema() {
    return this.inFlight.schema.schema;
  }

  /** The tenant as the view has it. */
  get tenant() {
    return this.entities.tenant(TENANT_DEFAULT)!;
  }

  input(): RankingInput {
    return { now: this.now, limits: LIMITS, sealed: true };
  }

  decide(command: RankingCommand): RankingDecision {
    return decideRanking(this.inFlight, command, this.input());
  }

  /** Decides and appends; nothing is applied before `commit`. */
  write(command: RankingCommand): RankingReply {
    const decision = this.decide(command);
    if (decision.outcome === 'refused') throw decision.error;
    if (decision.outcome === 'unchanged') return decision.reply;
    this.append(decision.entries);
    return decision.reply;
  }

  /** What was decided, or what the engine writes by itself. */
  append(decided: readonly RankingEntry[]): void {
    const entries = decided.map(({ type, payload }): LogEntry => {
      this.#sequence += 1;
      return {
        ...{
          sequence: this.#sequence as Sequence,
          ordinal: 0 as CommitOrdinal,
          type,
          tenant: TENANT_DEFAULT,
        },
        ...{ partitionKey: 0n, flags: 0, payload },
      };
    });
    this.#open.push(...entries);
    this.inFlight.took(entries);
  }

  define(...definitions: readonly Definition[]): void {
    for (const definition of definitions)
      this.write({ command: 'define', definition, permission: 'cascade', run: 'apply' });
  }

  put(...entities: readonly EntityDraft[]): RankingReply {
    return this.write({ command: 'put-entities', entities, failure: 'all' });
  }

  signal(...signals: readonly SignalDraft[]): RankingReply {
    return this.write({ command: 'signals', signals, failure: 'each' });
  }

  /** Closes the commit of what was appended, and applies it. */
  commit(): ViewCommit {
    this.#sequence += 1;
    const ordinal = (this.commits.length + 1) as CommitOrdinal;
    const commit: ViewCommit = {
      ...{ ordinal, epoch: 1 as Epoch, recordedAt: (BigInt(this.now) * 1_000n + 1n) as RecordedAt },
      ...{ sequence: this.#sequence as Sequence, entries: this.#open },
    };
    this.commits.push(commit);
    this.#open = [];
    this.entities.onCommit(commit);
    this.duplicates.onCommit(commit);
    this.inFlight.forget(commit.sequence);
    return commit;
  }

  replayed<V extends Materializer>(view: V, from = 0): V {
    for (const commit of this.commits.slice(from)) view.onCommit(commit);
    return view;
  }
}

export function put(
  kind: string,
  key: string,
  set: Extract<EntityDraft, { action: 'put' }>['set'] = {},
  more: Partial<Extract<EntityDraft, { action: 'put' }>> = {},
): EntityDraft {
  return { action: 'put', kind, key, set, state: null, at: null, ...more };
}

export function signalOf(signal: string, target: string, more: Partial<SignalDraft> = {}): SignalDraft {
  return { signal, target, user: null, weight: null, at: null, id: null, ...more };
}
