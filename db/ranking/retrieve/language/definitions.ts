/**
 * Definitions, each with [REBUILD | CASCADE] [DRY RUN] behind it:
 *
 *     DEFINE ENTITY name "(" property, … ")" [STATES "(" name, … ")"] [PERSON]
 *     DEFINE SIGNAL name ON kind clause*
 *     DEFINE RELATIONSHIP name FROM kind TO kind [DECAY …] [WEIGHT low..high [DEFAULT n]]
 *     DEFINE COHORT name AS conditions
 *     DEFINE PROFILE name ON kind clause*                               (profiles.ts)
 *     DROP (ENTITY | SIGNAL | RELATIONSHIP | COHORT | PROFILE) name
 */
import {
  type CohortDefinition,
  DEFINITION_DEFAULTS,
  type Definition,
  type DefinitionKind,
  type Permission,
  type RelationshipDefinition,
} from '../../schema/definition.ts';
import type { DefineStatement } from './ast.ts';
import { conditions } from './conditions.ts';
import { entity } from './entity-definition.ts';
import { printDefinition } from './print-definition.ts';
import { profile } from './profile-definition.ts';
import type { Reader } from './reader.ts';
import { invalid } from './refusal.ts';
import { signalDefinition } from './signal-definition.ts';
import { withoutParameters } from './substitute.ts';
import { decayOf, weightOf } from './weights.ts';

const KINDS = [
  'entity',
  'signal',
  'relationship',
  'cohort',
  'profile',
] as const satisfies readonly DefinitionKind[];

/** Errors: INVALID_ARGUMENT, TOO_LARGE. The reader stands behind DEFINE. */
export function define(reader: Reader): DefineStatement {
  const { start } = reader;
  reader.forgetParameter();
  const definition = definitionOf(reader);
  const parameter = reader.lastParameter();
  if (parameter !== null) {
    const message = `$${parameter} is a parameter, and a definition has none: it means the same to everybody; write the value`;
    throw invalid(reader.text, start, message);
  }
  return ended(reader, definition);
}

export function drop(reader: Reader): DefineStatement {
  const what = kindOf(reader);
  return ended(reader, { define: 'drop', what, name: reader.name(`the name of what is dropped`) });
}

function kindOf(reader: Reader): DefinitionKind {
  const kind = KINDS.find((word) => reader.accept(word));
  return kind ?? reader.fail(...KINDS.map((word) => word.toUpperCase()));
}

function definitionOf(reader: Reader): Definition {
  switch (kindOf(reader)) {
    case 'entity':
      return entity(reader);
    case 'signal':
      return signalDefinition(reader);
    case 'relationship':
      return relationship(reader);
    case 'cohort':
      return cohort(reader);
    case 'profile':
      return profile(reader);
  }
}

function ended(reader: Reader, definition: Definition): DefineStatement {
  const permission: Permission = reader.accept('rebuild')
    ? 'rebuild'
    : reader.accept('cascade')
      ? 'cascade'
      : 'safe';
  const isDry = reader.accept('dry');
  if (isDry) reader.expect('run');
  return { statement: 'define', definition, permission, run: isDry ? 'dry run' : 'apply' };
}

function relationship(reader: Reader): RelationshipDefinition {
  const name = reader.name('the name of a relationship');
  reader.expect('from');
  const from = reader.name('the name of a kind');
  reader.expect('to');
  const to = reader.name('the name of a kind');
  const decay = reader.accept('decay') ? decayOf(reader) : DEFINITION_DEFAULTS.decay;
  const weight = reader.accept('weight') ? weightOf(reader) : DEFINITION_DEFAULTS.edgeWeight;
  return { define: 'relationship', name, from, to, decay, weight };
}

function cohort(reader: Reader): CohortDefinition {
  const name = reader.name('the name of a cohort');
  reader.expect('as');
  const definition = {
    define: 'cohort',
    name,
    predicate: withoutParameters(conditions(reader)),
    text: '',
  } as const;
  return { ...definition, text: printDefinition(definition) };
}
