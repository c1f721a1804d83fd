/** What must hold of the two configurations before anything is compiled. Pure. */
import { z } from 'zod';
import { BuildError } from './exec.ts';
import {
  driverDifferences,
  KERNEL_NAMES,
  type KernelConfig,
  type KernelName,
  missingOptions,
  type PerKernel,
  settingOf,
} from './kernel-config.ts';

const option = z.string().regex(/^\w+$/, 'the name of an option without CONFIG_');
const kernels = z.array(z.enum(KERNEL_NAMES)).min(1).optional();
/** Short enough to be written, long enough to be a reason. */
const reason = z.string().min(20);

const checksSchema = z.strictObject({
  checks: z.array(z.strictObject({ option, is: z.string().min(1), kernels, reason })).min(1),
  exceptions: z.array(z.strictObject({ option, kernels, reason })),
});

/** kernel-config/checks.json: options with the value they must have and why, and what is knowingly not kept and why. */
export type KernelChecks = z.infer<typeof checksSchema>;
type Check = KernelChecks['checks'][number];
type Exception = KernelChecks['exceptions'][number];

/** Everything {@link judgeKernels} looks at. */
export interface KernelEvidence {
  readonly wanted: PerKernel<KernelConfig>;
  readonly final: PerKernel<KernelConfig>;
  /** Symbols of the hardware menus. */
  readonly hardware: ReadonlySet<string>;
  readonly checks: KernelChecks;
}

/** @throws BuildError that names the entry when the file is not what {@link KernelChecks} says. */
export function parseChecks(text: string): KernelChecks {
  const checks = parseJson(text);
  const named = new Set<string>();
  for (const { option: name, kernels: only } of checks.checks) {
    for (const kernel of only ?? KERNEL_NAMES) {
      const place = `${name} in the ${kernel} kernel`;
      if (named.has(place)) throw new BuildError(`checks.json: ${place} is checked twice; keep one entry`);
      named.add(place);
    }
  }
  return checks;
}

function parseJson(text: string): KernelChecks {
  try {
    return checksSchema.parse(JSON.parse(text));
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    throw new BuildError(`kernel-config/checks.json cannot be used:\n${why}`, { cause: error });
  }
}

/** Sentences about everything that is wrong; none: the kernels may be built. */
export function judgeKernels(evidence: KernelEvidence): string[] {
  const { wanted, final, hardware, checks } = evidence;
  return [
    ...KERNEL_NAMES.flatMap((kernel) =>
      missingOptions(wanted[kernel], final[kernel]).map(
        ({ option: name, wanted: value, actual }) =>
          `${kernel}: ${name} should be ${value} but is ${actual}; a dependency is missing, something selects it, or this kernel no longer has it`,
      ),
    ),
    ...driverDifferences(final, hardware).map(
      ({ option: name, installer, runtime }) =>
        `${name} is ${installer} in the installer but ${runtime} in the runtime kernel; drivers belong into hardware.config`,
    ),
    ...brokenChecks(checks, final),
  ];
}

/** Checks that do not hold without an exception, and exceptions that nothing needs. */
export function brokenChecks(checks: KernelChecks, final: PerKernel<KernelConfig>): string[] {
  return KERNEL_NAMES.flatMap((kernel) => {
    const due = checks.checks.filter((check) => appliesTo(check, kernel));
    const failing = due.filter((check) => settingOf(final[kernel], check.option) !== check.is);
    const excused = checks.exceptions.filter((exception) => appliesTo(exception, kernel));
    return [
      ...failing
        .filter((check) => !excused.some((exception) => exception.option === check.option))
        .map((check) => describeFailure(kernel, check, final[kernel])),
      ...excused
        .filter((exception) => !failing.some((check) => check.option === exception.option))
        .map(
          (exception) =>
            `${kernel}: the exception for ${exception.option} in checks.json is not needed; remove it`,
        ),
    ];
  });
}

function appliesTo(entry: Check | Exception, kernel: KernelName): boolean {
  return entry.kernels === undefined || entry.kernels.includes(kernel);
}

function describeFailure(kernel: KernelName, check: Check, final: KernelConfig): string {
  const actual = settingOf(final, check.option);
  return `${kernel}: ${check.option} is ${actual}, not ${check.is}: ${check.reason} Change the configuration, or give checks.json an exception with its reason.`;
}
