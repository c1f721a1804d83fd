import { z } from 'zod';

/**
 * `inputs.lock.json`: every input of the image by name, version and hash. A build takes exactly these; what changed around it
 * (a package replaced on the mirror, another mksquashfs on this host) is drift, and is said by name.
 */
const packageSchema = z.strictObject({
  name: z.string(),
  version: z.string(),
  architecture: z.enum(['amd64', 'all']),
  /** Path below the root of the archive. */
  pool: z.string().regex(/^pool\/[\w.+~%/-]+\.deb$/),
  /** Bytes. */
  size: z.int().positive(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

const lockSchema = z.strictObject({
  version: z.literal(1),
  /** Seconds since 1970: date of the newest package index used. Stamped on everything in the root image. */
  epoch: z.int().positive(),
  /** The pinned Node, as package-lock.json has it. */
  node: z.strictObject({ version: z.string(), integrity: z.string() }),
  /** Debian's kernel source package. */
  kernelSource: packageSchema,
  /** Host packages whose version shapes the bytes they write, so that a difference can be explained. */
  tools: z.record(z.string(), z.string()),
  /** Packages of the root image, dependencies included, by name. */
  packages: z.array(packageSchema).min(1),
  /** Packages the build takes files from. */
  buildPackages: z.array(packageSchema).min(1),
});

export type LockedPackage = z.infer<typeof packageSchema>;
export type InputsLock = z.infer<typeof lockSchema>;

export function parseLock(text: string): InputsLock {
  return lockSchema.parse(JSON.parse(text));
}

/** One package a line, so that a refresh reads well in a diff. */
export function formatLock(lock: InputsLock): string {
  const { packages, buildPackages, ...rest } = lock;
  const head = JSON.stringify(rest, undefined, 2).replace(/\n}$/, '');
  const list = (name: string, entries: readonly LockedPackage[]) =>
    `  "${name}": [\n${entries.map((entry) => `    ${JSON.stringify(entry)}`).join(',\n')}\n  ]`;
  return `${head},\n${list('packages', packages)},\n${list('buildPackages', buildPackages)}\n}\n`;
}

/** One input that is not what the lock says; `undefined` where one side does not have it at all. */
export interface Drift {
  readonly input: string;
  readonly locked: string | undefined;
  readonly found: string | undefined;
}

/** What a look at this host and, when the network was used, at the mirror has found. */
export interface FoundInputs {
  readonly node: InputsLock['node'];
  readonly tools: InputsLock['tools'];
  /** Absent: the kernel source package is not installed. */
  readonly kernelSourceVersion: string | undefined;
  /** Absent: the mirror was not asked. */
  readonly packages?: readonly LockedPackage[];
}

export function findDrift(lock: InputsLock, found: FoundInputs): Drift[] {
  const packages =
    found.packages === undefined
      ? []
      : compare('package', byName([...lock.packages, ...lock.buildPackages]), byName([...found.packages]));
  return [
    ...compare(
      'node',
      { version: lock.node.version, integrity: lock.node.integrity },
      { version: found.node.version, integrity: found.node.integrity },
    ),
    ...compare(
      'kernel source',
      { [lock.kernelSource.name]: lock.kernelSource.version },
      found.kernelSourceVersion === undefined ? {} : { [lock.kernelSource.name]: found.kernelSourceVersion },
    ),
    ...compare('host tool', lock.tools, found.tools),
    ...packages,
  ];
}

/** "package libc6: locked 2.36-9+deb12u13, found 2.36-9+deb12u14" */
export function describeDrift({ input, locked, found }: Drift): string {
  return `${input}: locked ${locked ?? 'nothing'}, found ${found ?? 'nothing'}`;
}

function compare(
  kind: string,
  locked: Readonly<Record<string, string>>,
  found: Readonly<Record<string, string>>,
): Drift[] {
  const names = [...new Set([...Object.keys(locked), ...Object.keys(found)])].sort();
  return names
    .filter((name) => locked[name] !== found[name])
    .map((name) => ({ input: `${kind} ${name}`, locked: locked[name], found: found[name] }));
}

/** Version with the start of the hash: a package rebuilt under the same version is drift as well. */
function byName(packages: readonly LockedPackage[]): Record<string, string> {
  return Object.fromEntries(
    packages.map((entry) => [entry.name, `${entry.version} (sha256 ${entry.sha256.slice(0, 12)})`]),
  );
}
