import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';

/** What building the image asks of the host, as data, so that whoever starts the build can say all of it before any download. */
export interface PreflightFact {
  readonly need: string;
  readonly met: boolean;
  /** What to do when it is not. */
  readonly remedy: string;
}

export function imagePreflight(): PreflightFact[] {
  const isRoot = process.getuid?.() === 0;
  return [
    {
      need: 'root, or user namespaces that map a range of users (mmdebstrap installs packages as root)',
      met: isRoot || namespacesWork(),
      remedy:
        'run as root, or allow unprivileged user namespaces and give this user lines in /etc/subuid and /etc/subgid',
    },
    {
      need: 'mounts inside a namespace (mmdebstrap mounts /proc and /sys for maintainer scripts)',
      met: mountsWork(isRoot),
      remedy:
        'in a container, start it with --privileged or with CAP_SYS_ADMIN and an unconfined seccomp profile',
    },
    {
      need: 'the key of the Debian archive',
      met: isReadable('/usr/share/keyrings/debian-archive-keyring.gpg'),
      remedy: 'apt-get install debian-archive-keyring',
    },
  ];
}

function namespacesWork(): boolean {
  return (
    spawnSync('unshare', ['--user', '--map-auto', '--map-root-user', 'true'], { stdio: 'ignore' }).status ===
    0
  );
}

function mountsWork(isRoot: boolean): boolean {
  const user = isRoot ? [] : ['--user', '--map-root-user'];
  // Unchanged, because in a chroot the root is no mount whose propagation could be changed; where it may be shared, what is
  // mounted is taken away again.
  const options = [...user, '--mount', '--propagation', 'unchanged'];
  const script = 'mount -t tmpfs tmpfs /mnt && umount /mnt';
  return spawnSync('unshare', [...options, 'sh', '-c', script], { stdio: 'ignore' }).status === 0;
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
