/** How far a deployment is, as it stands in its workings: never asked about the past of, so without versions. */
import { canonicalJson } from '../sql/catalog/canonical-json.ts';
import type { StoreReader, StoreWriter } from '../sql/store/contract.ts';
import type { Sequence } from '../types.ts';
import type { Deployment } from './definition.ts';
import type { StopKind } from './stopped.ts';

/** The inputs up to a position of the log, and so many of those at the position itself. */
export interface Cursor {
  readonly position: Sequence;
  readonly done: number;
}

export type Progress =
  /** It takes in what was recorded before it was deployed, at `until`; what comes meanwhile waits. */
  | { readonly phase: 'past'; readonly cursor: Cursor; readonly until: Sequence }
  /** It takes in what has waited. */
  | { readonly phase: 'waiting' }
  /** It has everything, and gets each input as it is recorded. */
  | { readonly phase: 'current' }
  | {
      readonly phase: 'failed';
      readonly at: Sequence;
      readonly kind: StopKind | 'past';
      readonly reason: string;
    };

const PROGRESS = Uint8Array.of(0);
const LOG = Uint8Array.of(1);
/** Keys of what waits: position, then place among the inputs of that position, big-endian. */
const WAITING = 2;
const WAITING_RANGE = { from: Uint8Array.of(WAITING), to: Uint8Array.of(WAITING + 1) };
const BEGINNING: Progress = Object.freeze({
  phase: 'past',
  cursor: { position: 0 as Sequence, done: 0 },
  until: 0 as Sequence,
});

export function progressOf(store: StoreReader, { workings }: Deployment): Progress {
  const stored = store.get(workings, PROGRESS);
  return stored === null ? BEGINNING : (JSON.parse(Buffer.from(stored.value).toString()) as Progress);
}

export function noteProgress(
  store: StoreWriter,
  { workings }: Deployment,
  now: Progress,
  at: Sequence,
): void {
  store.replace(workings, PROGRESS, Buffer.from(canonicalJson(now)), at);
}

/** The last lines a reducer wrote, oldest first. */
export function logOf(store: StoreReader, { workings }: Deployment): readonly string[] {
  const stored = store.get(workings, LOG);
  return stored === null ? [] : (JSON.parse(Buffer.from(stored.value).toString()) as string[]);
}

export function noteLog(
  store: StoreWriter,
  { workings }: Deployment,
  lines: readonly string[],
  at: Sequence,
): void {
  store.replace(workings, LOG, Buffer.from(canonicalJson(lines)), at);
}

export function putWaiting(
  store: StoreWriter,
  { workings }: Deployment,
  { position, done }: Cursor,
  input: Uint8Array,
  at: Sequence,
): void {
  const key = Buffer.alloc(13);
  key[0] = WAITING;
  key.writeBigUInt64BE(BigInt(position), 1);
  key.writeUInt32BE(done, 9);
  store.replace(workings, key, input, at);
}

export interface WaitingInput {
  readonly key: Uint8Array;
  readonly input: Uint8Array;
}

export function waitingInputs(store: StoreReader, { workings }: Deployment, limit: number): WaitingInput[] {
  const options = { range: WAITING_RANGE, reverse: false, limit };
  return [...store.scan(workings, options)].map(({ key, value }) => ({ key, input: value }));
}

export function takeWaiting(
  store: StoreWriter,
  { workings }: Deployment,
  { key }: WaitingInput,
  at: Sequence,
): void {
  store.replace(workings, key, null, at);
}
