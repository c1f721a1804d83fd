import type { Progress } from '../scripts/progress.ts';

/** Compiler and assembler runs; links and generated files come and go too fast to count. */
const COMPILED = /^ {2}(?:CC|AS) /;
const REPORT_EVERY_MS = 10_000;

export interface BuildMeterOptions {
  /** What is being built, for the line. */
  readonly name: string;
  /** How many objects a first build compiles; undefined when only what changed is compiled. */
  readonly expected: number | undefined;
  /** How many of them an interrupted build has left behind. */
  readonly already: number;
  /** Milliseconds from any fixed point. */
  readonly now: () => number;
  readonly progress: Progress;
}

export interface BuildMeter {
  /** Takes a line of make's output; says how far it is at most every ten seconds. */
  line(text: string): void;
  /** Objects compiled by this build so far. */
  compiled(): number;
}

/** Turns make's thousands of lines into a sign of life. */
export function buildMeter({ name, expected, already, now, progress }: BuildMeterOptions): BuildMeter {
  const start = now();
  let reported = start;
  let compiled = already;
  return {
    compiled: () => compiled - already,
    line(text) {
      if (!COMPILED.test(text)) return;
      compiled += 1;
      const time = now();
      if (time - reported < REPORT_EVERY_MS) return;
      reported = time;
      progress(`${name}: ${amount(compiled, expected)}, ${duration(time - start)}`);
    },
  };
}

function amount(compiled: number, expected: number | undefined): string {
  const objects = compiled.toLocaleString('en-US');
  // An estimate that was passed says nothing any more.
  if (expected === undefined || compiled >= expected) return `${objects} objects compiled`;
  const percent = Math.floor((compiled * 100) / expected);
  return `${objects} of about ${expected.toLocaleString('en-US')} objects compiled (${percent} %)`;
}

/** `3 min 07 s`, `45 s`. */
export function duration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  const minutes = Math.floor(seconds / 60);
  const rest = seconds % 60;
  return minutes === 0 ? `${rest} s` : `${minutes} min ${String(rest).padStart(2, '0')} s`;
}
