/** Kernel configurations as data: fragments in, one wish list out, and what a final .config makes of it. Pure. */
import { BuildError } from './exec.ts';

export const KERNEL_NAMES = ['installer', 'runtime'] as const;

/** `installer` runs from the medium, `runtime` from the installed disk. */
export type KernelName = (typeof KERNEL_NAMES)[number];

/** One of something for each kernel. */
export type PerKernel<T> = Readonly<Record<KernelName, T>>;

/**
 * Options without their CONFIG_ prefix and their values as kconfig writes them: `y`, `n`, a number, or a string in its
 * quotation marks.
 */
export type KernelConfig = ReadonlyMap<string, string>;

/** A file of kernel-config/, for messages that point at the right place. */
export interface Fragment {
  readonly file: string;
  readonly text: string;
}

/** A wish that the final configuration does not grant. */
export interface MissingOption {
  readonly option: string;
  readonly wanted: string;
  readonly actual: string;
}

/** An option of the hardware menus that the two kernels answer differently. */
export interface DriverDifference extends PerKernel<string> {
  readonly option: string;
}

const ASSIGNMENT = /^CONFIG_(\w+)=(.+)$/;
const NOT_SET = /^# CONFIG_(\w+) is not set$/;
const SYMBOL = /^\s*(?:menu)?config\s+(\w+)/gm;

/** What a configuration says of an option; one that it does not mention is off. */
export function settingOf(config: KernelConfig, option: string): string {
  return config.get(option) ?? 'n';
}

/** Reads a .config as kconfig writes it. Comments and headings are skipped. */
export function parseConfig(text: string): KernelConfig {
  const config = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [option, value] = parseOption(line) ?? [];
    if (option !== undefined && value !== undefined) config.set(option, value);
  }
  return config;
}

/** How many options are on: what "1,349 options" in the documentation counts. */
export function optionsOn(config: KernelConfig): number {
  return [...config.values()].filter((value) => value !== 'n').length;
}

/**
 * Joins fragments to the wish list of one kernel.
 *
 * @throws BuildError naming file and line for anything but an assignment, a comment or an empty line, for a module (there
 *   are none), and for an option that is named twice: every option has one home.
 */
export function mergeFragments(fragments: readonly Fragment[]): KernelConfig {
  const merged = new Map<string, string>();
  const homes = new Map<string, string>();
  for (const { file, text } of fragments) {
    for (const [index, line] of text.split('\n').entries()) {
      const place = `${file}:${index + 1}`;
      const parsed = parseWish(line, place);
      if (parsed === undefined) continue;
      const [option, value] = parsed;
      const home = homes.get(option);
      if (home !== undefined) {
        throw new BuildError(`${place}: ${option} is already decided in ${home}; keep one of the two lines`);
      }
      homes.set(option, place);
      merged.set(option, value);
    }
  }
  return merged;
}

function parseWish(line: string, place: string): [string, string] | undefined {
  const parsed = parseOption(line);
  if (parsed === undefined) {
    if (line === '' || (line.startsWith('#') && !line.includes('CONFIG_'))) return undefined;
    throw new BuildError(
      `${place}: "${line}" is neither CONFIG_NAME=value, "# CONFIG_NAME is not set", a comment nor empty`,
    );
  }
  if (parsed[1] === 'm') {
    throw new BuildError(`${place}: ${parsed[0]}=m, but these kernels have no modules; say y or n`);
  }
  return parsed;
}

function parseOption(line: string): [option: string, value: string] | undefined {
  const off = NOT_SET.exec(line);
  if (off?.[1] !== undefined) return [off[1], 'n'];
  const set = ASSIGNMENT.exec(line);
  return set?.[1] !== undefined && set[2] !== undefined ? [set[1], set[2]] : undefined;
}

/** The wish list as kconfig reads it (KCONFIG_ALLCONFIG). */
export function formatConfig(config: KernelConfig): string {
  const lines = [...config].map(([option, value]) =>
    value === 'n' ? `# CONFIG_${option} is not set` : `CONFIG_${option}=${value}`,
  );
  return `${lines.join('\n')}\n`;
}

/**
 * Wishes that kconfig did not grant: it drops silently what has an unmet dependency or no longer exists, and turns on
 * silently what something else selects.
 */
export function missingOptions(wanted: KernelConfig, final: KernelConfig): MissingOption[] {
  return [...wanted]
    .map(([option, value]) => ({ option, wanted: value, actual: settingOf(final, option) }))
    .filter(({ wanted: value, actual }) => value !== actual);
}

/** The symbols that Kconfig files declare. */
export function declaredSymbols(kconfigTexts: Iterable<string>): Set<string> {
  const symbols = new Set<string>();
  for (const text of kconfigTexts) {
    for (const match of text.matchAll(SYMBOL)) if (match[1] !== undefined) symbols.add(match[1]);
  }
  return symbols;
}

/** Options among `hardware` on which the two kernels differ: what installs would then not be what boots. */
export function driverDifferences(
  final: PerKernel<KernelConfig>,
  hardware: ReadonlySet<string>,
): DriverDifference[] {
  const options = new Set([...final.installer.keys(), ...final.runtime.keys()]);
  return [...options]
    .filter((option) => hardware.has(option))
    .map((option) => ({
      option,
      installer: settingOf(final.installer, option),
      runtime: settingOf(final.runtime, option),
    }))
    .filter(({ installer, runtime }) => installer !== runtime);
}
