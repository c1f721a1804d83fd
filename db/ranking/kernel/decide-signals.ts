/**
 * A batch of signals: keys to numbers, bounds, lateness, duplicates. Where persons are among them, it is taken person by person,
 * because each one's are an entry of their own: what is decided is decided in the order that views will see. The one path of this layer that is walked a hundred
 * thousand times a second, so nothing is made for a signal here that is accepted: one scratch record is filled again and
 * again, and a refusal costs what it says.
 */
import type { ErrorCode } from '../../errors.ts';
import { KERNEL_ENTRY } from '../../kernel/entry-types.ts';
import {
  type EntityNumber,
  type Micros,
  NO_ENTITY,
  NO_TUPLE,
  type SignalId,
  type TupleNumber,
} from '../ground.ts';
import { closestName, kindById, named, userKind } from '../schema/index.ts';
import type { EntityKind, RankingSchema, SignalType } from '../schema/model.ts';
import { BatchResult, checkBatch } from './batch.ts';
import { timeProblem } from './clock-rules.ts';
import type { RankingEntry, RankingInput, SignalDraft, SignalsCommand } from './command.ts';
import { hashSignal } from './content-hash.ts';
import { EntityWriter } from './entity-writer.ts';
import { HashWindow } from './hash-window.ts';
import { keyProblem, shownKey } from './keys.ts';
import { SIGNAL_BYTES, SIGNALS_HEAD_BYTES, SignalsEncoder } from './signal-records.ts';
import { SignalSubjects } from './signal-subjects.ts';
import type { RankingState } from './state.ts';

/** A signal type with what every signal of it needs to know. */
interface Prepared {
  readonly type: SignalType;
  readonly kind: EntityKind;
  readonly what: string;
}

export interface DecidedSignals {
  readonly entries: readonly RankingEntry[];
  readonly result: BatchResult;
}

/** Errors: INVALID_ARGUMENT, TOO_LARGE, for the batch as a whole. */
export function decideSignals(
  state: RankingState,
  command: SignalsCommand,
  input: RankingInput,
): DecidedSignals {
  const { signals } = command;
  checkBatch('signals', signals.length);
  const persons = SignalSubjects.of(state.schema.schema, signals);
  const batch = new SignalBatch(state, input, {
    signals: signals.length,
    groups: persons?.subjects.length ?? 1,
  });
  if (persons === null)
    for (let index = 0; index < signals.length; index++) batch.decide(index, signals[index]!);
  else
    for (let group = 0; group < persons.subjects.length; group++) {
      batch.begin(persons.subjects[group]!);
      for (const index of persons.placesOf(group)) batch.decide(index, signals[index]!);
    }
  return { entries: batch.entries(), result: batch.result };
}

class SignalBatch {
  readonly result: BatchResult;
  readonly #state: RankingState;
  readonly #schema: RankingSchema;
  readonly #now: Micros;
  readonly #users: EntityKind | null;
  readonly #entities: EntityWriter;
  readonly #encoder: SignalsEncoder;
  readonly #recordsMax: number;
  readonly #entries: RankingEntry[] = [];
  /** Full ones of the person that is decided about. */
  readonly #payloads: Uint8Array[] = [];
  #subject: string | null = null;
  /** Entity entries that have their place. */
  #placed = 0;
  readonly #prepared = new Map<string, Prepared | null>();
  /** Hashes of this very batch; null for a batch of one, which cannot repeat itself. */
  readonly #own: HashWindow | null;
  #newest: number;
  #lastName = '';
  #last: Prepared | null = null;
  #index = 0;
  readonly #scratch = {
    signal: 0 as SignalId,
    target: NO_ENTITY,
    user: NO_ENTITY,
    creator: NO_ENTITY,
    tuple: NO_TUPLE as TupleNumber,
    at: 0 as Micros,
    weight: 0,
    late: false,
    hashHigh: 0,
    hashLow: 0,
    checkHigh: 0,
    checkLow: 0,
  };

  constructor(
    state: RankingState,
    { now, limits }: RankingInput,
    { signals, groups }: { readonly signals: number; readonly groups: number },
  ) {
    this.result = new BatchResult(signals);
    this.#state = state;
    this.#schema = state.schema.schema;
    this.#now = now;
    this.#newest = state.newestSignal;
    this.#users = userKind(this.#schema);
    this.#entities = new EntityWriter(state, now, limits.entryBytesMax);
    this.#recordsMax = Math.max(1, Math.floor((limits.entryBytesMax - SIGNALS_HEAD_BYTES) / SIGNAL_BYTES));
    this.#encoder = new SignalsEncoder(Math.min(signals, this.#recordsMax), groups);
    this.#own = signals > 1 ? new HashWindow(0) : null;
  }

  decide(index: number, draft: SignalDraft): void {
    this.#index = index;
    const prepared =
      draft.signal === this.#lastName && this.#last !== null ? this.#last : this.#prepare(draft.signal);
    if (prepared === null) return;
    const { type } = prepared;
    const scratch = this.#scratch;
    const weight = draft.weight ?? type.weight.default;
    if (!this.#isWeight(prepared, weight)) return;
    const at = draft.at ?? this.#now;
    if (draft.at !== null && !this.#isTimely(prepared, draft.at)) return;
    if (draft.id !== null && !this.#isKey('id of a signal', draft.id)) return;
    const target = this.#target(prepared, draft.target);
    if (target === NO_ENTITY) return;
    if (draft.user !== null && !this.#findUser(draft.user)) return;
    scratch.signal = type.id;
    scratch.target = target;
    scratch.at = at;
    // No -0, which would be another number to the hash.
    scratch.weight = weight + 0;
    scratch.late = this.#newest - at > type.lateMicros;
    scratch.creator = prepared.kind.creator === null ? NO_ENTITY : this.#creatorOf(prepared, target);
    if (draft.user === null) this.#setNobody();
    else this.#setUser(draft.user);
    if (this.#isDuplicate(draft)) this.result.duplicate(index);
    else this.#add();
  }

  /** What follows is sealed for this person, or for nobody. */
  begin(subject: string | null): void {
    this.#end();
    this.#subject = subject;
  }

  /** Of each person, one after the other: entities that came to be first, then the signals. */
  entries(): readonly RankingEntry[] {
    this.#end();
    return [...this.#entities.numbers, ...this.#entries];
  }

  #end(): void {
    if (this.#encoder.count > 0) this.#payloads.push(this.#encoder.finish());
    for (; this.#placed < this.#entities.entries.length; this.#placed++)
      this.#entries.push(this.#entities.entries[this.#placed]!);
    for (const payload of this.#payloads.splice(0))
      this.#entries.push({ type: KERNEL_ENTRY.rankingSignals, payload, subject: this.#subject });
  }

  #add(): void {
    this.#newest = Math.max(this.#newest, this.#scratch.at);
    this.#encoder.add(this.#scratch);
    if (this.#encoder.count === this.#recordsMax) this.#payloads.push(this.#encoder.finish());
  }

  #prepare(name: string): Prepared | null {
    let prepared = this.#prepared.get(name);
    if (prepared === undefined) {
      const type = named(this.#schema.signals, name);
      const kind = type === null ? null : kindById(this.#schema, type.target);
      prepared = type === null || kind === null ? null : { type, kind, what: `signal ${name}` };
      this.#prepared.set(name, prepared);
    }
    if (prepared === null) {
      const suggestion = closestName(
        String(name),
        this.#schema.signals.map((each) => each.name),
      );
      const wayOut = suggestion === null ? 'define it first' : `did you mean "${suggestion}"?`;
      this.#refuse('NOT_FOUND', `there is no signal ${shownKey(String(name))}: ${wayOut}`);
      return null;
    }
    this.#lastName = name;
    this.#last = prepared;
    return prepared;
  }

  #target({ kind }: Prepared, key: string): EntityNumber {
    const number = typeof key === 'string' ? this.#entities.find(kind, key) : NO_ENTITY;
    if (number !== NO_ENTITY) return number;
    if (!this.#isKey(`key of ${kind.name}`, key)) return NO_ENTITY;
    this.#refuse('NOT_FOUND', `there is no ${kind.name} ${shownKey(key)}: write it before signals about it`);
    return NO_ENTITY;
  }

  #creatorOf({ kind }: Prepared, target: EntityNumber): EntityNumber {
    return this.#entities.state.creatorOf(kind.id, target);
  }

  /** Leaves the number in the scratch record, none for somebody new; false when the key is none. */
  #findUser(key: string): boolean {
    const scratch = this.#scratch;
    scratch.user = NO_ENTITY;
    if (this.#users === null) {
      this.#refuse('NOT_FOUND', 'there is no entity user: define it before signals name users');
      return false;
    }
    if (typeof key === 'string') scratch.user = this.#entities.find(this.#users, key);
    // A key that is found has been checked when it was written.
    return scratch.user !== NO_ENTITY || this.#isKey('key of user', key);
  }

  #setNobody(): void {
    this.#scratch.user = NO_ENTITY;
    this.#scratch.tuple = NO_TUPLE;
  }

  /** Behind `findUser`. */
  #setUser(key: string): void {
    const users = this.#users!;
    const scratch = this.#scratch;
    if (scratch.user === NO_ENTITY) scratch.user = this.#entities.ensure(users, key);
    scratch.tuple = this.#entities.tupleOf(users, scratch.user, key);
  }

  /** Without a time and an id of its own a signal is told apart from every other. */
  #isDuplicate({ at, id }: SignalDraft): boolean {
    const scratch = this.#scratch;
    if (at === null && id === null) {
      scratch.hashHigh = 0;
      scratch.hashLow = 0;
      scratch.checkHigh = 0;
      scratch.checkLow = 0;
      return false;
    }
    hashSignal(scratch, at, id, scratch);
    if (this.#own?.has(scratch, -1) === true || this.#state.seen(scratch, this.#now)) return true;
    this.#own?.add(scratch, 0);
    return false;
  }

  #isTimely({ what }: Prepared, at: number): boolean {
    const problem = timeProblem(what, at, this.#now, 0);
    if (problem !== null) this.#refuse('INVALID_ARGUMENT', problem);
    return problem === null;
  }

  #isKey(what: string, key: string): boolean {
    const problem = keyProblem(what, key);
    if (problem !== null) this.#refuse('INVALID_ARGUMENT', problem);
    return problem === null;
  }

  #isWeight({ type, what }: Prepared, weight: number): boolean {
    const { min, max } = type.weight;
    // Not `weight < min`: NaN has to fail, and what only looks like a number.
    const fits = typeof weight === 'number' && weight >= min && weight <= max;
    if (!fits)
      this.#refuse(
        'INVALID_ARGUMENT',
        `${what} has the weight ${weight}: give a number from ${min} to ${max}`,
      );
    return fits;
  }

  #refuse(code: ErrorCode, message: string): void {
    this.result.refuse(this.#index, code, message);
  }
}
