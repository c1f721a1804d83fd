/** What queries about entities of one kind ask of a tenant's audience. */
import { type EntityNumber, type KindId, type Micros, NO_ENTITY, type RelationshipId } from '../ground.ts';
import { NO_NUMBERS } from '../indexes/bitmaps/index.ts';
import type { AudienceReader, NumberSet } from '../reading.ts';
import type { UserItemState } from '../schema/model.ts';
import { BestNumbers, type Scored } from './best-numbers.ts';
import type { KindAudience } from './kind-audience.ts';
import { Neighbours } from './neighbours.ts';
import { microsOf } from './seconds.ts';
import { bitOf } from './signal-plan.ts';
import type { TenantAudience } from './tenant-audience.ts';

const NEVER = 0 as Micros;

const best = new BestNumbers();
const neighbours = new Neighbours(best);

/** Looks at the tenant as it is when it is asked. */
export class KindAudienceReader implements AudienceReader {
  readonly #tenant: TenantAudience;
  readonly #kind: KindId;

  constructor(tenant: TenantAudience, kind: KindId) {
    this.#tenant = tenant;
    this.#kind = kind;
  }

  has(user: EntityNumber, state: UserItemState, item: EntityNumber): boolean {
    return ((this.#audience?.items.bits(user, item) ?? 0) & bitOf(state)) !== 0 && !this.#gone.has(item);
  }

  items(user: EntityNumber, state: UserItemState): NumberSet {
    return this.#audience?.items.items(user, bitOf(state), this.#gone) ?? NO_NUMBERS;
  }

  lastAt(user: EntityNumber, item: EntityNumber): Micros {
    const audience = this.#audience;
    return audience === null || this.#gone.has(item) ? NEVER : microsOf(audience.items.last(user, item));
  }

  recent(user: EntityNumber, limit: number): Uint32Array {
    const recent = this.#audience?.recent;
    const count = recent?.open(user) ?? 0;
    const items: number[] = [];
    for (let index = count - 1; index >= 0 && items.length < limit; index--) {
      const item = recent!.item(index);
      if (!this.#gone.has(item)) items.push(item);
    }
    return Uint32Array.from(items);
  }

  edge(
    relationship: RelationshipId,
    from: EntityNumber,
    targets: Uint32Array,
    count: number,
    now: Micros,
    out: Float64Array,
  ): void {
    const edges = this.#tenant.edges(relationship);
    if (edges === null) {
      out.fill(0, 0, count);
      return;
    }
    const gone = this.#tenant.gone(edges.type.to);
    for (let each = 0; each < count; each++) {
      const target = targets[each]!;
      out[each] = target === NO_ENTITY || gone.has(target) ? 0 : edges.weight(from, target, now);
    }
  }

  edgesFrom(relationship: RelationshipId, from: EntityNumber, limit: number, now: Micros): Uint32Array {
    const edges = this.#tenant.edges(relationship);
    best.begin(limit);
    edges?.offerEnds(from, now, this.#tenant.gone(edges.type.to), best);
    return best.take().items;
  }

  edgesTo(relationship: RelationshipId, to: EntityNumber, limit: number, now: Micros): Uint32Array {
    const edges = this.#tenant.edges(relationship);
    best.begin(limit);
    edges?.offerBeginnings(to, now, this.#tenant.gone(edges.type.from), best);
    return best.take().items;
  }

  neighboursOf(user: EntityNumber, limit: number): Scored {
    const audience = this.#audience;
    return audience === null ? nobody() : neighbours.ofUser(audience, user, limit, this.#gone);
  }

  relatedTo(item: EntityNumber, limit: number): Scored {
    const audience = this.#audience;
    return audience === null ? nobody() : neighbours.ofItem(audience, item, limit, this.#gone);
  }

  get #audience(): KindAudience | null {
    return this.#tenant.kind(this.#kind);
  }

  get #gone(): NumberSet {
    return this.#tenant.gone(this.#kind);
  }
}

function nobody(): Scored {
  return { items: new Uint32Array(0), scores: new Float64Array(0) };
}
