/**
 * RANK, SIGNALS and RANKED: statements and commands of the ranking layer as JSON, batches of signals as bytes, and what they are
 * answered. Spoken from version 4 on.
 */
import { TruthError } from '../errors.ts';
import type { Micros } from '../ranking/ground.ts';
import type { SignalDraft } from '../ranking/kernel/command.ts';
import type { QueryResult } from '../ranking/retrieve/query.ts';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import { KIND } from './constants.ts';
import { SIGNALS_MAX } from './ranking-constants.ts';

/** What a write is answered. */
export interface RankedWrite {
  readonly answer: 'written';
  readonly accepted: number;
  /** Were there already. */
  readonly duplicates: number;
  readonly unchanged: number;
  readonly refused: number;
  /** The first of those that were refused, by their place in the batch. */
  readonly refusals: readonly { readonly index: number; readonly code: string; readonly message: string }[];
  readonly position: number;
}

export interface RankedSchema {
  readonly answer: 'schema';
  readonly version: number;
  /** What has to be computed again, and what is lost. */
  readonly impact: Readonly<Record<string, unknown>>;
  /** What has to be said for it: `safe`, `rebuild` or `cascade`. */
  readonly needs: string;
  readonly position: number;
}

export interface RankedHits extends QueryResult {
  readonly answer: 'hits';
}

export interface RankedSuggestions {
  readonly answer: 'suggestions';
  readonly suggestions: readonly { readonly text: string; readonly weight: number; readonly typos: number }[];
  readonly position: number;
}

export interface RankedTable {
  readonly answer: 'table';
  /** What a person should know beside the table. */
  readonly notes?: readonly string[];
  /** Of EVALUATE and SHOW EXPERIMENTS: all of the figures, as `truthdb evaluate --json` prints them. */
  readonly report?: unknown;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number | boolean | null)[])[];
  readonly position: number;
}

export type Ranked = RankedWrite | RankedSchema | RankedHits | RankedSuggestions | RankedTable;

export interface SignalBatch {
  readonly signals: readonly SignalDraft[];
  readonly failure: 'each' | 'all';
}

const FAILURES = ['each', 'all'] as const;

/** Errors: INVALID_ARGUMENT; nothing of the frame is left in `out` then. */
export function encodeSignals(out: ByteWriter, request: number, { signals, failure }: SignalBatch): void {
  if (signals.length < 1 || signals.length > SIGNALS_MAX) {
    throw new TruthError(
      'INVALID_ARGUMENT',
      `a batch has 1 to ${SIGNALS_MAX} signals, not ${signals.length}`,
    );
  }
  const start = out.begin(KIND.SIGNALS, request);
  try {
    out.u8(FAILURES.indexOf(failure));
    out.u8(0);
    out.u16(0);
    out.u32(signals.length);
    for (const each of signals) encodeSignal(out, each);
  } catch (error) {
    out.rewind(start);
    throw error;
  }
  out.end(start);
}

function encodeSignal(out: ByteWriter, { signal, target, user, weight, at, id }: SignalDraft): void {
  if (weight !== null && !Number.isFinite(weight))
    throw new TruthError(
      'INVALID_ARGUMENT',
      `the weight ${weight} is no finite number; leave it out, or give one`,
    );
  if (at !== null && !(Number.isSafeInteger(at) && at >= 0))
    throw new TruthError('INVALID_ARGUMENT', `the time ${at} is no whole number of microseconds since 1970`);
  out.f64(weight ?? Number.NaN);
  if (at === null) out.u64Max();
  else out.u64(at);
  const sizes = out.length;
  for (let each = 0; each < 4; each++) out.u16(0);
  let place = sizes;
  for (const text of [signal, target, user ?? '', id ?? '']) {
    const bytes = out.text(text);
    if (bytes > 0xffff)
      throw new TruthError('TOO_LARGE', `a key of ${bytes} bytes is too long; 256 are possible`);
    out.patchU16(place, bytes);
    place += 2;
  }
}

/** Errors: PROTOCOL. Names and keys are judged where the batch is decided. */
export function decodeSignals(body: ByteReader): SignalBatch {
  const failure = FAILURES[body.u8('failure')];
  if (failure === undefined) throw new TruthError('PROTOCOL', 'failure of SIGNALS is neither 0 nor 1');
  body.zero(3, 'reserved');
  const count = body.u32('count');
  if (count < 1 || count > SIGNALS_MAX)
    throw new TruthError('PROTOCOL', `SIGNALS carries ${count} signals; 1 to ${SIGNALS_MAX} are possible`);
  const signals: SignalDraft[] = [];
  for (let index = 0; index < count; index++) signals.push(decodeSignal(body));
  body.done('SIGNALS');
  return { signals, failure };
}

function decodeSignal(body: ByteReader): SignalDraft {
  const weight = body.f64('weight');
  const at = body.u64OrMax('at');
  const signalBytes = body.u16('signalBytes');
  const targetBytes = body.u16('targetBytes');
  const userBytes = body.u16('userBytes');
  const idBytes = body.u16('idBytes');
  const signal = body.text(signalBytes, 'signal');
  const target = body.text(targetBytes, 'target');
  const user = userBytes === 0 ? null : body.text(userBytes, 'user');
  const id = idBytes === 0 ? null : body.text(idBytes, 'id');
  return { signal, target, user, id, weight: Number.isNaN(weight) ? null : weight, at: at as Micros | null };
}
