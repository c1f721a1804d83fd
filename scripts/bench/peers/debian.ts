/** The peers that come from Debian: which packages they need, and how those get onto the machine. */
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';

/** A program and the package it comes from. */
interface Needed {
  readonly program: string;
  readonly package: string;
}

export const POSTGRES_BIN = '/usr/lib/postgresql/15/bin';
export const NEEDED: readonly Needed[] = [
  { program: '/usr/bin/redis-server', package: 'redis-server' },
  { program: '/usr/bin/redis-benchmark', package: 'redis-tools' },
  { program: `${POSTGRES_BIN}/postgres`, package: 'postgresql-15' },
  { program: '/usr/bin/etcd', package: 'etcd-server' },
  { program: '/usr/sbin/nats-server', package: 'nats-server' },
  { program: '/usr/bin/db_bench', package: 'rocksdb-tools' },
];

const POLICY = '/usr/sbin/policy-rc.d';

/** Packages whose program is not there; `has` tells whether a path exists. */
export function missingPackages(has: (path: string) => boolean): string[] {
  return [...new Set(NEEDED.filter(({ program }) => !has(program)).map((needed) => needed.package))];
}

/** Installs the peers that are missing. */
export function installPeers(progress: (line: string) => void): void {
  installPackages(missingPackages(existsSync), progress);
}

/**
 * Installs packages, when this is root on Debian; otherwise says what to run. Never throws: a peer that is still not there is
 * shown as absent.
 */
export function installPackages(missing: readonly string[], progress: (line: string) => void): void {
  if (missing.length === 0) return;
  const line = `apt-get install -y --no-install-recommends ${missing.join(' ')}`;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    progress(`these packages are not installed; run as root: apt-get update && ${line}`);
    return;
  }
  progress(`installing Debian packages: ${missing.join(' ')}`);
  const policed = existsSync(POLICY);
  // The packages start their servers when installed, on the ports people use; ours are started by us.
  if (!policed) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    for (const args of [['update'], ['install', '-y', '--no-install-recommends', ...missing]]) {
      const done = spawnSync('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=300', ...args], {
        encoding: 'utf8',
        env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', APT_LISTCHANGES_FRONTEND: 'none' },
      });
      if (done.status !== 0) {
        progress(`apt-get ${args[0]} failed: ${done.stderr.trim().slice(-500)}`);
        return;
      }
    }
  } finally {
    if (!policed) rmSync(POLICY, { force: true });
  }
}
