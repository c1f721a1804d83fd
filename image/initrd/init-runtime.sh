#!/bin/sh
# First program of an installed system. It finds the disk the firmware booted, opens the verified root on it, mounts that disk's
# state, and hands over to systemd. Whatever is missing or double stops the boot with a sentence: it never guesses and never
# mounts an unverified root.
set -u
export PATH=/bin
SYS=/sys
DEV=/dev
root=/sysroot
. /lib/constants.sh
. /lib/console.sh
. /lib/boot-disk.sh

mount_kernel_filesystems() {
  mount -t devtmpfs -o mode=0755,nosuid dev /dev
  mount -t proc -o nosuid,nodev,noexec proc /proc
  mount -t sysfs -o nosuid,nodev,noexec sys /sys
  mount -t tmpfs -o mode=0755,nosuid,nodev run /run
  # A machine without EFI variables falls back to the search by root hash.
  mount -t efivarfs -o ro,nosuid,nodev,noexec efivarfs /sys/firmware/efi/efivars 2>/dev/null || :
}

# The verity root hash is what this kernel image was built for; its halves are the PARTUUIDs of the root and of its hash tree.
read_root_hash() {
  hash=$(argument roothash)
  [ -n "$hash" ] || stop "the command line has no roothash=, and nothing unverified is mounted"
  [ ${#hash} -eq 64 ] || stop "roothash=$hash is not 64 digits long"
  case $hash in *[!0-9a-f]*) stop "roothash=$hash is not made of lower case hexadecimal digits" ;; esac
  root_uuid=$(echo "$hash" | sed 's/^\(.\{8\}\)\(.\{4\}\)\(.\{4\}\)\(.\{4\}\)\(.\{12\}\).*/\1-\2-\3-\4-\5/')
  verity_uuid=$(echo "$hash" | sed 's/^.\{32\}\(.\{8\}\)\(.\{4\}\)\(.\{4\}\)\(.\{4\}\)\(.\{12\}\)/\1-\2-\3-\4-\5/')
}

# Drivers find disks in their own time. Without the firmware's word the first match proves nothing, so everything must have been
# quiet for a while before it counts as the only one.
wait_for_boot_disk() {
  esp_uuid=$(loader_esp)
  tenths=0
  quiet=0
  seen=none
  while [ $tenths -lt $DISK_WAIT_TENTHS ]; do
    now=$(echo "$SYS"/class/block/*)
    if [ "$now" = "$seen" ]; then
      quiet=$((quiet + 1))
    else
      quiet=0
      seen=$now
      table=$(list_partitions)
    fi
    if find_boot_disk "$table" "$root_uuid" "$esp_uuid"; then
      [ -n "$esp_uuid" ] && return
      [ $quiet -ge $SETTLE_TENTHS ] && return
    elif [ -n "$problem" ]; then
      stop "$problem"
    fi
    sleep 0.1
    tenths=$((tenths + 1))
  done
  if [ -n "$esp_uuid" ]; then
    stop "the disk with the ESP $esp_uuid, from which the firmware booted, did not appear"
  fi
  stop "no disk with the root partition $root_uuid appeared"
}

find_partitions() {
  exec 3>/run/problem
  esp=$(one_partition "$table" "$boot_disk" "$ESP_TYPE" "${esp_uuid:-any}" ESP) &&
    data_root=$(one_partition "$table" "$boot_disk" "$ROOT_TYPE" "$root_uuid" "root $root_uuid") &&
    data_verity=$(one_partition "$table" "$boot_disk" "$VERITY_TYPE" "$verity_uuid" "verity $verity_uuid") &&
    state=$(one_partition "$table" "$boot_disk" "$STATE_TYPE" any state) &&
    data=$(one_partition "$table" "$boot_disk" "$DATA_TYPE" any data) ||
    stop "$(cat /run/problem)"
  exec 3>&-
  rm /run/problem
  log "boot disk $boot_disk: esp $esp root $data_root verity $data_verity state $state data $data"
}

mount_root() {
  # A block that does not match its hash restarts the machine: serving bytes nobody vouched for would be worse.
  veritysetup open --restart-on-corruption "/dev/$data_root" root "/dev/$data_verity" "$hash" ||
    stop "the root partition $data_root does not match the root hash"
  mount -t squashfs -o ro,nodev /dev/mapper/root $root || stop "the verified root image cannot be mounted"
}

mount_state() {
  # 0: clean, 1: repaired. The journal is replayed by the mount itself.
  e2fsck -p "/dev/$state" >/run/e2fsck.log 2>&1
  status=$?
  [ $status -le 1 ] || stop "the state partition $state is damaged (e2fsck: $status, $(tail -n 1 /run/e2fsck.log))"
  mount -t ext4 -o nosuid,nodev,noexec,noatime "/dev/$state" $root/state ||
    stop "the state partition $state cannot be mounted"
}

# Everything that survives a restart lies on the state partition and is mounted where Linux expects it.
mount_writable_places() {
  mount -t tmpfs -o mode=0755,nosuid,nodev,noexec,size=25% var $root/var
  mkdir -p $root/var/lib/systemd $root/var/log/journal
  for pair in systemd:var/lib/systemd journal:var/log/journal "units:$ENABLED_UNITS_DIRECTORY"; do
    mkdir -p "$root/state/${pair%%:*}"
    mount -o bind "$root/state/${pair%%:*}" "$root/${pair#*:}" || stop "state/${pair%%:*} cannot be mounted"
  done
  keep_machine_id
  mount -o bind $root/state/machine-id $root/etc/machine-id
}

# The installer makes the id; a lost one is made anew, because without one systemd takes every boot for the first.
keep_machine_id() {
  file=$root/state/machine-id
  grep -qx '[0-9a-f]\{32\}' "$file" 2>/dev/null && return
  log "making a new machine id"
  tr -d - </proc/sys/kernel/random/uuid >"$file.new"
  chmod 0444 "$file.new"
  mv "$file.new" "$file"
  sync
}

# systemd mounts the data: replaying a large journal may take long, and a machine whose data cannot be mounted still lets the
# operator in. The units name the very partitions found above.
write_units() {
  units=/run/systemd/system
  mkdir -p $units/local-fs.target.wants /run/appliance
  printf '%s\n' "disk=$boot_disk" "esp=$esp" "root=$data_root" "verity=$data_verity" "state=$state" "data=$data" \
    "roothash=$hash" >/run/appliance/boot-disk
  # Through a link of our own: for a path below /dev systemd would wait until udev has said what the kernel told us long ago.
  ln -s "/dev/$data" /run/appliance/data
  write_mount var-lib-truthdb "Database files" /run/appliance/data /var/lib/truthdb xfs nosuid,nodev,noexec,noatime
  ln -s ../var-lib-truthdb.mount $units/local-fs.target.wants/
  # Mounted when somebody looks, unmounted soon after: a FAT file system is best left alone.
  write_mount efi "EFI system partition" "/dev/$esp" /efi vfat nosuid,nodev,noexec,umask=0077
  printf '%s\n' '[Unit]' 'Description=EFI system partition' '[Automount]' 'Where=/efi' 'TimeoutIdleSec=60' >$units/efi.automount
  ln -s ../efi.automount $units/local-fs.target.wants/
}

write_mount() {
  printf '%s\n' '[Unit]' "Description=$2" '[Mount]' "What=$3" "Where=$4" "Type=$5" "Options=$6" >"$units/$1.mount"
}

hand_over() {
  umount /sys/firmware/efi/efivars 2>/dev/null || :
  for name in dev proc sys run; do mount -o move /$name $root/$name; done
  exec switch_root $root /usr/lib/systemd/systemd
}

mount_kernel_filesystems
read_root_hash
wait_for_boot_disk
find_partitions
mount_root
mount_state
mount_writable_places
write_units
hand_over
stop "systemd could not be started"
