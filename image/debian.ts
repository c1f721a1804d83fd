import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BuildError, run } from './exec.ts';
import type { LockedPackage } from './lock.ts';

/**
 * Asking Debian's mirror what a list of packages resolves to, through apt with a state directory of its own: the host
 * says where the mirror is; its pins and installed packages have no say.
 */

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/**
 * Where this host gets Debian from: the root of each archive, with a slash at the end. The lock names packages by their path
 * below it, so that any mirror will do: what a package is, its hash says.
 */
export interface Mirror {
  readonly main: string;
  readonly security: string;
  /** Absent where the host does not use the archive of updates between point releases. */
  readonly updates?: string;
}

/** Reads the host's own apt sources. */
export async function findMirror(): Promise<Mirror> {
  const format = '$(REPO_URI) $(RELEASE) $(COMPONENT)';
  const listed = await run('apt-get', [
    'indextargets',
    '--no-release-info',
    '--format',
    format,
    'Created-By: Packages',
  ]);
  return parseMirror(listed.toString());
}

/** `listed`: lines of archive root, release and component, as `apt-get indextargets` prints them. */
export function parseMirror(listed: string): Mirror {
  const rows = listed.split('\n').map((line) => line.split(' '));
  const root = (release: string) =>
    rows.find(([, of, component]) => of === release && component === 'main')?.[0]?.replace(/\/*$/, '/');
  const main = root('bookworm');
  const security = root('bookworm-security');
  if (main === undefined || security === undefined) {
    const missing = main === undefined ? 'bookworm' : 'bookworm-security';
    throw new BuildError(
      `apt on this host has no source for ${missing} main; the image is made of Debian bookworm: add it to /etc/apt/sources.list.d`,
    );
  }
  const updates = root('bookworm-updates');
  return updates === undefined ? { main, security } : { main, security, updates };
}

/** Security updates come from an archive of their own, recognisable by the pool's name. */
export function mirrorUrl(mirror: Mirror, { pool }: LockedPackage): string {
  return `${pool.startsWith('pool/updates/') ? mirror.security : mirror.main}${pool}`;
}

/** Component main only: nothing in the image is non-free, which is why drivers that load firmware are absent. */
function sourcesList({ main, security, updates }: Mirror): string {
  const sources = [
    `${main} bookworm main`,
    ...(updates === undefined ? [] : [`${updates} bookworm-updates main`]),
    `${security} bookworm-security main`,
  ];
  return sources.map((source) => `deb [signed-by=${KEYRING}] ${source}\n`).join('');
}

export interface Resolution {
  /** Seconds since 1970: date of the newest index. */
  readonly epoch: number;
  readonly packages: readonly LockedPackage[];
  readonly buildPackages: readonly LockedPackage[];
  readonly kernelSource: LockedPackage;
}

export interface Wanted {
  readonly image: readonly string[];
  readonly build: readonly string[];
  readonly kernelSource: string;
}

/** Needs the network. */
export async function resolvePackages(wanted: Wanted): Promise<Resolution> {
  const directory = await mkdtemp(join(tmpdir(), 'truthdb-apt-'));
  try {
    const apt = await privateApt(directory);
    await apt('apt-get', ['-qq', 'update']);
    const image = await closure(apt, ['?essential', ...wanted.image]);
    return {
      epoch: await newestIndex(directory),
      packages: await describe(apt, image),
      buildPackages: await describe(apt, wanted.build),
      kernelSource: (await describe(apt, [wanted.kernelSource]))[0] as LockedPackage,
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

type Apt = (program: 'apt-get' | 'apt-cache', args: readonly string[]) => Promise<string>;

async function privateApt(directory: string): Promise<Apt> {
  for (const part of ['lists/partial', 'cache/archives/partial', 'preferences.d', 'conf.d']) {
    await mkdir(join(directory, part), { recursive: true });
  }
  await writeFile(join(directory, 'status'), '');
  await writeFile(join(directory, 'sources.list'), sourcesList(await findMirror()));
  const settings = {
    Dir: directory,
    'Dir::State': directory,
    'Dir::State::status': join(directory, 'status'),
    'Dir::State::lists': join(directory, 'lists'),
    'Dir::Cache': join(directory, 'cache'),
    'Dir::Etc::sourcelist': join(directory, 'sources.list'),
    'Dir::Etc::sourceparts': join(directory, 'conf.d'),
    'Dir::Etc::parts': join(directory, 'conf.d'),
    'Dir::Etc::preferencesparts': join(directory, 'preferences.d'),
    'Dir::Etc::trustedparts': join(directory, 'conf.d'),
    'APT::Architecture': 'amd64',
    'APT::Install-Recommends': 'false',
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '3',
  };
  const config = join(directory, 'apt.conf');
  const lines = Object.entries(settings).map(([name, value]) => `${name} "${value}";\n`);
  await writeFile(config, `${lines.join('')}APT::Architectures { "amd64"; };\n`);
  return async (program, args) => (await run(program, args, { env: { APT_CONFIG: config } })).toString();
}

/** Names of everything that would be installed into an empty system. */
async function closure(apt: Apt, names: readonly string[]): Promise<string[]> {
  const simulated = await apt('apt-get', ['--simulate', '--yes', 'install', ...names]);
  const installed = [...simulated.matchAll(/^Inst (\S+) /gm)].map((match) => match[1] as string);
  if (installed.length === 0) throw new BuildError(`apt resolves ${names.join(' ')} to nothing`);
  return installed.sort();
}

async function describe(apt: Apt, names: readonly string[]): Promise<LockedPackage[]> {
  const stanzas = (await apt('apt-cache', ['show', '--no-all-versions', ...names])).split(/\n{2,}/);
  const byName = new Map(stanzas.map((stanza) => [/^Package: (.+)$/m.exec(stanza)?.[1], stanza]));
  return names.map((name) => {
    const stanza = byName.get(name);
    if (stanza === undefined) throw new BuildError(`the package index does not know ${name}`);
    return readStanza(name, stanza);
  });
}

function readStanza(name: string, stanza: string): LockedPackage {
  const field = (key: string): string => {
    const value = new RegExp(`^${key}: (.+)$`, 'm').exec(stanza)?.[1];
    if (value === undefined) throw new BuildError(`the package index says no ${key} for ${name}`);
    return value;
  };
  return {
    name,
    version: field('Version'),
    architecture: field('Architecture') === 'all' ? 'all' : 'amd64',
    pool: field('Filename'),
    size: Number(field('Size')),
    sha256: field('SHA256'),
  };
}

async function newestIndex(directory: string): Promise<number> {
  const lists = join(directory, 'lists');
  const releases = (await readdir(lists)).filter((name) => name.endsWith('InRelease'));
  const dates = await Promise.all(
    releases.map(async (name) => {
      const text = await readFile(join(lists, name), 'utf8');
      return Date.parse(/^Date: (.+)$/m.exec(text)?.[1] ?? '');
    }),
  );
  const newest = Math.max(...dates);
  if (!Number.isFinite(newest)) throw new BuildError('the package indexes carry no date');
  return newest / 1000;
}
