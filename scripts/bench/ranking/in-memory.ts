/** The ranking layer in this process without a log beneath it: commands are decided, become commits, and go through all views. */

import { RANKING_VIEWS, type RankingViewSet, tenantRanking } from '../../../db/engine/ranking-views.ts';
import { KERNEL_ENTRY } from '../../../db/kernel/entry-types.ts';
import type { Materializer, ViewCommit } from '../../../db/materializer/index.ts';
import { type DuplicatesView, InFlight } from '../../../db/ranking/entities/index.ts';
import type { KindId, Micros, SlotId } from '../../../db/ranking/ground.ts';
import {
  decideRanking,
  type RankingCommand,
  type SignalDraft,
  SignalsEncoder,
} from '../../../db/ranking/kernel/index.ts';
import type { TextReader, VectorReader } from '../../../db/ranking/reading.ts';
import { bindQuery, commandOf } from '../../../db/ranking/retrieve/bind/index.ts';
import { Retriever } from '../../../db/ranking/retrieve/index.ts';
import { type Parameters, parse, type QueryStatement } from '../../../db/ranking/retrieve/language/index.ts';
import type { QueryResult } from '../../../db/ranking/retrieve/query.ts';
import {
  type CommitOrdinal,
  type Epoch,
  type RecordedAt,
  type Sequence,
  TENANT_DEFAULT,
} from '../../../db/types.ts';
import type { LogEntry } from '../../../db/wal/log.ts';
import { threadMicros } from '../sql/embedded.ts';
import { batched, draftOf, type MadeSignal, SCHEMA, type World } from './world.ts';

const LIMITS = { entryBytesMax: 1 << 20, commandBytesMax: 16 << 20, entryOverheadBytes: 63 };
const LOG_ID = new Uint8Array(16).fill(5);
const ENTITIES_AT_ONCE = 1_000;
const SIGNALS_AT_ONCE = 1_000;
const QUERY_LIMITS = {
  clock: () => performance.now() * 1000,
  deadlineMicros: 10_000_000,
  steps: 500_000_000,
  candidates: 20_000,
};

const VIEW_NAMES: readonly string[] = RANKING_VIEWS.map(({ name }) => shortName(name));

export class InMemoryRanking {
  /** CPU of this thread in each view, and in deciding, in microseconds. */
  readonly micros = new Map<string, number>();
  readonly #views: Map<string, Materializer>;
  /** The same by their names: decisions look at it for every signal. */
  #set: RankingViewSet;
  readonly #inFlight: InFlight;
  readonly #retriever = new Retriever();
  #now: Micros;
  #sequence = 0;
  #ordinal = 0;

  /** `names`: of the views, all of them unless given; decisions need those of entities and of duplicates. */
  constructor(now: Micros, names = VIEW_NAMES) {
    this.#now = now;
    this.viewNames = names;
    this.#views = new Map(
      RANKING_VIEWS.map((view) => [shortName(view.name), view] as const)
        .filter(([name]) => names.includes(name))
        .map(([name, view]) => [name, view.create({ logId: LOG_ID, folder: null })]),
    );
    this.#set = Object.fromEntries(this.#views) as unknown as RankingViewSet;
    const duplicates = this.#views.get('duplicates') as DuplicatesView;
    this.#inFlight = new InFlight({
      entities: () => this.#set.entities.tenant(TENANT_DEFAULT),
      signatures: () => duplicates.tenant(TENANT_DEFAULT),
    });
  }

  readonly viewNames: readonly string[];

  /** Lets a view go; nothing is written or asked afterwards. */
  forget(name: string): void {
    this.#views.get(name)?.discard?.();
    this.#views.delete(name);
    this.#set = Object.fromEntries(this.#views) as unknown as RankingViewSet;
  }

  execute(text: string): void {
    const statement = parse(text);
    if (statement.statement !== 'define') throw new Error(`only definitions are executed here: ${text}`);
    this.write(commandOf(statement, []));
  }

  write(command: RankingCommand): void {
    const began = threadMicros();
    const decision = decideRanking(this.#inFlight, command, {
      now: this.#now,
      limits: LIMITS,
      sealed: false,
    });
    if (decision.outcome === 'refused') throw decision.error;
    this.#spent('decide', began);
    if (decision.outcome === 'accepted') this.#apply(decision.entries);
  }

  /** It is later now. */
  moveTo(now: Micros): void {
    this.#now = now;
  }

  signals(signals: readonly SignalDraft[]): void {
    this.write({ command: 'signals', signals, failure: 'all' });
  }

  /** Does what views have put off, as an idle server does. */
  settle(): void {
    const vectors = this.#set.vectors;
    while (vectors.due(TENANT_DEFAULT) > 0)
      this.#apply([{ type: KERNEL_ENTRY.rankingSignals, payload: new SignalsEncoder(0).finish() }]);
  }

  ask(text: string, parameters: Parameters, now: Micros): QueryResult {
    const ranking = tenantRanking(this.#set, TENANT_DEFAULT)!;
    const { entities, history } = ranking;
    const statement = parse(text) as QueryStatement;
    const profileVersion = (name: string, version: number) => history.profile(name, version);
    const query = bindQuery(statement, { entities, parameters, now, profileVersion });
    return this.#retriever.answer(query, ranking.readers(query.kind.id)!, this.#sequence, QUERY_LIMITS);
  }

  /** Texts of items. */
  texts(): { readonly text: TextReader; readonly kind: KindId } {
    return { text: this.#set.text.reader(TENANT_DEFAULT)!, kind: this.#items().id };
  }

  /** Vectors of items. */
  vectorsOf(embedding: string): {
    readonly vectors: VectorReader;
    readonly kind: KindId;
    readonly slot: SlotId;
  } {
    const { id, embeddings } = this.#items();
    const slot = embeddings.find(({ name }) => name === embedding)!.id;
    return { vectors: this.#set.vectors.tenant(TENANT_DEFAULT)!, kind: id, slot };
  }

  #items() {
    return this.#inFlight.schema.schema.kinds.find(({ name }) => name === 'item')!;
  }

  #apply(entries: readonly { readonly type: number; readonly payload: Uint8Array }[]): void {
    const placed = entries.map(
      ({ type, payload }): LogEntry => ({
        ...{ sequence: ++this.#sequence as Sequence, ordinal: 0 as CommitOrdinal, type, payload },
        ...{ tenant: TENANT_DEFAULT, partitionKey: 0n, flags: 0 },
      }),
    );
    this.#inFlight.took(placed);
    const commit: ViewCommit = {
      ...{ ordinal: ++this.#ordinal as CommitOrdinal, epoch: 1 as Epoch, entries: placed },
      ...{ recordedAt: (BigInt(this.#now) * 1_000n) as RecordedAt, sequence: ++this.#sequence as Sequence },
    };
    for (const [name, view] of this.#views) {
      const began = threadMicros();
      view.onCommit(commit);
      this.#spent(name, began);
    }
    this.#inFlight.forget(commit.sequence);
  }

  #spent(what: string, began: number): void {
    this.micros.set(what, (this.micros.get(what) ?? 0) + threadMicros() - began);
  }
}

/** The schema, and all items and users of a world, with their vectors in place. */
export function filled(world: World, progress: (line: string) => void): InMemoryRanking {
  const ranking = new InMemoryRanking(world.end);
  for (const statement of SCHEMA) ranking.execute(statement);
  const { items, users, vectors } = world.size;
  progress(`${items} items (${vectors} with a vector) and ${users} users in memory`);
  for (const drafts of [world.items(ENTITIES_AT_ONCE), world.users(ENTITIES_AT_ONCE)])
    for (const entities of drafts) ranking.write({ command: 'put-entities', entities, failure: 'all' });
  ranking.settle();
  return ranking;
}

export function signalLists(signals: Iterable<Readonly<MadeSignal>>): Generator<SignalDraft[]> {
  return batched(signals, SIGNALS_AT_ONCE, draftOf);
}

function shortName(name: string): string {
  return name.replace('ranking-', '');
}
