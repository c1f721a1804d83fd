/**
 * What a write of the ranking layer means. Pure and total: the same state, command and input give the same decision, and every
 * refusal is a typed error. Nothing changes here; the caller gives the entries to the log, and the views apply them.
 */
import { TruthError } from '../../errors.ts';
import { KERNEL_ENTRY } from '../../kernel/entry-types.ts';
import type { Permission } from '../schema/definition.ts';
import { define, encodeChange, type Impact, preview } from '../schema/index.ts';
import { BatchResult, checkBatch } from './batch.ts';
import type {
  DefineCommand,
  Failure,
  PutEntitiesCommand,
  RankingCommand,
  RankingDecision,
  RankingEntry,
  RankingInput,
  RankingReply,
} from './command.ts';
import { decideEdge, decideExposure } from './decide-edges.ts';
import { decideSignals } from './decide-signals.ts';
import { EntityWriter } from './entity-writer.ts';
import type { RankingState } from './state.ts';

const WRITTEN: RankingReply = Object.freeze({ reply: 'written' });

export function decideRanking(
  state: RankingState,
  command: RankingCommand,
  input: RankingInput,
): RankingDecision {
  try {
    switch (command.command) {
      case 'define':
        return decideDefinition(state, command, input);
      case 'put-entities':
        return decideEntities(state, command, input);
      case 'signals': {
        const { entries, result } = decideSignals(state, command, input);
        return batchDecision(entries, result, command.failure, input);
      }
      case 'relate':
        return accepted(decideEdge(state, command, input), WRITTEN, input);
      case 'expose':
        return accepted(decideExposure(state, command, input), WRITTEN, input);
    }
  } catch (error) {
    if (error instanceof TruthError && error.code !== 'INTERNAL') return { outcome: 'refused', error };
    throw error;
  }
}

function decideDefinition(state: RankingState, command: DefineCommand, input: RankingInput): RankingDecision {
  const { definition, permission } = command;
  if (definition.define === 'entity' && definition.person && !input.sealed)
    throw new TruthError(
      'INVALID_ARGUMENT',
      `entity ${definition.name} cannot be of persons: the tenant is not encrypted, so nothing could be erased. Encrypt it first, or leave PERSON out`,
    );
  const dry = command.run === 'dry run';
  const { change, schema, impact } = dry
    ? preview(state.schema, definition, state.facts)
    : define(state.schema, definition, permission, state.facts);
  const reply: RankingReply = { reply: 'schema', version: schema.version, impact, needs: needed(impact) };
  if (dry || change === null) return { outcome: 'unchanged', reply };
  const payload = encodeChange(change);
  if (payload.length > input.limits.entryBytesMax)
    throw new TruthError(
      'TOO_LARGE',
      `the definition takes ${payload.length} bytes, more than the log's ${input.limits.entryBytesMax} for one entry: make it smaller`,
    );
  return accepted([{ type: KERNEL_ENTRY.rankingSchema, payload, subject: null }], reply, input);
}

function needed({ drops, loses, rebuilds }: Impact): Permission {
  if (drops.length > 0) return 'cascade';
  return loses.length > 0 || rebuilds.length > 0 ? 'rebuild' : 'safe';
}

function decideEntities(
  state: RankingState,
  command: PutEntitiesCommand,
  input: RankingInput,
): RankingDecision {
  const { entities, failure } = command;
  checkBatch('entities', entities.length);
  const writer = new EntityWriter(state, input.now, input.limits.entryBytesMax);
  const result = new BatchResult(entities.length);
  for (const [index, draft] of entities.entries()) {
    try {
      if (writer.put(draft) === 'unchanged') result.unchanged(index);
    } catch (error) {
      if (!(error instanceof TruthError) || error.code === 'INTERNAL') throw error;
      result.refuse(index, error.code, error.message);
    }
  }
  return batchDecision([...writer.numbers, ...writer.entries], result, failure, input);
}

function batchDecision(
  entries: readonly RankingEntry[],
  result: BatchResult,
  failure: Failure,
  input: RankingInput,
): RankingDecision {
  const { error } = result;
  if (failure === 'all' && error !== null) return { outcome: 'refused', error };
  const reply = result.reply();
  return entries.length === 0 ? { outcome: 'unchanged', reply } : accepted(entries, reply, input);
}

/** Errors: TOO_LARGE, when the log would not take the entries as one command. */
function accepted(
  entries: readonly RankingEntry[],
  reply: RankingReply,
  { limits }: RankingInput,
): RankingDecision {
  const bytes = entries.reduce((sum, { payload }) => sum + payload.length + limits.entryOverheadBytes, 0);
  if (bytes > limits.commandBytesMax)
    throw new TruthError(
      'TOO_LARGE',
      `the command takes ${bytes} bytes in the log, more than its ${limits.commandBytesMax} for one: split it`,
      { bytes, bytesMax: limits.commandBytesMax },
    );
  return { outcome: 'accepted', entries, reply };
}
