/** Statements, commands and batches of the ranking layer, as frames and HTTP bring them: read, checked for the right, answered. */
import { z } from 'zod';
import type { Engine } from '../engine.ts';
import { TruthError } from '../errors.ts';
import type { Ranked, SignalBatch } from '../protocol/index.ts';
import {
  type EvaluationReport,
  type ExperimentReport,
  evaluationTable,
  experimentsTable,
} from '../ranking/evaluate/index.ts';
import type { Micros } from '../ranking/ground.ts';
import type { RankingCommand } from '../ranking/kernel/index.ts';
import { evaluationOf } from '../ranking/retrieve/bind/index.ts';
import { type Parameters, parse, print, type Statement } from '../ranking/retrieve/language/index.ts';
import type { TenantId } from '../types.ts';
import type { AuditTrail } from './audit-trail.ts';
import { allow, type Right } from './permissions.ts';
import type { Principal } from './session-host.ts';
import type { SideEvaluation } from './side-evaluation.ts';

/** Of those refused in a batch, so many are named. */
const REFUSALS_SHOWN_MAX = 1000;
const BATCH_MAX = 10_000;
/** Of what is wrong with a request: its first problems, in so many characters. */
const PROBLEMS_SHOWN_MAX = 8;
const PROBLEM_CHARACTERS_MAX = 1_000;
const NAME_CHARACTERS_MAX = 60;

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const value = z.union([scalar, z.array(z.string()), z.array(z.number())]);
const time = z.union([z.int().min(0), z.iso.datetime({ offset: true })]).nullable();
const dryRun = z.boolean().default(false).describe('Write nothing, and say what would become of it');

export const statementSchema = z.strictObject({
  statement: z.string().min(1).describe('One statement of the language of docs/retrieve.md'),
  parameters: z
    .union([z.array(value), z.record(z.string(), value)])
    .default([])
    .describe('Values for $1, $2 …, or by name'),
});

export const entitiesSchema = z.strictObject({
  entities: z
    .array(
      z.union([
        z.strictObject({
          kind: z.string(),
          key: z.string(),
          set: z.record(z.string(), value).default({}),
          state: z.string().nullable().default(null),
          at: time.default(null).describe('When it came to be: microseconds since 1970, or a moment'),
        }),
        z.strictObject({ kind: z.string(), key: z.string(), delete: z.literal(true) }),
      ]),
    )
    .min(1)
    .max(BATCH_MAX),
  failure: z.enum(['each', 'all']).default('each'),
  dryRun,
});

export const signalsSchema = z.strictObject({
  signals: z
    .array(
      z.strictObject({
        signal: z.string(),
        target: z.string(),
        user: z.string().nullable().default(null),
        weight: z.number().nullable().default(null),
        at: time.default(null),
        id: z.string().nullable().default(null),
      }),
    )
    .min(1)
    .max(BATCH_MAX),
  failure: z.enum(['each', 'all']).default('each'),
  dryRun,
});

const edgesSchema = z.strictObject({
  relate: z.strictObject({
    relationship: z.string(),
    from: z.string(),
    to: z.string(),
    weight: z.union([z.number(), z.literal('default'), z.null()]).default('default'),
    at: time.default(null),
  }),
  dryRun,
});

const exposureSchema = z.strictObject({
  expose: z.strictObject({
    experiment: z.string(),
    arm: z.string(),
    user: z.string().nullable(),
    kind: z.string(),
    items: z.array(z.string()).max(BATCH_MAX),
  }),
});

/** By the field that only they have. */
const REQUESTS = {
  statement: statementSchema,
  entities: entitiesSchema,
  signals: signalsSchema,
  relate: edgesSchema,
  expose: exposureSchema,
} as const;

export type RankingRequest = z.infer<(typeof REQUESTS)[keyof typeof REQUESTS]>;

/** Where the layer is, and who is told of what is read. */
export interface RankingHost {
  readonly engine: Engine;
  readonly audit: AuditTrail;
  readonly evaluation: SideEvaluation | null;
}

/** Errors: INVALID_ARGUMENT. */
export function rankingRequest(input: object): RankingRequest {
  const [, schema] = Object.entries(REQUESTS).find(([field]) => Object.hasOwn(input, field)) ?? [];
  if (schema === undefined) {
    throw new TruthError(
      'INVALID_ARGUMENT',
      `a request for ranking has one of ${Object.keys(REQUESTS).join(', ')}, this one has ${namesOf(input)}`,
    );
  }
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new TruthError('INVALID_ARGUMENT', `not a request for ranking: ${problemsOf(parsed.error)}`);
}

function namesOf(input: object): string {
  const names = Object.keys(input).slice(0, PROBLEMS_SHOWN_MAX);
  return names.map((name) => name.slice(0, NAME_CHARACTERS_MAX)).join(', ') || 'nothing';
}

/** A batch may be wrong in each of its thousands of places. */
function problemsOf({ issues }: z.ZodError): string {
  const shown = z.prettifyError({ issues: issues.slice(0, PROBLEMS_SHOWN_MAX) });
  const short = shown.length > PROBLEM_CHARACTERS_MAX ? `${shown.slice(0, PROBLEM_CHARACTERS_MAX)}…` : shown;
  const left = issues.length - PROBLEMS_SHOWN_MAX;
  return (left > 0 ? `${short}\nand ${left} more` : short).toWellFormed();
}

/** `waiting` is aborted when nobody waits for the answer any more. Errors: FORBIDDEN, those of the layer. */
export async function rank(
  host: RankingHost,
  principal: Principal,
  request: RankingRequest,
  waiting: () => AbortSignal,
): Promise<Ranked> {
  if ('statement' in request) return runStatement(host, principal, request, waiting);
  return write(host, principal, commandOf(request), 'dryRun' in request && request.dryRun);
}

/** Errors: FORBIDDEN, those of the layer. */
export function recordSignals(host: RankingHost, principal: Principal, batch: SignalBatch): Promise<Ranked> {
  return write(host, principal, { command: 'signals', ...batch }, false);
}

async function write(
  { engine }: RankingHost,
  principal: Principal,
  command: RankingCommand,
  isDry: boolean,
): Promise<Ranked> {
  allow(principal, command.command === 'define' ? 'define' : 'write');
  const { ranking } = engine;
  const written = isDry ? ranking.check(principal.tenant, command) : ranking.write(principal.tenant, command);
  return shown({ answer: 'written', ...(await written) });
}

async function runStatement(
  { engine, audit, evaluation }: RankingHost,
  principal: Principal,
  { statement: text, parameters }: z.infer<typeof statementSchema>,
  waiting: () => AbortSignal,
): Promise<Ranked> {
  const statement = parse(text);
  const right = rightFor(statement);
  allow(principal, right);
  if (evaluation !== null && isEvaluated(statement)) {
    const report = await evaluated(evaluation, principal.tenant, statement, parameters, waiting());
    audit.read(principal, readWhat(statement), null);
    return report;
  }
  const answer = await engine.ranking.run(principal.tenant, statement, parameters);
  if (right === 'read') audit.read(principal, readWhat(statement), null);
  return shown(answer);
}

function rightFor({ statement }: Statement): Right {
  switch (statement) {
    case 'define':
      return 'define';
    case 'signal':
    case 'upsert':
    case 'delete':
    case 'relate':
    case 'unrelate':
      return 'write';
    case 'retrieve':
    case 'search':
    case 'suggest':
    case 'show':
      return 'read';
    // Whoever may change profiles may judge them: it takes much, and shows what all users did.
    case 'evaluate':
      return 'define';
  }
}

type Evaluated = Extract<Statement, { readonly statement: 'evaluate' | 'show' }>;

function isEvaluated(statement: Statement): statement is Evaluated {
  const { statement: what } = statement;
  return what === 'evaluate' || (what === 'show' && statement.what === 'experiments');
}

async function evaluated(
  evaluation: SideEvaluation,
  tenant: TenantId,
  statement: Evaluated,
  parameters: Parameters,
  signal: AbortSignal,
): Promise<Ranked> {
  if (statement.statement === 'show') {
    const reports = (await evaluation.report(tenant, ['--experiments'], signal)) as ExperimentReport[];
    const position = Math.max(0, ...reports.map((each) => each.position));
    return { answer: 'table', ...experimentsTable(reports), position, report: reports };
  }
  const text = print({ statement: 'evaluate', ...evaluationOf(statement, parameters) });
  const report = (await evaluation.report(tenant, [text], signal)) as EvaluationReport;
  return { answer: 'table', ...evaluationTable(report), position: report.position, report };
}

function readWhat(statement: Statement): string {
  return 'kind' in statement ? `ranking of ${statement.kind}` : 'ranking';
}

type Given = Exclude<RankingRequest, z.infer<typeof statementSchema>>;

function commandOf(given: Given): RankingCommand {
  if ('entities' in given) {
    const entities = given.entities.map((each) =>
      'delete' in each
        ? ({ action: 'delete', kind: each.kind, key: each.key } as const)
        : ({ ...each, action: 'put', at: microsOf(each.at) } as const),
    );
    return { command: 'put-entities', entities, failure: given.failure };
  }
  if ('signals' in given) {
    const signals = given.signals.map((each) => ({ ...each, at: microsOf(each.at) }));
    return { command: 'signals', signals, failure: given.failure };
  }
  if ('relate' in given) {
    const { relate } = given;
    return { command: 'relate', ...relate, at: microsOf(relate.at) };
  }
  return { command: 'expose', ...given.expose };
}

function microsOf(at: number | string | null): Micros | null {
  return (typeof at === 'string' ? Date.parse(at) * 1000 : at) as Micros | null;
}

function shown(answer: Awaited<ReturnType<Engine['ranking']['run']>>): Ranked {
  switch (answer.answer) {
    case 'hits':
      return { answer: 'hits', ...answer.result };
    case 'suggestions':
      return answer;
    case 'table':
      return { answer: 'table', ...answer.table, position: answer.position };
    case 'written':
      return shownWrite(answer.reply, answer.position);
  }
}

function shownWrite(
  reply: Extract<Awaited<ReturnType<Engine['ranking']['run']>>, { answer: 'written' }>['reply'],
  position: number,
): Ranked {
  switch (reply.reply) {
    case 'schema':
      return {
        answer: 'schema',
        version: reply.version,
        impact: { ...reply.impact },
        needs: reply.needs,
        position,
      };
    case 'written':
      return {
        answer: 'written',
        accepted: 1,
        duplicates: 0,
        unchanged: 0,
        refused: 0,
        refusals: [],
        position,
      };
    case 'batch': {
      const { accepted, duplicates, unchanged, refusals } = reply;
      return {
        ...{ answer: 'written', accepted, duplicates, unchanged, refused: refusals.length },
        ...{ refusals: refusals.slice(0, REFUSALS_SHOWN_MAX), position },
      };
    }
  }
}
