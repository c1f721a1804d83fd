import type { EntityNumber } from '../../ground.ts';
import type { Attribute, AttributeValue } from '../../schema/model.ts';
import type { Hit } from '../query.ts';
import { Batch, compile, evaluate, type Placed, type Scope, type Scoring } from '../score/index.ts';

/** What is shown of a page: keys, scores, the selected attributes, and where the scores come from if that was asked. */
export function hitsOf(
  page: readonly Placed[],
  batch: Batch,
  scoring: Scoring,
  scope: Scope,
): readonly Hit[] {
  const { query, readers, kind } = scope;
  const ids = Uint32Array.from(page, ({ at }) => batch.ids[at]!);
  const values = valuesOf(ids, scope);
  return page.map(({ at, placed }, place) => {
    const number = ids[place]! as EntityNumber;
    const creator = readers.entities.creatorOf(kind.id, number);
    return Object.freeze({
      number,
      key: readers.entities.keyOf(kind.id, number),
      score: scoring.scores[at]!,
      creator:
        kind.creator === null || creator === 0
          ? null
          : // One who was erased has no key.
            readers.entities.keyOf(kind.creator.kind, creator) || null,
      values: values[place]!,
      contributions: query.explain ? scoring.contributions(at) : [],
      placed,
    });
  });
}

function valuesOf(ids: Uint32Array, scope: Scope): readonly Readonly<Record<string, AttributeValue>>[] {
  const { select } = scope.query;
  const values = Array.from(ids, (): Record<string, AttributeValue> => ({}));
  for (const attribute of select) {
    if (attribute.computed === null) addWritten(attribute, ids, scope, values);
    else addComputed(attribute, ids, scope, values);
  }
  return values;
}

function addWritten(
  { id, name }: Attribute,
  ids: Uint32Array,
  { readers, kind }: Scope,
  values: readonly Record<string, AttributeValue>[],
): void {
  ids.forEach((entity, at) => {
    const value = readers.entities.value(kind.id, entity as EntityNumber, id);
    if (value !== null) values[at]![name] = value;
  });
}

function addComputed(
  { id, name }: Attribute,
  ids: Uint32Array,
  scope: Scope,
  values: readonly Record<string, AttributeValue>[],
): void {
  const program = compile([{ scalar: 'attribute', attribute: id }], scope.kind);
  const { columns, release } = evaluate(program, new Batch(ids.slice()), scope);
  ids.forEach((_, at) => {
    values[at]![name] = columns[0]![at]!;
  });
  release();
}
