/** What became of what people were shown, by arm: exposures and signals come in in the order of the log. */
import { MICROS_PER_DAY, type Micros } from '../ground.ts';
import type { ExposureEntry, Signal } from '../kernel/index.ts';
import type { ArmReport, ExperimentReport } from './experiment-report.ts';

/** How long after it was shown something counts. */
const WITHIN_MICROS = MICROS_PER_DAY;
const NORMAL_95 = 1.96;

interface UserOfArm {
  /** Items shown, and those of them that were gone for. */
  shown: number;
  went: number;
}

interface Arm {
  readonly name: string;
  readonly users: Map<number, UserOfArm>;
  exposures: number;
}

interface Shown {
  readonly user: UserOfArm;
  readonly at: Micros;
}

export class ExperimentTally {
  readonly #experiment: string;
  readonly #arms = new Map<string, Arm>();
  /** What a user was shown last of an item and has not gone for since; by kind, user and item. */
  readonly #open = new Map<string, Shown>();
  readonly #others = new Set<string>();

  constructor(experiment: string) {
    this.#experiment = experiment;
  }

  exposure({ experiment, arm: name, user, at, kind, items }: ExposureEntry): void {
    if (experiment !== this.#experiment) {
      this.#others.add(experiment);
      return;
    }
    const arm = this.#arm(name);
    arm.exposures += 1;
    if (user === 0) return;
    const counts = arm.users.get(user) ?? { shown: 0, went: 0 };
    arm.users.set(user, counts);
    for (const item of items) {
      counts.shown += 1;
      this.#open.set(`${kind} ${user} ${item}`, { user: counts, at });
    }
  }

  /** A positive signal about an entity of a kind. */
  went(kind: number, { user, target, at }: Pick<Signal, 'user' | 'target' | 'at'>): void {
    if (user === 0 || this.#open.size === 0) return;
    const key = `${kind} ${user} ${target}`;
    const shown = this.#open.get(key);
    if (shown === undefined || at < shown.at) return;
    this.#open.delete(key);
    if (at - shown.at < WITHIN_MICROS) shown.user.went += 1;
  }

  report(course: Pick<ExperimentReport, 'position' | 'complete'>): ExperimentReport {
    const arms = [...this.#arms.values()];
    const members = arms.flatMap(({ users }) => [...users.keys()]);
    const first = arms[0] === undefined ? null : rateOf(arms[0]);
    return {
      ...course,
      experiment: this.#experiment,
      arms: arms.map((arm, at) => armReport(arm, at === 0 ? null : first)),
      usersInSeveralArms: members.length - new Set(members).size,
      others: [...this.#others].sort(),
    };
  }

  #arm(name: string): Arm {
    const known = this.#arms.get(name);
    if (known !== undefined) return known;
    const arm: Arm = { name, users: new Map(), exposures: 0 };
    this.#arms.set(name, arm);
    return arm;
  }
}

interface Rate {
  readonly shown: number;
  readonly went: number;
  readonly rate: number;
  /** Standard error. */
  readonly error: number;
}

/**
 * A ratio of means over users, with the error of one (the delta method): what is shown to the same user is not independent, so
 * the items shown are not counted as if each were a trial of its own.
 */
function rateOf({ users }: Arm): Rate {
  let [shown, went] = [0, 0];
  for (const each of users.values()) {
    shown += each.shown;
    went += each.went;
  }
  const rate = shown === 0 ? 0 : went / shown;
  let squares = 0;
  for (const each of users.values()) {
    const off = each.went - rate * each.shown;
    squares += off * off;
  }
  const spread = users.size < 2 ? 0 : (squares * users.size) / (users.size - 1);
  return { shown, went, rate, error: shown === 0 ? 0 : Math.sqrt(spread) / shown };
}

function armReport(arm: Arm, first: Rate | null): ArmReport {
  const { shown, went, rate, error } = rateOf(arm);
  const { name, users, exposures } = arm;
  const interval = [Math.max(0, rate - NORMAL_95 * error), Math.min(1, rate + NORMAL_95 * error)] as const;
  const lift = first === null || first.rate === 0 ? null : liftOf({ rate, error }, first);
  return { arm: name, users: users.size, exposures, shown, went, rate, interval, lift };
}

function liftOf({ rate, error }: Pick<Rate, 'rate' | 'error'>, first: Rate): ArmReport['lift'] {
  const ratio = rate / first.rate;
  const ofFirst = ratio * (first.error / first.rate);
  const half = NORMAL_95 * Math.sqrt((error / first.rate) * (error / first.rate) + ofFirst * ofFirst);
  return { lift: ratio - 1, interval: [ratio - 1 - half, ratio - 1 + half] };
}
