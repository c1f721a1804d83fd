/**
 * From a definition to the change it makes, or to the reason why not. Pure: the same record, statement and facts give the same
 * answer. A change goes as far as it was allowed to: `safe` takes nothing away and reinterprets nothing.
 */
import { TruthError } from '../../errors.ts';
import { buildCohort, buildKind, buildProfile, buildRelationship, buildSignal } from './build.ts';
import { applyChange, type SchemaChange, type SchemaRecord, type SchemaStep } from './change.ts';
import {
  type CheckScope,
  checkCohort,
  checkKind,
  checkProfile,
  checkRelationship,
  checkSignal,
} from './check.ts';
import { canonicalJson } from './codec.ts';
import type { Definition, DefinitionKind, DropDefinition, Permission } from './definition.ts';
import { type Impact, impactOf, NO_IMPACT, type SchemaFacts } from './impact.ts';
import { kindById, required } from './lookup.ts';
import type { EntityKind, RankingSchema, RelationshipType, SignalType } from './model.ts';
import { DEFINITION_KINDS } from './model-shapes.ts';
import { refusedAt } from './names.ts';
import { rewiringSteps } from './rewire.ts';

export interface Defined {
  readonly schema: RankingSchema;
  /** Null: it is so already, and nothing has to be written. */
  readonly change: SchemaChange | null;
  readonly impact: Impact;
}

/** Things of one sort that a schema may hold: ids are two bytes in a signal's record. */
const IDS_MAX = 65_535;
const SORT_MAX = 1_000;

/** Errors: INVALID_ARGUMENT, NOT_FOUND with `details.suggestion`, TOO_LARGE. `permission` is not looked at for `dry run`: see `preview`. */
export function define(
  record: SchemaRecord,
  definition: Definition,
  permission: Permission,
  facts: SchemaFacts,
): Defined {
  const defined = preview(record, definition, facts);
  if (defined.change !== null) checkPermission(placeOf(definition), permission, defined.impact);
  return defined;
}

/** The same without asking for permission: what would happen. What nobody may do is refused here too. */
export function preview(record: SchemaRecord, definition: Definition, facts: SchemaFacts): Defined {
  const { schema } = record;
  const step = definition.define === 'drop' ? dropStep(schema, definition) : putStep(record, definition);
  if (step.step === 'put' && isThere(schema, step)) return { schema, change: null, impact: NO_IMPACT };
  if (step.step === 'put') checkReplaced(schema, step, facts);
  const rewiring = step.step === 'put' && step.what === 'entity' ? rewiringSteps(schema, step.value) : [];
  const own = [step, ...rewiring];
  const first = applyChange(record, { version: schema.version + 1, steps: own });
  checkRoom(first);
  if (step.step === 'put') checkThing({ schema: first.schema, before: schema, derived: 'checked' }, step);
  const { after, steps, drops } = withDependents(schema, first, own);
  const change: SchemaChange = { version: schema.version + 1, steps };
  return { schema: after.schema, change, impact: impactOf(schema, after.schema, facts, drops) };
}

type Put = Extract<SchemaStep, { readonly step: 'put' }>;

function putStep(record: SchemaRecord, definition: Exclude<Definition, DropDefinition>): Put {
  switch (definition.define) {
    case 'entity':
      return { step: 'put', what: 'entity', value: buildKind(record, definition) };
    case 'signal':
      return { step: 'put', what: 'signal', value: buildSignal(record, definition) };
    case 'relationship':
      return { step: 'put', what: 'relationship', value: buildRelationship(record, definition) };
    case 'cohort':
      return { step: 'put', what: 'cohort', value: buildCohort(record, definition) };
    case 'profile':
      return { step: 'put', what: 'profile', value: buildProfile(record, definition) };
  }
}

function dropStep(schema: RankingSchema, { what, name }: DropDefinition): SchemaStep {
  return {
    step: 'drop',
    what,
    id: required(`DROP ${what.toUpperCase()}`, what, thingsOf(schema, what), name).id,
  };
}

interface Thing {
  readonly id: number;
  readonly name: string;
}

function thingsOf(schema: RankingSchema, what: DefinitionKind): readonly Thing[] {
  if (what === 'entity') return schema.kinds;
  if (what === 'signal') return schema.signals;
  if (what === 'relationship') return schema.relationships;
  return what === 'cohort' ? schema.cohorts : schema.profiles;
}

/** The same content under the same name; versions do not count, they would always differ. */
function isThere(schema: RankingSchema, { what, value }: Put): boolean {
  const there = thingsOf(schema, what).find(({ id }) => id === value.id);
  if (there === undefined) return false;
  const content = (thing: Thing): string => canonicalJson({ ...thing, version: 0 });
  return content(there) === content(value);
}

/** Changes that no permission makes possible, because what is recorded would mean something else. */
function checkReplaced(schema: RankingSchema, put: Put, facts: SchemaFacts): void {
  if (put.what === 'entity') {
    const before = kindById(schema, put.value.id);
    if (before !== null) {
      checkStates(before, put.value, facts);
      checkPersons(before, put.value, facts);
    }
  } else if (put.what === 'signal') {
    const before = schema.signals.find(({ id }) => id === put.value.id);
    if (before !== undefined) checkTarget(before, put.value, facts);
  } else if (put.what === 'relationship') {
    const before = schema.relationships.find(({ id }) => id === put.value.id);
    if (before !== undefined) checkEnds(before, put.value, facts);
  }
}

function checkStates(before: EntityKind, after: EntityKind, facts: SchemaFacts): void {
  const kept = before.states.every((state, index) => after.states[index] === state);
  if (kept || facts.entities(before.id) === 0) return;
  throw refusedAt(
    `entity ${before.name}`,
    `its states ${before.states.join(', ')} would become ${after.states.join(', ')}, and entities have them`,
    'keep them in this order and add new ones at the end',
  );
}

/** What comes later would be about persons whose own entries can be erased, and stay behind. */
function checkPersons(before: EntityKind, after: EntityKind, facts: SchemaFacts): void {
  if (!before.person || after.person || facts.entities(before.id) === 0) return;
  throw refusedAt(
    `entity ${before.name}`,
    'its entities are persons, and what is written about each is sealed for them alone',
    'say PERSON here too, or define another kind',
  );
}

function checkTarget(before: SignalType, after: SignalType, facts: SchemaFacts): void {
  const signals = facts.signals(before.id);
  if (before.target === after.target || signals === 0) return;
  throw refusedAt(
    `signal ${before.name}`,
    `${signals} of them are about another entity`,
    'define a signal of another name, or drop this one first',
  );
}

function checkEnds(before: RelationshipType, after: RelationshipType, facts: SchemaFacts): void {
  const edges = facts.edges(before.id);
  if ((before.from === after.from && before.to === after.to) || edges === 0) return;
  throw refusedAt(
    `relationship ${before.name}`,
    `${edges} edges connect other entities`,
    'define a relationship of another name, or drop this one first',
  );
}

function checkRoom({ schema, next }: SchemaRecord): void {
  if (Object.values(next).some((id) => id > IDS_MAX))
    throw new TruthError(
      'TOO_LARGE',
      `a schema gives out ${IDS_MAX} ids of a sort, and they are used up: make a new tenant`,
    );
  for (const what of DEFINITION_KINDS) {
    const count = thingsOf(schema, what).length;
    if (count > SORT_MAX)
      throw new TruthError(
        'TOO_LARGE',
        `a schema holds ${SORT_MAX} of a sort, and this is ${what} ${count}: drop one`,
      );
  }
}

function checkThing(scope: CheckScope, put: Put): void {
  if (put.what === 'entity') checkKind(scope, put.value);
  else if (put.what === 'signal') checkSignal(scope, put.value);
  else if (put.what === 'relationship') checkRelationship(scope, put.value);
  else if (put.what === 'cohort') checkCohort(scope, put.value);
  else checkProfile(scope, put.value);
}

interface WithDependents {
  readonly after: SchemaRecord;
  readonly steps: readonly SchemaStep[];
  /** In words, for whoever has to agree to it. */
  readonly drops: readonly string[];
}

/**
 * Everything else is looked at again: what no longer makes sense goes too, and then what stood on that. Entities never go by
 * themselves: a kind that would break refuses the change.
 */
function withDependents(
  before: RankingSchema,
  first: SchemaRecord,
  own: readonly SchemaStep[],
): WithDependents {
  const steps = [...own];
  const drops: string[] = [];
  let after = first;
  // Each round drops something, and there is only so much.
  for (
    let broken = brokenIn(before, after, own[0]!);
    broken !== null;
    broken = brokenIn(before, after, own[0]!)
  ) {
    steps.push({ step: 'drop', what: broken.what, id: broken.id });
    drops.push(broken.reason);
    after = applyChange(after, { version: after.schema.version, steps: [steps.at(-1)!] });
  }
  return { after, steps, drops };
}

interface Broken {
  readonly what: DefinitionKind;
  readonly id: number;
  readonly reason: string;
}

function brokenIn(before: RankingSchema, { schema }: SchemaRecord, step: SchemaStep): Broken | null {
  const scope: CheckScope = { schema, before, derived: 'unchecked' };
  for (const kind of schema.kinds) {
    const problem = problemOf(() => checkKind(scope, kind));
    if (problem === null) continue;
    // The step's own thing was checked before; another kind stands on what goes.
    throw refusedAt(
      `this ${step.step === 'drop' ? 'drop' : 'definition'}`,
      problem,
      `redefine ${kind.name} first`,
    );
  }
  const sorts: readonly Put[] = [
    ...schema.signals.map((value): Put => ({ step: 'put', what: 'signal', value })),
    ...schema.relationships.map((value): Put => ({ step: 'put', what: 'relationship', value })),
    ...schema.cohorts.map((value): Put => ({ step: 'put', what: 'cohort', value })),
    ...schema.profiles.map((value): Put => ({ step: 'put', what: 'profile', value })),
  ];
  for (const put of sorts) {
    const problem = problemOf(() => checkThing(scope, put));
    if (problem !== null) return { what: put.what, id: put.value.id, reason: problem };
  }
  return null;
}

function problemOf(check: () => void): string | null {
  try {
    check();
    return null;
  } catch (error) {
    if (error instanceof TruthError) return error.message;
    throw error;
  }
}

function checkPermission(
  place: string,
  permission: Permission,
  { drops, loses, rebuilds, seconds }: Impact,
): void {
  if (drops.length > 0 && permission !== 'cascade')
    throw refusedAt(
      place,
      `it is used: ${drops.join('; ')}`,
      'change those first, or say CASCADE to drop them too',
    );
  if (permission !== 'safe') return;
  if (loses.length > 0)
    throw refusedAt(
      place,
      `it takes away ${loses.join(', ')}`,
      'say REBUILD if that is meant, DRY RUN shows all of it',
    );
  if (rebuilds.length === 0) return;
  const views = rebuilds.map(({ view, reason, reads }) => `${view} (${reason}, ${reads} to read)`).join(', ');
  throw refusedAt(
    place,
    `it makes views work anew: ${views}, about ${Math.ceil(seconds)} s`,
    'say REBUILD if that is meant',
  );
}

function placeOf(definition: Definition): string {
  return definition.define === 'drop'
    ? `DROP ${definition.what.toUpperCase()} ${definition.name}`
    : `${definition.define} ${definition.name}`;
}
