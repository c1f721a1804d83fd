/**
 * What the tests on virtual machines need beyond the test runner: larger versions by `--all`, and a limit on their time.
 * The limit holds for the set that CI runs, once everything is built.
 */

/** Wall-clock seconds the set may take. */
const VM_TESTS_SECONDS_MAX = 20 * 60;

export interface VmTestRun {
  /** Arguments for the test runner. */
  readonly args: readonly string[];
  /** To be added to its environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** True when the whole set runs in the size CI runs it: only then the limit holds. */
  readonly limited: boolean;
}

/** Reads the arguments of `npm run test:vm -- …`: `--all`, and whatever the test runner understands. */
export function vmTestRun(args: readonly string[]): VmTestRun {
  const all = args.includes('--all');
  const rest = args.filter((argument) => argument !== '--all');
  return { args: rest, environment: all ? { TRUTHDB_VM_ALL: '1' } : {}, limited: !all && rest.length === 0 };
}

/** A sentence for the failure when the tests took too long, else undefined. */
export function overBudget(seconds: number): string | undefined {
  if (seconds <= VM_TESTS_SECONDS_MAX) return undefined;
  return `the tests on virtual machines took ${Math.round(seconds)} s; their limit is ${VM_TESTS_SECONDS_MAX} s`;
}
