/**
 * What enters the root image from Debian, and what leaves it again. Each line says why; a package without a reason has no
 * business on a database machine. Dependencies are resolved by apt when the lock is refreshed, never at build time.
 */

export interface WantedPackage {
  readonly name: string;
  readonly why: string;
}

/** Asked for by name; Debian's Essential set comes on its own. */
export const IMAGE_PACKAGES: readonly WantedPackage[] = [
  { name: 'systemd-sysv', why: 'systemd as init' },
  { name: 'udev', why: 'device nodes with stable names, for systemd and the installer' },
  { name: 'dbus-broker', why: 'the system bus logind and hostnamed live on' },
  { name: 'libpam-systemd', why: 'log-in sessions, so that logind sees who is there' },
  { name: 'libnss-systemd', why: 'the operator account is served from /run/userdb' },
  { name: 'systemd-resolved', why: 'names, for time servers and for the operator' },
  { name: 'systemd-timesyncd', why: 'the time' },
  { name: 'nftables', why: 'the firewall' },
  { name: 'iproute2', why: 'the operator looks at addresses and links' },
  { name: 'iputils-ping', why: 'the operator asks whether the network answers' },
  { name: 'openssh-server', why: 'remote log-in, only when a key is configured' },
  { name: 'sudo', why: 'the operator acts as root, with the password' },
  { name: 'less', why: 'pager of journalctl and systemctl' },
  { name: 'procps', why: 'ps and top for the operator' },
  { name: 'util-linux', why: 'mount, agetty, blkid, wipefs, lsblk' },
  { name: 'fdisk', why: 'sfdisk: the installer partitions with it' },
  { name: 'dosfstools', why: 'mkfs.vfat: the installer makes the ESP' },
  { name: 'e2fsprogs', why: 'mkfs.ext4 and e2fsck: the state partition' },
  { name: 'xfsprogs', why: 'mkfs.xfs and xfs_repair: the data partition' },
  { name: 'efibootmgr', why: 'the installer leaves one NVRAM entry' },
  { name: 'cryptsetup-bin', why: 'veritysetup: the initramfs opens the verified root' },
  { name: 'busybox-static', why: 'the shell and tools of the initramfs' },
  { name: 'libstdc++6', why: 'the TruthDB binary (Node) is linked with it' },
  { name: 'libatomic1', why: 'the TruthDB binary (Node) is linked with it' },
  { name: 'ncurses-base', why: 'terminfo of consoles and serial terminals' },
  { name: 'usr-is-merged', why: 'says that /usr is merged, instead of a perl program that would merge it' },
];

/** Locked like the rest, but only files of them are taken, by the build itself. */
export const BUILD_PACKAGES: readonly WantedPackage[] = [
  {
    name: 'systemd-boot-efi',
    why: 'the EFI stub of the kernel images and the boot loader of the installed disk',
  },
];

/**
 * Installed because dependencies or maintainer scripts ask for them, then removed file by file: nothing that runs on the machine
 * needs them. A check afterwards proves that every remaining program still finds its libraries and interpreters.
 */
export const REMOVED_PACKAGES: readonly WantedPackage[] = [
  { name: 'adduser', why: 'only maintainer scripts call it' },
  { name: 'apt', why: 'the root is read-only: nothing is ever installed' },
  { name: 'debconf', why: 'only maintainer scripts call it' },
  { name: 'debian-archive-keyring', why: 'belongs to apt' },
  { name: 'diffutils', why: 'only maintainer scripts call it' },
  { name: 'dpkg', why: 'the root is read-only: nothing is ever installed' },
  { name: 'gpgv', why: 'belongs to apt' },
  { name: 'init-system-helpers', why: 'only maintainer scripts call it' },
  { name: 'libapt-pkg6.0', why: 'belongs to apt' },
  { name: 'libdebconfclient0', why: 'belongs to debconf' },
  { name: 'libicu72', why: 'only xfs_scrub is linked with it, which is removed' },
  { name: 'libpython3-stdlib', why: 'no python' },
  { name: 'libpython3.11-minimal', why: 'no python' },
  { name: 'libpython3.11-stdlib', why: 'no python' },
  { name: 'libsemanage-common', why: 'only useradd and its like, which are removed' },
  { name: 'libsemanage2', why: 'only useradd and its like, which are removed' },
  { name: 'libsepol2', why: 'belongs to libsemanage' },
  { name: 'libsqlite3-0', why: 'belongs to python' },
  { name: 'media-types', why: 'belongs to python' },
  { name: 'perl-base', why: 'only maintainer scripts are written in it' },
  { name: 'python3', why: 'only xfs_scrub_all is written in it' },
  { name: 'python3-minimal', why: 'no python' },
  { name: 'python3.11', why: 'no python' },
  { name: 'python3.11-minimal', why: 'no python' },
  { name: 'runit-helper', why: 'no runit' },
  { name: 'sensible-utils', why: 'only maintainer scripts call it' },
  { name: 'ucf', why: 'only maintainer scripts call it' },
  { name: 'usr-is-merged', why: 'has said what it had to say' },
];

export interface RemovedPath {
  /** Whole path or directory, without leading slash; `*` stands for any characters but a slash. */
  readonly path: string;
  readonly why: string;
}

/** Paths removed whoever brought them. */
export const REMOVED_PATHS: readonly RemovedPath[] = [
  { path: 'boot', why: 'kernels live on the ESP' },
  { path: 'media', why: 'nothing is mounted there' },
  { path: 'srv', why: 'unused' },
  { path: 'usr/games', why: 'unused' },
  { path: 'usr/include', why: 'nothing is compiled here' },
  { path: 'usr/src', why: 'nothing is compiled here' },
  { path: 'usr/local', why: 'nothing is installed by hand' },
  { path: 'usr/share/doc', why: 'the documentation is online' },
  { path: 'usr/share/man', why: 'the documentation is online' },
  { path: 'usr/share/info', why: 'the documentation is online' },
  { path: 'usr/share/doc-base', why: 'the documentation is online' },
  { path: 'usr/share/locale', why: 'messages are in English' },
  { path: 'usr/share/i18n', why: 'sources of locales' },
  { path: 'usr/share/common-licenses', why: 'the SBOM names the licences' },
  { path: 'usr/share/lintian', why: 'for package maintainers' },
  { path: 'usr/share/bug', why: 'for package maintainers' },
  { path: 'usr/share/debconf', why: 'no debconf' },
  { path: 'usr/share/perl5', why: 'no perl' },
  { path: 'usr/share/python3', why: 'no python' },
  { path: 'usr/lib/python3*', why: 'no python' },
  { path: 'usr/share/zsh', why: 'completions for an absent shell' },
  { path: 'usr/share/bash-completion', why: 'the operator types a handful of commands' },
  { path: 'usr/share/menu', why: 'no desktop' },
  { path: 'usr/share/applications', why: 'no desktop' },
  { path: 'usr/share/pixmaps', why: 'no desktop' },
  { path: 'usr/share/polkit-1', why: 'no polkit' },
  { path: 'usr/share/initramfs-tools', why: 'the build makes its own initramfs' },
  { path: 'usr/share/tabset', why: 'hardware terminals of another century' },
  { path: 'usr/share/keyrings', why: 'belongs to apt' },
  { path: 'usr/share/apport', why: 'for package maintainers' },
  { path: 'usr/lib/apt', why: 'belongs to apt' },
  { path: 'usr/lib/dpkg', why: 'belongs to dpkg' },
  { path: 'usr/lib/init', why: 'System V init' },
  { path: 'usr/lib/lsb', why: 'System V init' },
  { path: 'usr/lib/modprobe.d', why: 'the kernel has no modules' },
  { path: 'usr/lib/modules-load.d', why: 'the kernel has no modules' },
  { path: 'usr/lib/x86_64-linux-gnu/gconv', why: 'character sets other than UTF-8' },
  { path: 'usr/lib/x86_64-linux-gnu/perl-base', why: 'no perl' },
  { path: 'usr/lib/udev/hwdb.d', why: '22 MB of vendor names and laptop keyboards; a server needs neither' },
  { path: 'usr/lib/udev/hwdb.bin', why: 'compiled from the above' },
  { path: 'etc/udev/hwdb.bin', why: 'compiled from the above' },
  { path: 'etc/udev/hwdb.d', why: 'sources of the above' },
  { path: 'usr/lib/x86_64-linux-gnu/tc', why: 'plug-ins of tc for ATM networks' },
  { path: 'usr/sbin/update-passwd', why: 'accounts come from the configuration' },
  { path: 'usr/sbin/xfs_scrub', why: 'pulls in 36 MB of Unicode tables' },
  { path: 'usr/sbin/xfs_scrub_all', why: 'written in python' },
  { path: 'usr/lib/systemd/system/xfs_scrub*', why: 'see xfs_scrub' },
  { path: 'usr/lib/systemd/system/e2scrub*', why: 'needs LVM' },
  { path: 'usr/sbin/e2scrub*', why: 'needs LVM' },
  { path: 'usr/sbin/useradd', why: 'accounts come from the configuration' },
  { path: 'usr/sbin/userdel', why: 'accounts come from the configuration' },
  { path: 'usr/sbin/usermod', why: 'accounts come from the configuration' },
  { path: 'usr/sbin/groupadd', why: 'accounts come from the configuration' },
  { path: 'usr/sbin/groupdel', why: 'accounts come from the configuration' },
  { path: 'usr/sbin/groupmod', why: 'accounts come from the configuration' },
  { path: 'usr/sbin/groupmems', why: 'accounts come from the configuration' },
  { path: 'usr/sbin/newusers', why: 'accounts come from the configuration' },
  { path: 'usr/sbin/chgpasswd', why: 'accounts come from the configuration' },
  { path: 'usr/sbin/vipw', why: 'accounts come from the configuration' },
  { path: 'usr/sbin/vigr', why: 'accounts come from the configuration' },
  {
    path: 'usr/lib/systemd/system-generators/systemd-gpt-auto-generator',
    why: 'finds partitions on any disk',
  },
  { path: 'usr/lib/systemd/system-generators/systemd-veritysetup-generator', why: 'the initramfs does it' },
  { path: 'usr/lib/systemd/system-generators/systemd-cryptsetup-generator', why: 'no crypttab' },
  { path: 'usr/lib/systemd/system-generators/systemd-integritysetup-generator', why: 'no integritytab' },
  { path: 'usr/lib/systemd/system-generators/systemd-hibernate-resume-generator', why: 'no hibernation' },
  { path: 'usr/lib/systemd/system-generators/systemd-sysv-generator', why: 'no System V init scripts' },
  { path: 'usr/lib/systemd/system-generators/systemd-rc-local-generator', why: 'no rc.local' },
  { path: 'usr/lib/systemd/system-generators/systemd-debug-generator', why: 'would open a root shell' },
  { path: 'usr/lib/systemd/system/debug-shell.service', why: 'would open a root shell' },
  { path: 'etc/apt', why: 'belongs to apt' },
  { path: 'etc/dpkg', why: 'belongs to dpkg' },
  { path: 'etc/cron.d', why: 'no cron' },
  { path: 'etc/cron.daily', why: 'no cron' },
  { path: 'etc/cron.weekly', why: 'no cron' },
  { path: 'etc/logrotate.d', why: 'the journal rotates itself' },
  { path: 'etc/default', why: 'System V init' },
  { path: 'etc/init.d', why: 'System V init' },
  { path: 'etc/rc*.d', why: 'System V init' },
  { path: 'etc/kernel', why: 'no kernel packages' },
  { path: 'etc/modprobe.d', why: 'the kernel has no modules' },
  { path: 'etc/modules-load.d', why: 'the kernel has no modules' },
  { path: 'etc/python3*', why: 'no python' },
  { path: 'etc/perl', why: 'no perl' },
  { path: 'etc/skel', why: 'no accounts are made here' },
  { path: 'etc/runit', why: 'no runit' },
  { path: 'etc/sv', why: 'no runit' },
  { path: 'etc/ufw', why: 'the firewall is nftables alone' },
  { path: 'etc/e2scrub.conf', why: 'see e2scrub' },
  { path: 'etc/nftables.conf', why: 'the rules are rendered at boot' },
  { path: 'etc/motd', why: 'promises no warranty to an operator who only wants a prompt' },
  { path: 'etc/update-motd.d', why: 'runs programs at every log-in' },
  { path: 'etc/*-', why: 'backups of passwd and its like' },
  { path: 'etc/.pwd.lock', why: 'left by maintainer scripts' },
  { path: 'etc/dhcp', why: 'hooks of an absent DHCP client' },
  { path: 'etc/fstab', why: 'mounts are made by the initramfs and by units' },
  { path: 'etc/mtab', why: 'util-linux reads /proc/self/mountinfo' },
  { path: 'etc/.resolv.conf.systemd-resolved.bak', why: 'left by a maintainer script' },
  { path: 'etc/hostname', why: 'comes from the build host; the configuration renders it' },
  { path: 'etc/resolv.conf', why: 'comes from the build host; resolved renders it' },
  { path: 'etc/systemd/system', why: 'what starts is said in one table of the build' },
  { path: 'etc/systemd/user', why: 'no user managers' },
  { path: 'etc/ssh/ssh_host_*', why: 'a host key in an image is shared by every machine' },
  { path: 'var', why: 'a tmpfs at run time' },
];

/** Programs that keep their set-user-id or set-group-id bit; every other one loses it. */
export const SET_ID_PROGRAMS: readonly WantedPackage[] = [
  { name: 'usr/bin/sudo', why: 'the operator acts as root' },
  { name: 'usr/sbin/unix_chkpwd', why: 'PAM checks a password for a program that is not root' },
];

/** Debian packages the build host needs for the image (the kernel has its own list). */
export const hostPackages: readonly string[] = [
  'binutils',
  'cryptsetup-bin',
  'debian-archive-keyring',
  'dosfstools',
  'mmdebstrap',
  'mtools',
  'squashfs-tools',
  'xorriso',
];
