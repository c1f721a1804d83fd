/**
 * What was written before it was searched: when an attribute of entities that are there becomes part of the text index, what they say in it
 * is written once more, through the log like everything else, so that every copy, replay and restored view has the same index. What the
 * index has already is passed over, so it can be ended anywhere and said again.
 */
import { TruthError } from '../errors.ts';
import type { InFlight } from '../ranking/entities/index.ts';
import type { AttributeId, EntityNumber } from '../ranking/ground.ts';
import { DELETED, type EntityDraft, type RankingCommand } from '../ranking/kernel/index.ts';
import { named } from '../ranking/schema/index.ts';
import type { AttributeValue, EntityKind } from '../ranking/schema/model.ts';
import type { TenantId } from '../types.ts';
import type { RankingViewSet } from './ranking-views.ts';

/** Entities written by one command, and looked at before others of the thread have their turn. */
const WRITTEN_AT_ONCE = 256;
const LOOKED_AT_ONCE = 2_048;

export interface TextRefillOptions {
  /** A rebuild makes new ones, so they are asked for each time. */
  readonly views: () => RankingViewSet;
  /** With what the views do not have yet. */
  readonly state: (tenant: TenantId) => InFlight;
  readonly write: (tenant: TenantId, command: RankingCommand) => Promise<unknown>;
  readonly pause: () => Promise<void>;
  readonly closing: AbortSignal;
}

/** Ends when everything is searched that is to be, of a kind by its name. Errors: those of `write`, with the way to go on. */
export async function refillText(tenant: TenantId, kind: string, options: TextRefillOptions): Promise<void> {
  const { views, write, pause, closing } = options;
  const last = lastOf(tenant, kind, views());
  for (let number = 1; number <= last && !closing.aborted; ) {
    const { entities, next } = unsearched(tenant, kind, { from: number, last }, options);
    number = next;
    try {
      if (entities.length > 0) await write(tenant, { command: 'put-entities', entities, failure: 'each' });
    } catch (error) {
      throw error instanceof TruthError ? toBeGoneOnWith(error) : error;
    }
    await pause();
  }
}

function lastOf(tenant: TenantId, name: string, { entities }: RankingViewSet): number {
  const there = entities.tenant(tenant);
  const kind = there === null ? null : named(there.schema.kinds, name);
  return there === null || kind === null ? 0 : there.last(kind.id);
}

interface Stretch {
  readonly from: number;
  readonly last: number;
}

/** Read and given to `write` in one turn: nothing comes between what is there and what is written. */
function unsearched(
  tenant: TenantId,
  name: string,
  { from, last }: Stretch,
  { views, state }: TextRefillOptions,
): { readonly entities: readonly EntityDraft[]; readonly next: number } {
  const { entities: all, text } = views();
  const there = all.tenant(tenant);
  const kind = there === null ? null : named(there.schema.kinds, name);
  if (there === null || kind === null) return { entities: [], next: last + 1 };
  const searched = kind.attributes.filter(({ search }) => search !== null);
  const inFlight = state(tenant);
  const entities: EntityDraft[] = [];
  const end = Math.min(last, from + LOOKED_AT_ONCE - 1);
  let number = from;
  for (; number <= end && entities.length < WRITTEN_AT_ONCE; number++) {
    if (inFlight.stateOf(kind.id, number as EntityNumber) === DELETED) continue;
    const lacking = searched.filter(({ id }) => !text.holds(tenant, kind.id, number, id));
    const set = valuesOf(kind, number as EntityNumber, lacking, inFlight);
    const key = there.keyOf(kind.id, number as EntityNumber);
    if (Object.keys(set).length > 0)
      entities.push({ action: 'put', kind: name, key, set, state: null, at: null, again: true });
  }
  return { entities, next: number };
}

function valuesOf(
  { id: kind }: EntityKind,
  number: EntityNumber,
  lacking: readonly { readonly id: AttributeId; readonly name: string }[],
  state: InFlight,
): Readonly<Record<string, AttributeValue>> {
  const set: Record<string, AttributeValue> = {};
  for (const { id, name } of lacking) {
    const value = state.value(kind, number, id);
    if (value !== null && hasWords(value)) set[name] = value;
  }
  return set;
}

/** Signs alone leave nothing in an index, so the lack of them says nothing. */
function hasWords(value: AttributeValue): boolean {
  return /[\p{L}\p{N}]/u.test(typeof value === 'object' ? value.join(' ') : String(value));
}

function toBeGoneOnWith({ code, message, details }: TruthError): TruthError {
  return new TruthError(
    code,
    `the definition holds, but not everything there was is searched yet: ${message}. Say it again with REBUILD to go on`,
    details,
  );
}
