/** Kinds by the names people use: `items` is `item`, `categories` is `category`. */

import { TruthError } from '../../../errors.ts';
import type { EntityNumber } from '../../ground.ts';
import type { EntityReader } from '../../reading.ts';
import type { EntityKind, RankingSchema } from '../../schema/model.ts';
import { closestName, unknownName } from '../../schema/names.ts';

/** Errors: NOT_FOUND with the closest name. */
export function kindNamed(schema: RankingSchema, written: string): EntityKind {
  for (const name of singulars(written)) {
    const found = schema.kinds.find((kind) => kind.name === name);
    if (found !== undefined) return found;
  }
  const names = schema.kinds.map((kind) => kind.name);
  const near = closestName(written, [...names, ...names.map((name) => `${name}s`)]);
  throw unknownName('query', 'kind', written, near === null ? names : [near]);
}

function singulars(written: string): readonly string[] {
  const names = [written];
  if (written.endsWith('s')) names.push(written.slice(0, -1));
  if (written.endsWith('es')) names.push(written.slice(0, -2));
  if (written.endsWith('ies')) names.push(`${written.slice(0, -3)}y`);
  return names;
}

/** Errors: NOT_FOUND. */
export function numberOf(
  entities: Pick<EntityReader, 'numberOf'>,
  kind: EntityKind,
  key: string,
  place: string,
): EntityNumber {
  const number = entities.numberOf(kind.id, key);
  if (number === 0) {
    const shown = key.length > 80 ? `${key.slice(0, 80)}…` : key;
    const message = `${place}: there is no ${kind.name} ${JSON.stringify(shown)}; write it first, or check the key`;
    throw new TruthError('NOT_FOUND', message, { kind: kind.name, key: shown });
  }
  return number;
}
