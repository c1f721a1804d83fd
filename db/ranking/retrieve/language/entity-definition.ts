/**
 * DEFINE ENTITY:
 *
 *     property  = name type option*              type: KEYWORD, KEYWORDS, INTEGER, DOUBLE, BOOLEAN, TIMESTAMP, TEXT
 *               | name [type] COMPUTED AS arithmetic option*
 *               | name VECTOR "(" dimensions ")" ([METRIC name] | PREFERENCE OF kind.name | CATALOGUE OF kind.name)*
 *               | name REFERENCES kind
 *     option    = FILTER | NO FILTER | DIMENSION | SEARCH [WEIGHT n]
 */
import type {
  AttributeDefinition,
  EmbeddingDefinition,
  EntityDefinition,
  ScalarDefinition,
} from '../../schema/definition.ts';
import { DEFINITION_DEFAULTS } from '../../schema/definition.ts';
import { ITEM_KIND } from '../../schema/lookup.ts';
import type { AttributeType } from '../../schema/model.ts';
import { ATTRIBUTE_TYPES, METRICS } from '../../schema/model-shapes.ts';
import type { Reader } from './reader.ts';
import { invalid, quoted, unknownWord } from './refusal.ts';
import { sum } from './scalars.ts';

const DIMENSIONS_MAX = 65_536;
const SEARCH_WEIGHT = 1;
const OTHER_TYPES = ['vector', 'references', 'computed'];

interface Properties {
  readonly attributes: AttributeDefinition[];
  readonly embeddings: EmbeddingDefinition[];
  creator: EntityDefinition['creator'];
}

/** Errors: INVALID_ARGUMENT, TOO_LARGE. */
export function entity(reader: Reader): EntityDefinition {
  const name = reader.name('the name of a kind');
  const properties: Properties = { attributes: [], embeddings: [], creator: null };
  reader.enclosedOrNone('(', () => property(reader, properties));
  const states = reader.accept('states')
    ? reader.enclosed('(', () => reader.list(() => reader.name('the name of a state')))
    : [];
  return { define: 'entity', name, ...properties, states, person: reader.accept('person') };
}

function property(reader: Reader, into: Properties): void {
  const { start } = reader;
  const name = reader.name('the name of an attribute');
  if (reader.accept('vector')) {
    into.embeddings.push(embedding(reader, name));
  } else if (reader.accept('references')) {
    if (into.creator !== null) {
      const message = `${quoted(name)} is a second REFERENCES; an entity has one creator, other relations are relationships`;
      throw invalid(reader.text, start, message);
    }
    into.creator = { name, kind: reader.name('the name of a kind') };
  } else {
    into.attributes.push(attribute(reader, name));
  }
}

function attribute(reader: Reader, name: string): AttributeDefinition {
  const type = reader.is('computed') ? 'double' : typeOf(reader);
  let filter: boolean | null = null;
  let dimension = false;
  let search: number | null = null;
  let computed: ScalarDefinition | null = null;
  while (reader.isA('word')) {
    if (reader.accept('filter')) {
      filter = true;
    } else if (reader.accept('no')) {
      reader.expect('filter');
      filter = false;
    } else if (reader.accept('dimension')) {
      dimension = true;
    } else if (reader.accept('search')) {
      search = reader.accept('weight') ? reader.signed('a number') : SEARCH_WEIGHT;
    } else if (reader.accept('computed')) {
      reader.expect('as');
      computed = sum(reader);
    } else {
      reader.fail('FILTER', 'NO', 'DIMENSION', 'SEARCH', 'COMPUTED', '","', '")"');
    }
  }
  return { name, type, filter: filter ?? isFiltered(type, computed), dimension, search, computed };
}

/** Without a word about it. Text is searched, and what is computed is worked out for the candidates there are. */
export function isFiltered(type: AttributeType, computed: ScalarDefinition | null): boolean {
  return type !== 'text' && computed === null && DEFINITION_DEFAULTS.filter;
}

function typeOf(reader: Reader): AttributeType {
  const { start } = reader;
  if (!reader.isA('word')) reader.fail(...ATTRIBUTE_TYPES.map((type) => type.toUpperCase()), 'VECTOR');
  const written = reader.spelling();
  const type = ATTRIBUTE_TYPES.find((known) => known === written.toLowerCase());
  if (type === undefined) {
    const known = [...ATTRIBUTE_TYPES, ...OTHER_TYPES].map((word) => word.toUpperCase());
    throw unknownWord(reader.text, start, 'type', written, known);
  }
  reader.next();
  return type;
}

function embedding(reader: Reader, name: string): EmbeddingDefinition {
  const dimensions = reader.enclosed('(', () => reader.whole('a number of dimensions', 1, DIMENSIONS_MAX));
  let metric = DEFINITION_DEFAULTS.metric;
  let source = DEFINITION_DEFAULTS.embeddingSource;
  while (reader.isA('word')) {
    if (reader.accept('metric')) {
      metric = reader.oneOf('metric', METRICS);
    } else if (reader.accept('preference')) {
      source = 'preference';
      overWhat(reader);
    } else if (reader.accept('catalogue') || reader.accept('catalog')) {
      source = 'catalogue';
      overWhat(reader);
    } else {
      reader.fail('METRIC', 'PREFERENCE', 'CATALOGUE', '","', '")"');
    }
  }
  return { name, dimensions, metric, source };
}

/** Which embedding of items it is follows from its name, else from its dimensions; what is said here is for who reads it. */
function overWhat(reader: Reader): void {
  if (!reader.accept('of')) return;
  const { start } = reader;
  const kind = reader.name('the name of a kind');
  if (kind !== ITEM_KIND) {
    const message = `it can only be made of embeddings of ${ITEM_KIND}, not of ${quoted(kind)}; say OF ${ITEM_KIND}.name`;
    throw invalid(reader.text, start, message);
  }
  reader.expectSign('.');
  reader.name('the name of an embedding');
}
