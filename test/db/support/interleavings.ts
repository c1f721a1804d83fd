/**
 * Walks a protocol of several threads, written as a model of single atomic steps, through every interleaving of them. Steps
 * have no time-outs, so a lost wake-up shows as a state in which nobody can go on.
 */

export interface Protocol<State> {
  readonly start: State;
  /** For each thread the states its next step may lead to; none while it cannot go on. */
  readonly threads: readonly ((state: State) => readonly State[])[];
  /** Whether something has happened that never may. */
  readonly wrong: (state: State) => boolean;
  /** Whether it is right that nobody can go on. */
  readonly ended: (state: State) => boolean;
}

export interface Exploration {
  /** Reachable states. */
  readonly states: number;
  /** States in which nobody can go on although not all is done. */
  readonly stuck: readonly string[];
  readonly wrong: readonly string[];
}

/** States are compared by their JSON: keep in them only what the protocol itself knows. */
export function exploreInterleavings<State>(protocol: Protocol<State>): Exploration {
  const seen = new Set<string>();
  const open: State[] = [protocol.start];
  const stuck: string[] = [];
  const wrong: string[] = [];
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    const key = JSON.stringify(state);
    if (seen.has(key)) continue;
    seen.add(key);
    if (protocol.wrong(state)) wrong.push(key);
    const now = state;
    const nexts = protocol.threads.flatMap((thread) => thread(now));
    if (nexts.length === 0 && !protocol.ended(state)) stuck.push(key);
    open.push(...nexts);
  }
  return { states: seen.size, stuck, wrong };
}
