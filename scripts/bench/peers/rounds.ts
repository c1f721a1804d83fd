/**
 * Rounds: all contenders of a shape are opened, each runs once uncounted, then they run in turns. Every round begins with
 * another one, so that none always follows the same neighbour. What they leave to the disk is written before the next runs.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Contender, Entrant, Peer, Shape } from './peer.ts';
import { runProgram, stopLeftovers } from './processes.ts';

/** Events per second of one contender, a number a round. */
export interface Measured {
  readonly name: string;
  readonly durable: boolean;
  readonly rates: readonly number[];
}

/** Why a contender has no rates. */
export interface Missed {
  readonly name: string;
  readonly reason: string;
}

export interface ShapeResult {
  readonly shape: Shape;
  readonly measured: readonly Measured[];
  readonly missed: readonly Missed[];
}

export interface Plan {
  readonly rounds: number;
  readonly seconds: number;
  readonly directory: string;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

/** Programs that compile themselves while they run need a while. */
const WARM_SECONDS_TIMES = 2;
const PAUSE_MILLIS = 150;

interface Runner extends Contender {
  readonly durable: boolean;
  readonly rates: number[];
}

/** Measures one shape; a contender that cannot start or fails on the way is among the missed. */
export async function runShape(peers: readonly Peer[], shape: Shape, plan: Plan): Promise<ShapeResult> {
  const missed: Missed[] = [];
  const runners: Runner[] = [];
  let opened = 0;
  const working = join(plan.directory, 'work');
  mkdirSync(working, { mode: 0o755 });
  try {
    for (const peer of peers) {
      const reason = peer.absent();
      if (reason !== null) missed.push({ name: peer.name, reason });
      const entrants = reason === null ? peer.entrants(shape) : [];
      for (const entrant of entrants) {
        plan.signal.throwIfAborted();
        await attempt(entrant.name, missed, plan, async () => {
          runners.push(await open(peer, entrant, join(working, String(opened++))));
        });
      }
    }
    let inRace: readonly Runner[] = runners;
    for (let round = -1; round < plan.rounds; round++) inRace = await runRound(inRace, round, missed, plan);
    return { shape, measured: inRace.map(({ name, durable, rates }) => ({ name, durable, rates })), missed };
  } finally {
    for (const runner of runners.reverse()) await runner.close().catch(() => {});
    await stopLeftovers();
    rmSync(working, { recursive: true, force: true });
  }
}

async function open(peer: Peer, entrant: Entrant, directory: string): Promise<Runner> {
  const { run, close } = await entrant.open(directory);
  return { name: entrant.name, run, close, durable: peer.durable, rates: [] };
}

/** One turn of each; round -1 is not counted. Returns those still in the race. */
async function runRound(
  runners: readonly Runner[],
  round: number,
  missed: Missed[],
  plan: Plan,
): Promise<readonly Runner[]> {
  const still = new Set(runners);
  for (const runner of rotated(runners, round + 1)) {
    plan.signal.throwIfAborted();
    const ran = await attempt(runner.name, missed, plan, async () => {
      const rate = await runner.run(round < 0 ? plan.seconds * WARM_SECONDS_TIMES : plan.seconds);
      if (round >= 0) runner.rates.push(rate);
    });
    if (!ran) still.delete(runner);
    await runProgram('sync', []);
    await sleep(PAUSE_MILLIS);
  }
  return runners.filter((runner) => still.has(runner));
}

async function attempt(
  name: string,
  missed: Missed[],
  plan: Plan,
  act: () => Promise<void>,
): Promise<boolean> {
  try {
    await act();
    return true;
  } catch (error) {
    plan.signal.throwIfAborted();
    const reason = (error as Error).message;
    plan.progress(`${name} drops out: ${reason}`);
    missed.push({ name, reason });
    return false;
  }
}

/** The same list begun at another place. */
export function rotated<Item>(items: readonly Item[], by: number): Item[] {
  const at = items.length === 0 ? 0 : by % items.length;
  return [...items.slice(at), ...items.slice(0, at)];
}
