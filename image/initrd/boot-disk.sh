# Finding the disk this machine was booted from, and the partitions on it. Sourced by init-runtime.sh, and by the tests with
# SYS and DEV pointing at a made-up machine.
#
# Names of disks mean nothing and the root's PARTUUID is the same on every disk installed from one medium, so the only honest
# answer is the firmware's: LoaderDevicePartUUID is the ESP the boot loader was started from, and its parent is our disk. All
# other partitions are looked for on that disk alone.

loader_variable=LoaderDevicePartUUID-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f

# PARTUUID of the ESP we were loaded from, lower case; nothing where the firmware left none. An EFI variable is four bytes of
# attributes and then UTF-16.
loader_esp() {
  variable=$SYS/firmware/efi/efivars/$loader_variable
  [ -r "$variable" ] || return 0
  tail -c +5 "$variable" | tr -d '\000' | tr 'A-F' 'a-f'
}

# One line per partition: name, disk, type GUID, PARTUUID. One partx per disk, because every process started here is boot time.
list_partitions() {
  for disk_entry in "$SYS"/class/block/*; do
    [ -e "$disk_entry/partition" ] && continue
    set -- "$disk_entry"/*/partition
    [ -e "$1" ] || continue
    disk=${disk_entry##*/}
    # sysfs writes the slash of names like cciss/c0d0 as an exclamation mark.
    node=$disk
    case $disk in *!*) node=$(echo "$disk" | tr '!' '/') ;; esac
    partx --raw --noheadings --output NR,TYPE,UUID "$DEV/$node" 2>/dev/null | tr 'A-F' 'a-f' |
      while read -r number type uuid; do
        for entry in "$@"; do
          read -r partition <"$entry"
          [ "$partition" = "$number" ] || continue
          entry=${entry%/partition}
          echo "${entry##*/} $disk ${type:--} ${uuid:--}"
        done
      done
  done
}

# select_partitions TABLE DISK TYPE UUID: names that match; "any" matches everything.
select_partitions() {
  while read -r name disk type uuid; do
    if [ "$2" = any ] || [ "$disk" = "$2" ]; then
      if [ "$3" = any ] || [ "$type" = "$3" ]; then
        if [ "$4" = any ] || [ "$uuid" = "$4" ]; then
          echo "$name"
        fi
      fi
    fi
  done <<END
$1
END
}

# disks_of TABLE NAMES: the disks the named partitions lie on.
disks_of() {
  for wanted in $2; do
    while read -r name disk type uuid; do
      if [ "$name" = "$wanted" ]; then echo "$disk"; fi
    done <<END
$1
END
  done
}

count_words() {
  # shellcheck disable=SC2086 # splitting is the point
  set -- $1
  echo $#
}

# find_boot_disk TABLE ROOT_UUID ESP_UUID: sets boot_disk and succeeds; or sets problem and fails. problem is empty while a disk
# may still turn up.
find_boot_disk() {
  boot_disk=
  problem=
  if [ -n "$3" ]; then
    found=$(select_partitions "$1" any "$ESP_TYPE" "$3")
    what="ESP partitions with the PARTUUID $3 the boot loader names"
  else
    found=$(select_partitions "$1" any "$ROOT_TYPE" "$2")
    what="root partitions with the PARTUUID $2, and the firmware does not say which disk it booted"
  fi
  case $(count_words "$found") in
    0) return 1 ;;
    1) boot_disk=$(disks_of "$1" "$found") ;;
    *)
      disks=$(disks_of "$1" "$found")
      problem="there are $(count_words "$found") $what: on $(echo $disks | sed 's/ / and /g'); remove one of these disks"
      return 1
      ;;
  esac
}

# one_partition TABLE DISK TYPE UUID WHAT: prints the one partition's name, or nothing, with a sentence on descriptor 3.
one_partition() {
  found=$(select_partitions "$1" "$2" "$3" "$4")
  case $(count_words "$found") in
    1) echo "$found" ;;
    0)
      echo "disk $2 has no $5 partition" >&3
      return 1
      ;;
    *)
      echo "disk $2 has several $5 partitions: $(echo $found)" >&3
      return 1
      ;;
  esac
}
