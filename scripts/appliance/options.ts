/** The flags of `npm run appliance`. */

export interface ApplianceOptions {
  /** A person installs, at the installer's own screen, in this terminal. */
  readonly interactive: boolean;
  /** Boot the disk of an earlier run although the image has changed since. */
  readonly keep: boolean;
  /** Forget everything of earlier runs. */
  readonly fresh: boolean;
  /** Do everything, verify, power off, exit. */
  readonly headlessCheck: boolean;
}

export const USAGE = `usage: npm run appliance [-- FLAG…]

Builds the appliance, installs it on a virtual disk, boots that disk and fills the database with sample events.

  --interactive     you install: the installer's screen in this terminal (Ctrl-] leaves, Ctrl-C goes to the installer)
  --keep            boot the disk of an earlier run even though the image has changed since
  --fresh           forget the disk of an earlier run and install anew
  --headless-check  do everything, verify it, power off, exit 0
  --help            this text`;

/** Gives the flags, or a sentence on what is wrong with them. */
export function parseOptions(args: readonly string[]): ApplianceOptions | string {
  const known = ['--interactive', '--keep', '--fresh', '--headless-check'];
  const unknown = args.find((argument) => !known.includes(argument));
  if (unknown !== undefined) return `"${unknown}" is not a flag; known are ${known.join(', ')}`;
  const has = (flag: string): boolean => args.includes(flag);
  if (has('--keep') && has('--fresh')) return '--keep and --fresh contradict each other: give one of them';
  if (has('--interactive') && has('--headless-check'))
    return '--headless-check has nobody to install interactively';
  return {
    interactive: has('--interactive'),
    keep: has('--keep'),
    fresh: has('--fresh'),
    headlessCheck: has('--headless-check'),
  };
}
