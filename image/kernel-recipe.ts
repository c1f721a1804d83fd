/**
 * How a configuration becomes a kernel, as far as it decides the bytes: what make is told, and the key under which the
 * result is cached. Pure.
 */
import { createHash } from 'node:crypto';

/** Raised by hand when something below changes the bytes, so that cached kernels of the old recipe are not used. */
const RECIPE_VERSION = 1;

/** Objects that a build from a clean tree compiles: only the scale of the progress lines. */
export const COLD_OBJECTS = 2750;

/** What decides the bytes of the two kernels. */
export interface KernelInputs {
  /** Every file of kernel-config/ by name, checks.json included. */
  readonly files: ReadonlyMap<string, string>;
  /** SHA-256 of the source tarball, hex. */
  readonly sourceHash: string;
  /** First lines of `gcc --version`, `ld --version` and the like. */
  readonly tools: readonly string[];
}

/** The name of the cache folder for these inputs: 32 hex digits. */
export function cacheKey({ files, sourceHash, tools }: KernelInputs): string {
  const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : 1));
  const identity = JSON.stringify([RECIPE_VERSION, sourceHash, tools, sorted]);
  return createHash('sha256').update(identity).digest('hex').slice(0, 32);
}

/**
 * Arguments that every call of make gets.
 *
 * User, host, build number and time stamp go into the kernel's own version line; here they say what was built, not where
 * and when. The time is that of the Debian source package and not of our commit: a kernel with unchanged inputs would
 * otherwise have to be built again for every commit. rustc and pahole are hidden because kconfig writes the version of
 * either into the configuration, and the configuration is part of the kernel.
 *
 * @param tree - absolute path of the source tree; the compiler is told to forget it.
 * @param sourceDate - when Debian made the source package.
 */
export function makeArguments(tree: string, sourceDate: Date): string[] {
  const flags = `-ffile-prefix-map=${tree}=.`;
  return [
    '--no-print-directory',
    'ARCH=x86_64',
    'KBUILD_BUILD_USER=truthdb',
    'KBUILD_BUILD_HOST=build',
    'KBUILD_BUILD_VERSION=1',
    `KBUILD_BUILD_TIMESTAMP=${buildTimestamp(sourceDate)}`,
    'LOCALVERSION=',
    `KCFLAGS=${flags}`,
    `KAFLAGS=${flags}`,
    'RUSTC=false',
    'BINDGEN=false',
    'PAHOLE=false',
  ];
}

/** The form in which `uname -v` ends and which `date -d` reads back: `Sat Nov 14 12:56:01 UTC 2026`. */
function buildTimestamp(date: Date): string {
  const [weekday, day, month, year, time] = date.toUTCString().replace(',', '').split(' ');
  return `${weekday} ${month} ${Number(day)} ${time} UTC ${year}`;
}
