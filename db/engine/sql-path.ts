/**
 * The way of a command on tables to its answer, at pipeline depth one: what has queued up becomes a group. Each command of it
 * is decided against the writer's own state, its entries go to the log and into the stores' open transactions; when the last
 * of them is stable the view commits those, and everybody is answered, refusals too: what they rest on is durable only then.
 * Readers use other connections, so they see nothing of a group before that.
 */
import { TruthError } from '../errors.ts';
import type { Clock, Scheduler } from '../io/index.ts';
import { type DecidedEntry, invariant } from '../kernel/index.ts';
import {
  type CommandAnswer,
  type CommandInput,
  type CommandReply,
  decideSql,
  type SqlCommand,
  type SqlDecision,
  type SqlView,
  tablePartition,
} from '../sql/index.ts';
import { Fifo } from '../streams/index.ts';
import { type RecordedAt, SEQUENCE_NONE, type Sequence, type TenantId } from '../types.ts';
import type { Log } from '../wal/log.ts';
import type { LiveFeed } from './live-feed.ts';
import { asError } from './waiting-appends.ts';

/** Commands that may wait; more are refused. */
const QUEUE_MAX = 4096;
/** Bytes of their parameters and rows; one alone may have any number. */
const QUEUE_BYTES_MAX = 64 * 1024 * 1024;
/** A group ends after so many commands, or so long: then others of the thread have their turn. */
const GROUP_COMMANDS_MAX = 1024;
const GROUP_NANOS_MAX = 20_000_000n;
/** A statement of usual length. */
const COMMAND_BYTES = 1024;
const RANDOM_BYTES = 32;
/** Who is said to have done what projections need. */
const UPKEEP_ACTOR = 'truthdb';
const RANDOM_BLOCK_BYTES = 4096;
const RETRY_MILLIS_MIN = 5;
const ENTRY_OVERHEAD_BYTES = 48 + 8 + 7;
/** Rows one command may write. */
const ROWS_MAX = 1_000_000;

/** Hears the outcome of one command, once, and never inside the call that asked for it. It must not throw. */
export type SqlSettled = (outcome: CommandAnswer | Error) => void;

interface QueuedCommand {
  readonly command: SqlCommand;
  readonly settled: SqlSettled;
  readonly bytes: number;
}

/** A command that the log has taken in a commit behind that of the group it was to join. */
interface CarriedCommand {
  readonly tenant: TenantId;
  readonly entries: readonly DecidedEntry[];
  readonly reply: CommandReply;
  readonly settled: SqlSettled;
  /** As in Group. */
  readonly last: Sequence;
  commit: Sequence;
}

interface Group {
  /** Outcomes in the order of the commands. */
  readonly outcomes: { readonly settled: SqlSettled; readonly outcome: CommandReply | Error }[];
  /** Its last entry, or 0 while it has none. */
  last: Sequence;
  /** The commit that its entries lie in, or 0 until the log has closed it. */
  commit: Sequence;
}

export interface SqlPathOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly scheduler: Pick<Scheduler, 'endOfTurn'>;
  /** Cryptographically random bytes. */
  readonly random: (bytes: number) => Uint8Array;
  readonly feed: LiveFeed;
  /** The view as it is now; a rebuild makes a new one. */
  readonly view: () => SqlView;
  /** Why nothing new may be written, or null. */
  readonly refusal: () => Error | null;
  /** Throws where the tenant may not write so many bytes: NOT_FOUND, FORBIDDEN, QUOTA_EXCEEDED, BUSY. */
  readonly admit: (tenant: TenantId, bytes: number) => void;
  /** Why tables do not follow the log any more, or null. */
  readonly broken: () => Error | null;
  /** Something of a tenant's may want commands of upkeep. */
  readonly wanted: (tenant: TenantId) => void;
}

export class SqlPath {
  readonly #options: SqlPathOptions;
  readonly #limits;
  readonly #queue = new Fifo<QueuedCommand>();
  readonly #drained: (() => void)[] = [];
  #group: Group | null = null;
  #carried: CarriedCommand | null = null;
  /** The last commit that the log has closed. */
  #closed: Sequence = SEQUENCE_NONE;
  #queuedBytes = 0;
  #woken = false;
  /** The log had no room for the next command. */
  #waitsForRoom = false;
  #failure: TruthError | null = null;
  /** How long the last group took, for whoever is told to come back. */
  #groupMillis = RETRY_MILLIS_MIN;
  #groupBegan = 0n;
  #randomBlock: Uint8Array = new Uint8Array(0);
  #randomUsed = 0;

  constructor(options: SqlPathOptions) {
    this.#options = options;
    const { log } = options;
    this.#limits = {
      rowsMax: ROWS_MAX,
      entryBytesMax: log.identity.entryBytesMax,
      commandBytesMax: log.commandBytesMax,
      entryOverheadBytes: ENTRY_OVERHEAD_BYTES,
    };
    log.onCommit(({ sequence }) => {
      this.#closed = sequence;
      for (const part of [this.#group, this.#carried]) {
        if (part !== null && part.last !== SEQUENCE_NONE && part.commit === SEQUENCE_NONE)
          part.commit = sequence;
      }
    });
    log.onRoom(() => {
      if (!this.#waitsForRoom) return;
      this.#waitsForRoom = false;
      this.#wake();
    });
  }

  /** Commands not answered. */
  get depth(): number {
    return this.#queue.length + (this.#group?.outcomes.length ?? 0) + (this.#carried === null ? 0 : 1);
  }

  /** Errors reach `settled`: BUSY (details.retryAfterMillis), TOO_LARGE, DISK_FULL, WRITER_FAILED, the command's own refusal. */
  submit(command: SqlCommand, settled: SqlSettled): void {
    const refusal = this.#failure ?? this.#options.refusal();
    if (refusal !== null) queueMicrotask(() => settled(refusal));
    else {
      const bytes = commandBytes(command);
      const full = this.#queue.length >= QUEUE_MAX || this.#queuedBytes + bytes > QUEUE_BYTES_MAX;
      if (full && this.#queue.length > 0) {
        queueMicrotask(() => settled(this.#busy()));
        return;
      }
      this.#queuedBytes += bytes;
      this.#queue.push({ command, settled, bytes });
      this.#wake();
    }
  }

  /** Begins what projections need; called when commands can be taken, again. */
  start(): void {
    this.#options.view().findUpkeep();
    this.#upkeep();
  }

  /** The views have everything up to `position`. */
  applied(position: Sequence): void {
    const group = this.#group;
    // Events alone can have made reducers want something.
    if (group === null) this.#upkeep();
    if (group === null || group.commit === SEQUENCE_NONE || position < group.commit) return;
    this.#group = null;
    const { clock } = this.#options;
    this.#groupMillis = Number((clock.monotonicNanos() - this.#groupBegan) / 1_000_000n);
    this.#answer(group, this.#options.broken());
    this.#goOnWithCarried(position);
    this.#upkeep();
    this.#wake();
    this.#tellDrained();
  }

  /** Nothing in flight will ever become stable. */
  fail(error: TruthError): void {
    this.#failure = error;
    const group = this.#group;
    this.#group = null;
    this.#options.view().unstage();
    for (const { settled } of group?.outcomes ?? []) settled(error);
    this.#carried?.settled(error);
    this.#carried = null;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) next.settled(error);
    this.#queuedBytes = 0;
    this.#tellDrained();
  }

  /** Resolves when nothing waits for an answer any more. */
  drained(): Promise<void> {
    if (this.depth === 0) return Promise.resolve();
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  /** At the end of the turn, so that what came in it shares a group. */
  #wake(): void {
    if (this.#woken || this.#group !== null || this.#waitsForRoom || this.#queue.length === 0) return;
    this.#woken = true;
    this.#options.scheduler.endOfTurn(() => {
      this.#woken = false;
      if (this.#group === null && this.#failure === null) this.#runGroup();
    });
  }

  #runGroup(): void {
    const { clock } = this.#options;
    const group: Group = { outcomes: [], last: SEQUENCE_NONE, commit: SEQUENCE_NONE };
    this.#group = group;
    this.#groupBegan = clock.monotonicNanos();
    const recordedAt = clock.nowNanos() as RecordedAt;
    while (this.#queue.length > 0 && group.outcomes.length < GROUP_COMMANDS_MAX) {
      const { command, settled, bytes } = this.#queue.peek()!;
      const outcome = this.#carryOut(group, command, settled, recordedAt);
      if (outcome === 'no room') break;
      this.#queue.shift();
      this.#queuedBytes -= bytes;
      if (outcome === 'carried') break;
      group.outcomes.push({ settled, outcome });
      if (clock.monotonicNanos() - this.#groupBegan > GROUP_NANOS_MAX) break;
    }
    if (group.last !== SEQUENCE_NONE) return;
    // Nothing was written: what the outcomes rest on is committed, so it is stable.
    this.#group = null;
    this.#options.view().unstage();
    this.#answer(group, null);
    this.#wake();
    this.#tellDrained();
  }

  #carryOut(
    group: Group,
    command: SqlCommand,
    settled: SqlSettled,
    recordedAt: RecordedAt,
  ): CommandReply | Error | 'no room' | 'carried' {
    const { view } = this.#options;
    const input: CommandInput = {
      recordedAt,
      random: this.#takeRandom(),
      limits: this.#limits,
      partitionKey: (table) => tablePartition(command.tenant, table),
    };
    try {
      const broken = this.#options.broken();
      if (broken !== null) return broken;
      const state = view().writer(command.tenant);
      const decision = decideSql(state, command, input);
      if (decision.outcome === 'refused') return decision.error;
      if (decision.outcome === 'unchanged') return decision.reply;
      const refused = this.#refusedTo(command.tenant, decision.entries);
      return refused ?? this.#write(group, command, decision, settled, recordedAt);
    } catch (error) {
      if (error instanceof TruthError && error.code === 'BUSY') {
        this.#waitsForRoom = true;
        return 'no room';
      }
      return asError(error);
    }
  }

  #refusedTo(tenant: TenantId, entries: readonly DecidedEntry[]): Error | null {
    let bytes = 0;
    for (const { payload } of entries) bytes += payload.length;
    try {
      this.#options.admit(tenant, bytes);
      return null;
    } catch (error) {
      return asError(error);
    }
  }

  #write(
    group: Group,
    { tenant }: SqlCommand,
    { entries, reply }: Extract<SqlDecision, { outcome: 'accepted' }>,
    settled: SqlSettled,
    recordedAt: RecordedAt,
  ): CommandReply | 'carried' {
    const { log, feed, view } = this.#options;
    const { first, last } = log.append(entries, recordedAt);
    invariant(last - first + 1 === entries.length, 'the entries of a command follow each other');
    invariant(first > group.last, 'the commands of a group follow each other');
    feed.appended(first, entries);
    // What is staged at a time lies in one commit, so that a copy of the view is always one of whole commits.
    if (group.last !== SEQUENCE_NONE && this.#closed > group.last) {
      this.#carried = { tenant, entries, reply, settled, last, commit: SEQUENCE_NONE };
      return 'carried';
    }
    group.last = last;
    // From here on the log has it: a store that cannot take it fails with the view, and the answer says so.
    view().stage(tenant, entries);
    return reply;
  }

  /** A command in a commit of its own is a group of its own, unless the view has that commit by now. */
  #goOnWithCarried(position: Sequence): void {
    const carried = this.#carried;
    if (carried === null) return;
    this.#carried = null;
    const { tenant, entries, reply, settled, last, commit } = carried;
    const group: Group = { outcomes: [], last, commit };
    if (commit !== SEQUENCE_NONE && position >= commit) {
      group.outcomes.push({ settled, outcome: reply });
      this.#answer(group, this.#options.broken());
      return;
    }
    this.#group = group;
    this.#groupBegan = this.#options.clock.monotonicNanos();
    try {
      this.#options.view().stage(tenant, entries);
      group.outcomes.push({ settled, outcome: reply });
    } catch (error) {
      group.outcomes.push({ settled, outcome: asError(error) });
    }
  }

  #answer(group: Group, failure: Error | null): void {
    const position = group.commit === SEQUENCE_NONE ? this.#options.log.stable : group.commit;
    for (const { settled, outcome } of group.outcomes) {
      if (outcome instanceof Error) settled(outcome);
      else settled(failure ?? { ...outcome, position });
    }
  }

  /** Asked for in blocks: the operating system's own cost more than a small command. */
  #takeRandom(): Uint8Array {
    if (this.#randomUsed + RANDOM_BYTES > this.#randomBlock.length) {
      this.#randomBlock = this.#options.random(RANDOM_BLOCK_BYTES);
      this.#randomUsed = 0;
    }
    const at = this.#randomUsed;
    this.#randomUsed += RANDOM_BYTES;
    return this.#randomBlock.subarray(at, this.#randomUsed);
  }

  #busy(): TruthError {
    const retryAfterMillis = Math.max(RETRY_MILLIS_MIN, this.#groupMillis * 2);
    return new TruthError(
      'BUSY',
      `${this.#queue.length} commands on tables wait already; try again in ${retryAfterMillis} ms`,
      { sqlstate: '53300', queued: this.#queue.length, queueMax: QUEUE_MAX, retryAfterMillis },
    );
  }

  /** One command at a time for each tenant that needs some: each is told again by what it did. */
  #upkeep(): void {
    for (const tenant of this.#options.view().takeUpkeep()) {
      this.submit({ kind: 'upkeep', tenant, actor: UPKEEP_ACTOR, database: '' }, () => {});
      this.#options.wanted(tenant);
    }
  }

  #tellDrained(): void {
    if (this.depth === 0) for (const tell of this.#drained.splice(0)) tell();
  }
}

/** What a command keeps alive while it waits, about. */
function commandBytes(command: SqlCommand): number {
  let bytes = COMMAND_BYTES;
  if (command.kind === 'statement') {
    for (const value of command.parameters) {
      if (typeof value === 'string') bytes += 2 * value.length;
      else if (value instanceof Uint8Array) bytes += value.length;
    }
  } else if (command.kind === 'transaction') {
    for (const rows of command.writes.values())
      for (const { key, row } of rows) bytes += key.length + (row?.length ?? 0);
  }
  return bytes;
}
