#!/bin/sh
# First program of the installation medium. The same root image that will be installed lies in this initramfs; it is mounted under
# an overlay in memory, and systemd starts the installer from it. Nothing is read from the medium any more.
set -u
export PATH=/bin
root=/sysroot
payload=/run/truthdb/payload
. /lib/constants.sh
. /lib/console.sh

mount -t devtmpfs -o mode=0755,nosuid dev /dev
mount -t proc -o nosuid,nodev,noexec proc /proc
mount -t sysfs -o nosuid,nodev,noexec sys /sys
mount -t tmpfs -o mode=0755,nosuid,nodev run /run

mount -t squashfs -o loop,ro,nodev /payload/root.squashfs /lower || stop "the root image of the medium cannot be mounted"
mount -t tmpfs -o mode=0755,size=25% upper /upper
mkdir /upper/files /upper/work
mount -t overlay -o lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work overlay $root ||
  stop "the overlay over the root image cannot be mounted"

# One id per boot: an installation that lies about being a known machine confuses DHCP servers.
rm -f $root/etc/machine-id
tr -d - </proc/sys/kernel/random/uuid >$root/etc/machine-id
echo truthdb-installer >/proc/sys/kernel/hostname

# The engine reads the payload here; it stays the one copy in memory, seen through a bind mount.
mkdir -p $payload
mount -o bind /payload $payload
mount -o remount,bind,ro,nosuid,nodev,noexec $payload

for name in dev proc sys run; do mount -o move /$name $root/$name; done
# switch_root would delete the initramfs, and the payload with it; so the new root is only moved over the old one.
cd $root || stop "the new root is gone"
mount -o move . /
exec chroot . /usr/lib/systemd/systemd
