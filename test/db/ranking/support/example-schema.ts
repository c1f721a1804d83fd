/** A schema with something of everything, as the binder would hand it on: for tests of what comes after it. */
import type {
  AttributeId,
  CohortId,
  KindId,
  RelationshipId,
  SignalId,
  SlotId,
} from '../../../../db/ranking/ground.ts';
import { MICROS_PER_DAY } from '../../../../db/ranking/ground.ts';
import type {
  Attribute,
  AttributeType,
  EntityKind,
  RankingSchema,
  Scalar,
  SignalType,
  WindowName,
} from '../../../../db/ranking/schema/model.ts';

export const ITEM = 1 as KindId;
export const USER = 2 as KindId;
export const CREATOR = 3 as KindId;

export const CATEGORY = 1 as AttributeId;
export const LENGTH = 2 as AttributeId;
export const TITLE = 3 as AttributeId;
export const TAGS = 4 as AttributeId;
export const ENGAGEMENT = 5 as AttributeId;
export const CITY = 6 as AttributeId;

export const CONTENT = 1 as SlotId;
export const TASTE = 2 as SlotId;

export const VIEW = 1 as SignalId;
export const LIKE = 2 as SignalId;
export const SKIP = 3 as SignalId;
export const SHARE = 4 as SignalId;

export const FOLLOWS = 1 as RelationshipId;
export const PARISIANS = 1 as CohortId;

export const DIMENSIONS = 4;

/** Likes a view. */
const engagement: Scalar = {
  scalar: 'apply',
  function: '/',
  of: [
    { scalar: 'signal', signal: LIKE, measure: { measure: 'count', window: 'all' } },
    { scalar: 'signal', signal: VIEW, measure: { measure: 'count', window: 'all' } },
  ],
};

function attribute(
  id: AttributeId,
  name: string,
  type: AttributeType,
  more: Partial<Attribute> = {},
): Attribute {
  return { id, name, type, filter: type !== 'text', dimension: false, search: null, computed: null, ...more };
}

export const items: EntityKind = {
  id: ITEM,
  name: 'item',
  attributes: [
    attribute(CATEGORY, 'category', 'keyword'),
    attribute(LENGTH, 'length', 'integer'),
    attribute(TITLE, 'title', 'text', { search: { weight: 1 } }),
    attribute(TAGS, 'tags', 'keywords'),
    attribute(ENGAGEMENT, 'engagement', 'double', { computed: engagement }),
  ],
  embeddings: [{ id: CONTENT, name: 'content', dimensions: DIMENSIONS, metric: 'dot', source: 'given' }],
  states: ['active', 'archived'],
  creator: { name: 'author', kind: CREATOR },
  person: false,
};

const users: EntityKind = {
  id: USER,
  name: 'user',
  attributes: [attribute(CITY, 'city', 'keyword', { dimension: true })],
  embeddings: [{ id: TASTE, name: 'taste', dimensions: DIMENSIONS, metric: 'dot', source: 'preference' }],
  states: ['active'],
  creator: null,
  person: false,
};

const creators: EntityKind = {
  id: CREATOR,
  name: 'creator',
  attributes: [],
  embeddings: [],
  states: ['active'],
  creator: null,
  person: false,
};

const WINDOWS: readonly WindowName[] = ['1h', '24h', '7d', '30d', 'all'];

function signal(
  id: SignalId,
  name: string,
  polarity: SignalType['polarity'],
  days: number | null,
): SignalType {
  return {
    id,
    name,
    target: ITEM,
    polarity,
    decay: days === null ? { kind: 'none' } : { kind: 'exponential', halfLifeMicros: days * MICROS_PER_DAY },
    windows: WINDOWS,
    weight: { min: 0, max: 10, default: 1 },
    lateMicros: 30 * MICROS_PER_DAY,
    cohorts: true,
    effects: [],
  };
}

export const exampleSchema: RankingSchema = {
  version: 1,
  kinds: [items, users, creators],
  signals: [
    signal(VIEW, 'view', 'neutral', 7),
    signal(LIKE, 'like', 'positive', 30),
    signal(SKIP, 'skip', 'negative', 1),
    signal(SHARE, 'share', 'positive', null),
  ],
  relationships: [
    {
      id: FOLLOWS,
      name: 'follows',
      from: USER,
      to: CREATOR,
      decay: { kind: 'none' },
      weight: { min: 0, max: 10, default: 1 },
    },
  ],
  cohorts: [
    {
      id: PARISIANS,
      name: 'parisians',
      version: 1,
      predicate: { test: 'compare', attribute: CITY, operator: '=', value: 'paris' },
      text: "city = 'paris'",
    },
  ],
  profiles: [],
};
