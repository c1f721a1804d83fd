/**
 * A thread of its own that keeps a log's proofs: takes in what has become stable no faster than it may, signs when it is time,
 * answers in between. All it does on the disk is synchronous, and nobody waits for it but who asked.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { TruthError } from '../errors.ts';
import { RealDisk, realClock } from '../io/index.ts';
import type { Sequence } from '../types.ts';
import { Pace } from '../wal/pace.ts';
import type { ProofAnswer, ProofQuestion, ProofStart } from './proof-keeper.ts';
import { ProofService } from './proof-service.ts';

/** Between looks at the time, and between attempts after something failed. */
const LOOK_MILLIS = 1000;
const RETRY_MILLIS = 60_000;
/** What was computed is made durable at least so often. */
const SAVE_MILLIS = 10_000;
/** At the end it is taken in and signed what can be in this time. */
const STOP_MILLIS = 2000;

const { directory, logId, policy, bytesPerSecond } = workerData as ProofStart;
const pace = new Pace(bytesPerSecond);
const service = new ProofService({
  disk: new RealDisk(),
  directory,
  logId,
  nowNanos: () => realClock.nowNanos(),
  report: (line) => send({ kind: 'report', line }),
});

let stable = 0 as Sequence;
let working: Promise<void> | null = null;
let failedAt = Number.NEGATIVE_INFINITY;
let failure: string | null = null;
/** Why the last attempt to sign came to nothing, and when that was. The trees grow on. */
let unsigned: string | null = null;
let unsignedAt = Number.NEGATIVE_INFINITY;
let signedAt = performance.now();
let savedAt = performance.now();
let saved = service.store.sequence;

function send(answer: ProofAnswer): void {
  parentPort?.postMessage(answer);
}

function tell(): void {
  const status = service.status();
  send({ kind: 'status', status: { ...status, problem: status.problem ?? failure ?? unsigned } });
}

/** Takes in what is stable, in steps between which questions are answered. One at a time. */
function work(): Promise<void> {
  working ??= takeIn().finally(() => {
    working = null;
  });
  return working;
}

async function takeIn(): Promise<void> {
  if (performance.now() - failedAt < RETRY_MILLIS) return;
  try {
    for (let bytes = service.step(stable); bytes > 0; bytes = service.step(stable)) {
      signIfDue();
      if (performance.now() - savedAt > SAVE_MILLIS) save();
      tell();
      await sleep(Number(pace.delayAfter(bytes, realClock.monotonicNanos())) / 1e6);
    }
    signIfDue();
    failure = null;
  } catch (error) {
    fail(error);
  }
  tell();
}

function fail(error: unknown): void {
  failedAt = performance.now();
  const reason = error instanceof Error ? error.message : String(error);
  if (reason !== failure) send({ kind: 'report', line: `proofs are not being kept: ${reason}` });
  failure = reason;
}

function signIfDue(): void {
  const { checkpointCommits, checkpointSeconds } = policy;
  const commits = service.unsignedCommits;
  if (commits === 0 || service.status().problem !== null) return;
  const enough = checkpointCommits > 0 && commits >= checkpointCommits;
  const waited = checkpointSeconds > 0 && performance.now() - signedAt >= checkpointSeconds * 1000;
  if (!(enough || waited) || performance.now() - unsignedAt < RETRY_MILLIS) return;
  try {
    sign();
  } catch (error) {
    // Somebody changes the keys just now: the next look signs. Without a key the trees still grow.
    if (!(error instanceof TruthError) || (error.code !== 'LOCKED' && error.code !== 'NOT_FOUND'))
      throw error;
    if (error.code === 'NOT_FOUND') noteUnsigned(error.message);
  }
}

function noteUnsigned(reason: string): void {
  unsignedAt = performance.now();
  if (reason !== unsigned) send({ kind: 'report', line: `nothing is signed: ${reason}` });
  unsigned = reason;
}

function sign(): Uint8Array {
  const record = service.checkpoint();
  signedAt = performance.now();
  unsigned = null;
  unsignedAt = Number.NEGATIVE_INFINITY;
  noteSaved();
  return record;
}

function save(): void {
  service.save();
  noteSaved();
}

function noteSaved(): void {
  savedAt = performance.now();
  saved = service.store.sequence;
}

/** Signing at the end is for whoever signs in the background anyway. */
async function stop(): Promise<void> {
  const deadline = performance.now() + STOP_MILLIS;
  try {
    while (performance.now() < deadline && service.step(stable) > 0);
    const signs = policy.checkpointCommits > 0 || policy.checkpointSeconds > 0;
    if (signs && service.status().problem === null && service.unsignedCommits > 0) sign();
    else if (service.store.sequence > saved) save();
  } catch (error) {
    fail(error);
  }
  service.close();
  send({ kind: 'stopped' });
}

async function ask({
  id,
  command,
  stable: reached,
}: ProofQuestion & { readonly kind: 'ask' }): Promise<void> {
  try {
    if (command.command === 'checkpoint-create' || command.command === 'settle') {
      stable = Math.max(stable, reached) as Sequence;
      failedAt = Number.NEGATIVE_INFINITY;
      await work();
      while (service.step(stable) > 0) await sleep(0);
      if (command.command === 'settle') save();
      else sign();
      tell();
    }
    const answer = command.command === 'settle' ? {} : await service.answer(command);
    send({ kind: 'answer', id, answer });
  } catch (error) {
    const known = error instanceof TruthError ? error : null;
    const message = error instanceof Error ? error.message : String(error);
    send({ kind: 'refusal', id, code: known?.code ?? 'INTERNAL', message, details: known?.details ?? {} });
  }
}

parentPort?.on('message', (question: ProofQuestion) => {
  if (question.kind === 'ask') {
    void ask(question);
  } else {
    stable = Math.max(stable, question.stable) as Sequence;
    void (question.kind === 'stop' ? stop() : work());
  }
});

setInterval(() => {
  void work();
  if (service.store.sequence > saved && performance.now() - savedAt > SAVE_MILLIS) {
    try {
      save();
    } catch (error) {
      fail(error);
    }
  }
}, LOOK_MILLIS);

try {
  // At once, so that the root key can be pinned before anything is signed with it.
  service.keys.alone(() => service.keys.prepare(realClock.nowNanos()));
} catch (error) {
  fail(error);
}
tell();
