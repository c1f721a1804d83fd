import { BuildError } from './exec.ts';
import { file, link, put, type Tree } from './tree.ts';

/**
 * What systemd starts, in one place. Debian's maintainer scripts enable units by links in /etc/systemd/system; those are thrown
 * away, and the links are made here, below /usr, where only a new image changes them.
 *
 * /etc/systemd/system/multi-user.target.wants is different: on an installed machine it is a directory of the state partition, so
 * that the installer — and later `systemctl enable` — decide about truthdb.service, and the answer survives updates.
 */

interface StartedUnit {
  readonly unit: string;
  /** The target that wants it. */
  readonly by: string;
  readonly why: string;
}

const STARTED: readonly StartedUnit[] = [
  { unit: 'truthdb-render.service', by: 'multi-user.target', why: 'settings of this machine' },
  { unit: 'truthdb-firewall.service', by: 'multi-user.target', why: 'only known ports are open' },
  { unit: 'systemd-networkd.service', by: 'multi-user.target', why: 'addresses' },
  { unit: 'systemd-resolved.service', by: 'multi-user.target', why: 'names' },
  { unit: 'systemd-timesyncd.service', by: 'multi-user.target', why: 'the time' },
  { unit: 'ssh.service', by: 'multi-user.target', why: 'remote log-in, where a key is configured' },
  { unit: 'systemd-pstore.service', by: 'multi-user.target', why: 'keeps what the kernel said when it died' },
  { unit: 'getty@tty1.service', by: 'getty.target', why: 'log-in at the screen' },
  { unit: 'tmp.mount', by: 'local-fs.target', why: '/tmp is memory' },
];

interface StoppedUnit {
  readonly unit: string;
  readonly why: string;
}

/** Wanted by Debian below /usr, and unwanted here wherever they stand. */
const STOPPED: readonly StoppedUnit[] = [
  { unit: 'cryptsetup.target', why: 'no crypttab' },
  { unit: 'getty-static.service', why: 'consoles are found by their names' },
  { unit: 'integritysetup.target', why: 'no integritytab' },
  { unit: 'kmod-static-nodes.service', why: 'the kernel has no modules' },
  { unit: 'proc-sys-fs-binfmt_misc.automount', why: 'the kernel has no binfmt_misc' },
  { unit: 'sys-fs-fuse-connections.mount', why: 'the kernel has no FUSE' },
  { unit: 'sys-kernel-debug.mount', why: 'the kernel has no debugfs' },
  { unit: 'sys-kernel-tracing.mount', why: 'the kernel has no tracing' },
  { unit: 'systemd-ask-password-wall.path', why: 'nothing asks for passwords' },
  { unit: 'systemd-ask-password-console.path', why: 'nothing asks for passwords' },
  { unit: 'systemd-binfmt.service', why: 'the kernel has no binfmt_misc' },
  { unit: 'systemd-firstboot.service', why: 'the installer has asked' },
  { unit: 'systemd-initctl.socket', why: 'System V init' },
  { unit: 'systemd-machine-id-commit.service', why: 'the machine id lies on the state partition' },
  { unit: 'systemd-modules-load.service', why: 'the kernel has no modules' },
  { unit: 'systemd-pcrphase-sysinit.service', why: 'nothing is sealed to a TPM' },
  { unit: 'systemd-pcrphase.service', why: 'nothing is sealed to a TPM' },
  { unit: 'systemd-repart.service', why: 'the installer partitions, nobody else' },
  { unit: 'systemd-sysusers.service', why: 'accounts are in the image' },
  { unit: 'systemd-update-utmp.service', why: 'the journal knows when the machine started' },
  { unit: 'systemd-update-utmp-runlevel.service', why: 'System V init' },
  { unit: 'veritysetup.target', why: 'the initramfs has opened the root' },
];

/** Names D-Bus and people use → units. */
const ALIASES: Readonly<Record<string, string>> = {
  'dbus.service': 'dbus-broker.service',
  'dbus-org.freedesktop.network1.service': 'systemd-networkd.service',
  'dbus-org.freedesktop.resolve1.service': 'systemd-resolved.service',
  'dbus-org.freedesktop.timesync1.service': 'systemd-timesyncd.service',
  'default.target': 'multi-user.target',
  'sshd.service': 'ssh.service',
};

/**
 * Mounted by the initramfs and in use to the end: the journal is written until the last process is gone. Left to systemd's last
 * program, which unmounts everything when nobody is left, instead of failing to unmount them on the way there.
 */
const KEPT_MOUNTS = ['state.mount', 'var.mount', 'var-lib-systemd.mount', 'var-log-journal.mount'];

const UNITS = 'usr/lib/systemd/system';

/** Where the links of units that the installer enables lie; the initramfs mounts the state partition's directory over it. */
export const ENABLED_UNITS_DIRECTORY = 'etc/systemd/system/multi-user.target.wants';

/** @throws BuildError when a table names a unit that no package and no file of ours brings. */
export function enableUnits(tree: Tree): void {
  for (const { unit } of STOPPED) removeWants(tree, unit);
  for (const { unit, by } of STARTED) {
    demand(tree, unit);
    put(tree, `${UNITS}/${by}.wants/${unit}`, link(`../${templateOf(unit)}`));
  }
  for (const unit of KEPT_MOUNTS) {
    put(tree, `${UNITS}/${unit}.d/shutdown.conf`, file('[Unit]\nDefaultDependencies=no\n'));
  }
  for (const [alias, unit] of Object.entries(ALIASES)) {
    demand(tree, unit);
    put(tree, `${UNITS}/${alias}`, link(unit));
  }
}

function removeWants(tree: Tree, unit: string): void {
  const places = [...tree.keys()].filter(
    (path) => path.startsWith(`${UNITS}/`) && path.endsWith(`.wants/${unit}`),
  );
  if (places.length === 0) throw new BuildError(`no target wants ${unit} any more; take it out of STOPPED`);
  for (const path of places) tree.delete(path);
}

function demand(tree: Tree, unit: string): void {
  if (!tree.has(`${UNITS}/${templateOf(unit)}`))
    throw new BuildError(`the image has no unit ${templateOf(unit)}`);
}

/** "getty@tty1.service" → "getty@.service" */
function templateOf(unit: string): string {
  return unit.replace(/@[^.]+\./, '@.');
}
