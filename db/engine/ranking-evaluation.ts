/**
 * EVALUATE: replays a log forward once into views of its own and, before each chosen thing that a user went for, asks profiles what
 * they would have shown. It reads the log as files, beside a running server or without one, and writes nothing.
 *
 * Signals of one entry are applied together as a rule. Here an entry is parted where something within it is asked about, so views
 * stand just before that signal. Their digests and checkpoints are nobody's, so it does not matter that no log has such entries.
 */
import { KERNEL_ENTRY } from '../kernel/entry-types.ts';
import {
  Baselines,
  DayTally,
  type EvaluationReport,
  type Protocol,
  Survey,
  type SurveyedMoments,
  Tally,
} from '../ranking/evaluate/index.ts';
import { reportOf } from '../ranking/evaluate/report.ts';
import { AskedSignals } from '../ranking/evaluate/survey.ts';
import type { Micros } from '../ranking/ground.ts';
import { SignalRecords, SignalsEncoder } from '../ranking/kernel/index.ts';
import { type Evaluation, evaluationOf } from '../ranking/retrieve/bind/index.ts';
import type { DefineStatement, EvaluateStatement, ProfileName } from '../ranking/retrieve/language/index.ts';
import { SchemaHistory, userKind } from '../ranking/schema/index.ts';
import type { LogCommit, LogEntry } from '../wal/log.ts';
import { ListVariety } from './list-variety.ts';
import { LogPass, type PassOptions } from './log-pass.ts';
import { definedBeside, ProfileAsker } from './profile-asker.ts';
import { ReplayedRankingViews, type TenantRanking, tenantRanking } from './ranking-views.ts';
import { type ShownCandidate, shownCandidates } from './shown-candidates.ts';

export interface EvaluationOptions extends PassOptions {
  readonly logId: Uint8Array;
  readonly statement: EvaluateStatement;
  /** Name of the kind that is recommended. */
  readonly kind: string;
  readonly protocol: Protocol;
  /** Signals that a user must have had before a moment. */
  readonly history: number;
  readonly baselines: boolean;
  /** Profiles and cohorts that the log does not have. */
  readonly definitions: readonly DefineStatement[];
  readonly progress: (line: string) => void;
  /** Takes what the first profile showed for each user; null: nobody wants it. */
  readonly shown: ((candidates: readonly ShownCandidate[]) => Promise<void>) | null;
}

/** Errors: those of the statement, of `LogPass` and of asking. */
export async function evaluateProfiles(options: EvaluationOptions): Promise<EvaluationReport> {
  const began = options.millis();
  const evaluation = evaluationOf(options.statement, []);
  const { history, moments } = await surveyed(options, evaluation);
  const replay = new EvaluationReplay(
    options,
    evaluation,
    definedBeside(history, options.definitions),
    moments,
  );
  await replay.run();
  return replay.report((options.millis() - began) / 1000);
}

interface Surveyed {
  readonly history: SchemaHistory;
  readonly moments: SurveyedMoments;
}

async function surveyed(options: EvaluationOptions, evaluation: Evaluation): Promise<Surveyed> {
  const { kind, history: earlier, protocol, until, progress } = options;
  const { from, to, sample } = evaluation;
  const moments = protocol === 'last' ? 'last' : 'all';
  const survey = new Survey({ kind, from, to, history: earlier, moments, sample });
  const history = new SchemaHistory();
  const pass = new LogPass(options, (position) =>
    progress(`looking for moments: ${shareOf(position, until)}`),
  );
  for await (const { entries } of pass.commits()) {
    for (const { type, payload, sequence } of entries) {
      if (type === KERNEL_ENTRY.rankingSignals) survey.signals(payload, sequence);
      else if (type === KERNEL_ENTRY.rankingSchema) {
        survey.schema(payload);
        history.apply(payload);
      }
    }
  }
  return { history, moments: survey.moments() };
}

class EvaluationReplay {
  readonly #options: EvaluationOptions;
  readonly #evaluation: Evaluation;
  readonly #moments: SurveyedMoments;
  readonly #profiles: readonly ProfileName[];
  readonly #asker: ProfileAsker;
  readonly #views: ReplayedRankingViews;
  readonly #baselines: Baselines | null;
  readonly #tally: Tally;
  readonly #days: DayTally | null;
  readonly #pass: LogPass;
  readonly #warnings = new Set<string>();
  #variety: ListVariety | null = null;
  /** Of the last moment, until somebody has taken them. */
  #shown: readonly ShownCandidate[] = [];
  #asked = new AskedSignals(new SchemaHistory().current, '');
  /** Entries of the commit that the views do not have yet. */
  #pending: LogEntry[] = [];
  /** The how-manieth signal of the tenant comes next, and the how-manieth moment. */
  #ordinal = 0;
  #next = 0;
  #repeated = 0;

  constructor(
    options: EvaluationOptions,
    evaluation: Evaluation,
    history: SchemaHistory,
    moments: SurveyedMoments,
  ) {
    const { profile, against } = evaluation;
    this.#options = options;
    this.#evaluation = evaluation;
    this.#moments = moments;
    this.#profiles = against === null ? [profile] : [profile, against];
    this.#asker = new ProfileAsker(options.kind, history, options.millis);
    this.#views = new ReplayedRankingViews(options.logId);
    this.#baselines = options.baselines
      ? new Baselines(options.protocol === 'next-day' ? 'nobody' : 'users')
      : null;
    const rankers = [...this.#profiles.map(textOf), ...(this.#baselines?.names ?? [])];
    this.#tally = new Tally(rankers);
    this.#days = options.protocol === 'next-day' ? new DayTally(rankers) : null;
    this.#pass = new LogPass(options, (position) => options.progress(this.#progress(position)));
  }

  async run(): Promise<void> {
    for await (const commit of this.#pass.commits()) {
      await this.#commit(commit);
      if (this.#days === null && this.#next === this.#moments.ordinals.length) break;
    }
    if (!this.#pass.interrupted) this.#days?.finish();
  }

  report(seconds: number): EvaluationReport {
    const { kind, protocol, history } = this.#options;
    const { from, to } = this.#evaluation;
    const entities = tenantRanking(this.#views, this.#options.tenant)?.entities;
    const items = this.#asked.kind === null ? 0 : (entities?.active(this.#asked.kind).size ?? 0);
    const report = reportOf(this.#tally, items, {
      ...{ kind, from, to, protocol, history, seconds },
      position: this.#pass.position,
      complete: !this.#pass.interrupted,
      offered: this.#moments.offered,
      chosen: this.#moments.ordinals.length,
      repeated: this.#repeated,
      warnings: this.#notes(),
    });
    const days = this.#days;
    if (days === null) return report;
    const ndcg20 = Object.fromEntries(days.means().map((mean, at) => [days.rankers[at]!, mean]));
    return { ...report, days: { days: days.days, ndcg20 } };
  }

  async #commit(commit: LogCommit): Promise<void> {
    for (const entry of commit.entries) {
      if (entry.type === KERNEL_ENTRY.rankingSignals) await this.#signals(entry, commit);
      else this.#pending.push(entry);
      if (entry.type === KERNEL_ENTRY.rankingSchema) this.#schemaChanged(commit);
      if (this.#pass.interrupted) return;
    }
    this.#flush(commit);
  }

  async #signals(entry: LogEntry, commit: LogCommit): Promise<void> {
    const records = SignalRecords.of(entry.payload);
    let applied = 0;
    for (let index = 0; index < records.count; index++) {
      records.moveTo(index);
      if (this.#isAsked(records)) {
        if (index > applied) this.#pending.push(partOf(entry, records, applied, index));
        this.#flush(commit);
        applied = index;
        records.moveTo(index);
        this.#ask(records, entry.sequence);
        if (this.#shown.length > 0) await this.#options.shown?.(this.#shown);
        await this.#pass.turn();
        if (this.#pass.interrupted) return;
      }
      this.#ordinal += 1;
      this.#happened(records);
    }
    this.#pending.push(applied === 0 ? entry : partOf(entry, records, applied, records.count));
  }

  #isAsked({ signal, at }: SignalRecords): boolean {
    if (this.#days !== null) return this.#asked.isPositive(signal) && this.#days.isDue(at);
    return this.#moments.ordinals[this.#next] === this.#ordinal;
  }

  #ask(records: SignalRecords, position: number): void {
    const ranking = tenantRanking(this.#views, this.#options.tenant);
    if (ranking === null) return;
    if (this.#days === null) {
      this.#next += 1;
      this.#shown = [];
      this.#askForUser(records, ranking, position);
      return;
    }
    const { at } = records;
    const { from, to } = this.#evaluation;
    const start = this.#days.startOf(at);
    this.#days.begin(at, start >= from && start < to ? this.#lists(0, null, ranking, start) : null);
  }

  #askForUser({ user, target, at }: SignalRecords, ranking: TenantRanking, position: number): void {
    const { entities } = ranking;
    const users = userKind(entities.schema);
    const readers = this.#asked.kind === null ? null : ranking.readers(this.#asked.kind);
    if (users === null || readers === null) return;
    if (readers.audience.has(user, 'seen', target)) {
      this.#repeated += 1;
      return;
    }
    this.#variety ??= new ListVariety(entities, this.#asker.cohorts, this.#options.kind);
    const variety = this.#variety;
    const [key, now] = [entities.keyOf(users.id, user), (at - 1) as Micros];
    const lists = this.#lists(user, key, ranking, now);
    if (this.#options.shown !== null) {
      const [profile] = this.#profiles as readonly [ProfileName];
      const hits = this.#asker.explained(profile, key, ranking, now);
      this.#shown = shownCandidates(hits, { position, at, user: key, target, profile: textOf(profile) });
    }
    this.#tally.moment(
      user,
      target,
      variety.cohortsOf(entities.tupleOf(users.id, user)),
      lists.map((items) => ({ items, variety: variety.of(items) })),
    );
  }

  #lists(
    user: number,
    key: string | null,
    ranking: TenantRanking,
    now: Micros,
  ): readonly (readonly number[])[] {
    return [
      ...this.#profiles.map((profile) => this.#asker.ask(profile, key, ranking, now)),
      ...(this.#baselines?.lists(user, now) ?? []),
    ];
  }

  #happened({ signal, user, target, at }: SignalRecords): void {
    if (!this.#asked.isAbout(signal)) return;
    if (user !== 0) this.#baselines?.saw(user, target);
    if (!this.#asked.isPositive(signal)) return;
    this.#baselines?.went(user, target, at);
    this.#days?.went(target, at);
  }

  /** Without a moment the replay ends before it has seen what else there would be to say. */
  #notes(): readonly string[] {
    const { protocol, history } = this.#options;
    if (protocol === 'next-day' || this.#moments.ordinals.length > 0) return [...this.#warnings];
    return [
      `nothing was asked: within these times no user with ${history} signals before (--history) went for anything by a positive signal`,
    ];
  }

  #schemaChanged(commit: LogCommit): void {
    this.#flush(commit);
    const schema = tenantRanking(this.#views, this.#options.tenant)?.entities.schema;
    if (schema === undefined) return;
    this.#asked = new AskedSignals(schema, this.#options.kind);
    this.#variety = null;
    const marks = schema.signals.some(({ effects }) =>
      effects.some((effect) => effect.effect === 'state' && effect.state === 'seen' && effect.set),
    );
    const warning = `no signal sets the state seen, so lists may hold what the user knows already`;
    if (marks) this.#warnings.delete(warning);
    else this.#warnings.add(warning);
  }

  #flush(commit: LogCommit): void {
    if (this.#pending.length > 0) this.#views.apply({ ...commit, entries: this.#pending });
    this.#pending = [];
  }

  #progress(position: number): string {
    const moments =
      this.#days === null
        ? `${this.#next} of ${this.#moments.ordinals.length} moments`
        : `${this.#days.days} days`;
    return `replaying: ${shareOf(position, this.#options.until)}, ${moments}`;
  }
}

/** Records from `from` to before `to` as an entry of their own, in the place of the whole. */
function partOf(entry: LogEntry, records: SignalRecords, from: number, to: number): LogEntry {
  const encoder = new SignalsEncoder(to - from);
  for (let index = from; index < to; index++) {
    records.moveTo(index);
    encoder.add(records);
  }
  return { ...entry, payload: encoder.finish() };
}

function textOf({ name, version }: ProfileName): string {
  return version === null ? name : `${name}:${version}`;
}

function shareOf(position: number, until: number): string {
  return `${Math.floor((100 * position) / Math.max(1, until))} %`;
}
