/** Edges set by hand, and what somebody was shown: one entry each, with the users that come to be by it. */
import { TruthError } from '../../errors.ts';
import { KERNEL_ENTRY } from '../../kernel/entry-types.ts';
import { type EntityNumber, type KindId, NO_ENTITY } from '../ground.ts';
import { kindById, required, USER_KIND, userKind } from '../schema/index.ts';
import type { EntityKind, RelationshipType } from '../schema/model.ts';
import { timeProblem } from './clock-rules.ts';
import type { ExposeCommand, RankingEntry, RankingInput, RelateCommand } from './command.ts';
import { encodeEdge } from './edge-entry.ts';
import { EntityWriter } from './entity-writer.ts';
import { encodeExposure } from './exposure-entry.ts';
import { keyProblem, shownKey } from './keys.ts';
import { DELETED, type RankingState } from './state.ts';

const ITEMS_MAX = 10_000;

/** Errors: INVALID_ARGUMENT, NOT_FOUND. */
export function decideEdge(
  state: RankingState,
  command: RelateCommand,
  input: RankingInput,
): readonly RankingEntry[] {
  const { schema } = state.schema;
  const relationship = required('relate', 'relationship', schema.relationships, command.relationship);
  const writer = new EntityWriter(state, input.now, input.limits.entryBytesMax);
  const at = command.at ?? input.now;
  checkTime(`relationship ${relationship.name}`, at, input);
  const weight = weightOf(relationship, command.weight);
  // Both are looked for before either comes to be.
  checkEnd(state, writer, relationship.from, command.from);
  checkEnd(state, writer, relationship.to, command.to);
  const from = endOf(state, writer, relationship.from, command.from);
  const to = endOf(state, writer, relationship.to, command.to);
  const payload = encodeEdge({ entry: 'edge', relationship: relationship.id, from, to, at, weight });
  const { person } = kindOf(state, relationship.from);
  const subject = person ? command.from : kindOf(state, relationship.to).person ? command.to : null;
  return entriesOf(writer, { type: KERNEL_ENTRY.rankingEdge, payload, subject });
}

/** Errors: INVALID_ARGUMENT, NOT_FOUND, TOO_LARGE. */
export function decideExposure(
  state: RankingState,
  command: ExposeCommand,
  input: RankingInput,
): readonly RankingEntry[] {
  const { schema } = state.schema;
  const kind = required('expose', 'entity', schema.kinds, command.kind);
  const writer = new EntityWriter(state, input.now, input.limits.entryBytesMax);
  checkKey('name of an experiment', command.experiment);
  checkKey('name of an arm', command.arm);
  if (command.items.length > ITEMS_MAX)
    throw new TruthError(
      'TOO_LARGE',
      `${command.items.length} items are shown at once, more than ${ITEMS_MAX}: split them`,
    );
  const items = command.items.map((key) => {
    checkEnd(state, writer, kind.id, key);
    return writer.state.find(kind.id, key);
  });
  const user = command.user === null ? NO_ENTITY : userNumber(state, writer, command.user);
  const { experiment, arm } = command;
  const payload = encodeExposure({
    entry: 'exposure',
    experiment,
    arm,
    user,
    at: input.now,
    kind: kind.id,
    items,
  });
  const subject = userKind(schema)?.person === true ? command.user : null;
  return entriesOf(writer, { type: KERNEL_ENTRY.rankingExposure, payload, subject });
}

function userNumber(state: RankingState, writer: EntityWriter, key: string): EntityNumber {
  const users = userKind(state.schema.schema);
  if (users === null) throw new TruthError('NOT_FOUND', `there is no entity ${USER_KIND}: define it first`);
  checkKey(`key of ${USER_KIND}`, key);
  return writer.ensure(users, key);
}

function weightOf({ name, weight }: RelationshipType, given: RelateCommand['weight']): number | null {
  if (given === null) return null;
  const value = given === 'default' ? weight.default : given + 0;
  if (value >= weight.min && value <= weight.max) return value;
  throw new TruthError(
    'INVALID_ARGUMENT',
    `relationship ${name} has the weight ${value}: give a number from ${weight.min} to ${weight.max}`,
  );
}

/** Users come to be where they are named; everything else has to be there. */
function checkEnd(state: RankingState, writer: EntityWriter, kind: KindId, key: string): void {
  const { name } = kindOf(state, kind);
  checkKey(`key of ${name}`, key);
  if (name === USER_KIND || isThere(writer, kind, key)) return;
  throw new TruthError('NOT_FOUND', `there is no ${name} ${shownKey(key)}: write it first`);
}

function endOf(state: RankingState, writer: EntityWriter, kind: KindId, key: string): EntityNumber {
  return writer.ensure(kindOf(state, kind), key);
}

function isThere(writer: EntityWriter, kind: KindId, key: string): boolean {
  const number = writer.state.find(kind, key);
  return number !== NO_ENTITY && writer.state.stateOf(kind, number) !== DELETED;
}

/** Checked with the schema: what a relationship connects is there. */
function kindOf(state: RankingState, id: KindId): EntityKind {
  const kind = kindById(state.schema.schema, id);
  if (kind === null) throw new TruthError('NOT_FOUND', `entity ${id} is not there any more: define it anew`);
  return kind;
}

function checkKey(what: string, key: string): void {
  const problem = keyProblem(what, key);
  if (problem !== null) throw new TruthError('INVALID_ARGUMENT', problem);
}

function checkTime(what: string, at: number, { now }: RankingInput): void {
  const problem = timeProblem(what, at, now, 0);
  if (problem !== null) throw new TruthError('INVALID_ARGUMENT', problem);
}

function entriesOf(writer: EntityWriter, own: RankingEntry): readonly RankingEntry[] {
  return [...writer.numbers, ...writer.entries, own];
}
