# Speaking to whoever looks at a console. The kernel log reaches all of them at once, and later the journal.

# Level 6: only in the log. Level 2: on every console, even with a quiet kernel.
log() { echo "<6>truthdb-init: $1" >/dev/kmsg; }
shout() { echo "<2>truthdb: $1" >/dev/kmsg; }

# The end of the road: say why, leave time to read it, and try again, because an unattended machine has nobody to press a key and a
# boot loader that counts tries needs a restart to fall back.
stop() {
  shout "this system cannot start: $1"
  shout "The machine restarts in $STOP_SECONDS seconds."
  sleep "$STOP_SECONDS"
  reboot -f
}

# argument NAME: value of NAME=… on the kernel's command line; nothing when absent.
argument() {
  for word in $(cat /proc/cmdline); do
    case $word in
      "$1"=*)
        echo "${word#*=}"
        return
        ;;
    esac
  done
}
