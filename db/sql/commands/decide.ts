/**
 * What a command on tables means. Pure and total: the same state, command and input give the same decision, and every refusal
 * is a typed error. Nothing changes here; the caller gives the entries to the log and lets `evolve` change the state.
 */
import { createHash } from 'node:crypto';
import { TruthError } from '../../errors.ts';
import { KERNEL_ENTRY } from '../../kernel/entry-types.ts';
import { invariant } from '../../kernel/index.ts';
import { type CommitOrdinal, SEQUENCE_NONE } from '../../types.ts';
import { type Catalog, encodeCatalogEntry, type Table } from '../catalog/index.ts';
import { decideUpkeep, encodeStep } from '../projections/index.ts';
import { Overlay } from '../rows/overlay.ts';
import { hiddenKeyOf } from '../rows/table-layout.ts';
import type { StoreReader } from '../store/contract.ts';
import type { SqlValue } from '../types/index.ts';
import { CatalogDraft } from './catalog-draft.ts';
import type {
  CommandInput,
  CommandReply,
  OwnCommand,
  SqlCommand,
  SqlDecision,
  StatementCommand,
  TransactionCommand,
  UpkeepCommand,
  WrittenRow,
} from './command.ts';
import { type DefinitionStatement, define } from './define.ts';
import { planWrite, type RowStatement } from './plan-write.ts';
import { refusal } from './refusals.ts';
import { checkCommandBytes, type EntryAuthor, rowEntries, type SqlEntry } from './row-entries.ts';
import { RowNumbers } from './row-numbers.ts';
import type { Evaluation } from './stored-expressions.ts';
import { Workspace } from './workspace.ts';

/** What is decided upon. */
export interface DecidingState {
  readonly rows: StoreReader;
  /** As of the same state. */
  readonly catalog: Catalog;
}

export function decideSql(state: DecidingState, command: SqlCommand, input: CommandInput): SqlDecision {
  invariant(command.actor.length > 0, 'somebody acts');
  invariant(input.random.length === RANDOM_BYTES, 'a decision gets its random bytes');
  try {
    if (command.kind === 'transaction') return decideTransaction(state, command, input);
    if (command.kind === 'upkeep') return decideForProjections(state, command, input);
    if (command.kind === 'own') return decideOwn(state, command, input);
    const { statement } = command;
    switch (statement.statement) {
      case 'insert':
      case 'update':
      case 'delete':
        return decideRows(state, command, statement, input);
      default:
        return decideDefinition(state, command, statement, input);
    }
  } catch (error) {
    if (error instanceof TruthError && error.code !== 'INTERNAL') return { outcome: 'refused', error };
    throw error;
  }
}

const RANDOM_BYTES = 32;
/** Rows of its first source that one step of building a projection takes in: some milliseconds. */
const STEP_ROWS = 2_000;
const NANOS_PER_MICRO = 1_000n;

function decideRows(
  state: DecidingState,
  command: StatementCommand,
  statement: RowStatement,
  input: CommandInput,
): SqlDecision {
  const { catalog } = state;
  const { parameters } = command;
  const fits = command.plan !== null && catalog.table(command.plan.table.name) === command.plan.table;
  const plan = fits ? command.plan! : planWrite(statement, catalog, command.parameterTypes).plan;
  const workspace = new Workspace(
    catalog,
    new Overlay(state.rows),
    RowNumbers.after(state.rows),
    input.limits.rowsMax,
  );
  const reply = plan.run(workspace, evaluationOf(command, input, parameters));
  const entries: SqlEntry[] = [];
  const author = authorOf(command, catalog);
  for (const { table, rows } of workspace.written())
    entries.push(...rowEntries(author, table, rows, state.rows, input));
  return decided(entries, reply, input);
}

function decideDefinition(
  state: DecidingState,
  command: StatementCommand,
  statement: DefinitionStatement,
  input: CommandInput,
): SqlDecision {
  const before = state.catalog;
  const draft = new CatalogDraft(before);
  const evaluation = evaluationOf(command, input, []);
  const tag = define({ draft, rows: state.rows, evaluation }, statement);
  const reply: CommandReply = { tag, count: 0, columns: null, rows: [] };
  if (draft.changes.length === 0) return { outcome: 'unchanged', reply };
  invariant(draft.header.version === before.version + 1, 'a command makes one version of the catalog');
  return decided([catalogEntry(draft, command, input)], reply, input);
}

/** The next step that projections need; a reply that counts 0 says that there is none. */
function decideForProjections(
  { catalog, rows }: DecidingState,
  command: UpkeepCommand,
  input: CommandInput,
): SqlDecision {
  const draft = new CatalogDraft(catalog);
  const next = decideUpkeep(draft, rows);
  const reply: CommandReply = {
    tag: 'UPKEEP',
    count: next.upkeep === 'none' ? 0 : 1,
    columns: null,
    rows: [],
  };
  switch (next.upkeep) {
    case 'none':
      return { outcome: 'unchanged', reply };
    case 'catalog':
      return decided([catalogEntry(draft, command, input)], reply, input);
    case 'step': {
      const step = { projection: next.projection.id, rows: STEP_ROWS };
      return decided([entryOf(KERNEL_ENTRY.projectionStep, encodeStep(step), command, input)], reply, input);
    }
  }
}

function decideOwn({ catalog, rows }: DecidingState, command: OwnCommand, input: CommandInput): SqlDecision {
  const draft = new CatalogDraft(catalog);
  const { tag, count, entries: own } = command.decide(draft, rows);
  const entries = own.map(({ type, payload, subject }) => {
    if (payload.length > input.limits.entryBytesMax) throw entryTooLarge(payload.length, input);
    return { ...entryOf(type, payload, command, input), subject };
  });
  if (draft.changes.length > 0) entries.push(catalogEntry(draft, command, input));
  return decided(entries, { tag, count, columns: null, rows: [] }, input);
}

/** The draft's changes as one entry. Throws 54000. */
function catalogEntry(draft: CatalogDraft, command: SqlCommand, input: CommandInput): SqlEntry {
  const { actor } = command;
  const payload = encodeCatalogEntry({ actor, header: draft.header, changes: draft.changes });
  if (payload.length > input.limits.entryBytesMax) throw definitionTooLarge(payload.length, input);
  return entryOf(KERNEL_ENTRY.catalog, payload, command, input);
}

function entryOf(type: number, payload: Uint8Array, { tenant }: SqlCommand, input: CommandInput): SqlEntry {
  return {
    sequence: SEQUENCE_NONE,
    ordinal: 0 as CommitOrdinal,
    type,
    tenant,
    partitionKey: input.partitionKey(0),
    flags: 0,
    payload,
    subject: null,
  };
}

/** Refused when anything it read has changed since the position it was pinned at; else what it wrote holds. */
function decideTransaction(
  state: DecidingState,
  command: TransactionCommand,
  input: CommandInput,
): SqlDecision {
  const { pin, reads, writes } = command;
  for (const { space, range } of reads) {
    if (state.rows.changedSince(space, range, pin)) throw serializationFailure(pin);
  }
  const { catalog } = state;
  const author = authorOf(command, catalog);
  const entries: SqlEntry[] = [];
  let count = 0;
  for (const [id, rows] of writes) {
    const table = catalog.tableById(id);
    // What it wrote it read first, the catalog too.
    invariant(table !== null, 'a transaction writes to tables that are there');
    count += rows.length;
    entries.push(...rowEntries(author, table, numbered(state.rows, table, rows), state.rows, input));
  }
  invariant(count > 0, 'a transaction that wrote nothing is not decided');
  return decided(entries, { tag: 'COMMIT', count, columns: null, rows: [] }, input);
}

/** Rows that got a number in the transaction get the next ones there are now: others may have taken theirs. */
function numbered(state: StoreReader, table: Table, rows: readonly WrittenRow[]): readonly WrittenRow[] {
  if (table.primaryKey.columns.length > 0) return rows;
  const numbers = RowNumbers.after(state);
  return rows.map((row) => (row.existed ? row : { ...row, key: hiddenKeyOf(numbers.take(table)) }));
}

function decided(entries: readonly SqlEntry[], reply: CommandReply, input: CommandInput): SqlDecision {
  if (entries.length === 0) return { outcome: 'unchanged', reply };
  checkCommandBytes(entries, input.limits);
  invariant(
    entries.every(({ payload }) => payload.length <= input.limits.entryBytesMax),
    'every entry fits the log',
  );
  return { outcome: 'accepted', entries, reply };
}

function authorOf({ tenant, actor }: SqlCommand, catalog: Catalog): EntryAuthor {
  return { tenant, actor, catalogVersion: catalog.version };
}

function evaluationOf(
  { actor, database }: SqlCommand,
  { recordedAt, random }: Pick<CommandInput, 'recordedAt' | 'random'>,
  parameters: readonly SqlValue[],
): Evaluation {
  let drawn = 0;
  return {
    context: {
      parameters,
      now: recordedAt / NANOS_PER_MICRO,
      randomUuid: () => uuidOf(random, drawn++),
      user: actor,
      database,
    },
  };
}

/** The next UUID of a command: version 4, out of its random bytes. */
export function uuidOf(random: Uint8Array, drawn: number): string {
  const bytes = createHash('sha256').update(random).update(Uint32Array.of(drawn)).digest();
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}

function serializationFailure(pin: number): TruthError {
  return refusal(
    '40001',
    `could not serialize access: what the transaction read at position ${pin} has changed since; run it again`,
    { pin },
    'WRONG_EXPECTED_REVISION',
  );
}

function definitionTooLarge(bytes: number, { limits: { entryBytesMax } }: CommandInput): TruthError {
  return refusal(
    '54000',
    `the table's definition takes ${bytes} bytes, more than the log's ${entryBytesMax} for one entry: give it fewer columns or shorter expressions`,
    { bytes, bytesMax: entryBytesMax },
    'TOO_LARGE',
  );
}

function entryTooLarge(bytes: number, { limits: { entryBytesMax } }: CommandInput): TruthError {
  return refusal(
    '54000',
    `the command takes ${bytes} bytes in one entry, more than the log's ${entryBytesMax}`,
    { bytes, bytesMax: entryBytesMax },
    'TOO_LARGE',
  );
}
