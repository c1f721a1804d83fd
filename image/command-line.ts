/**
 * Kernel command lines. They are part of the kernel images and nothing else adds to them: without a boot menu's editor, and with
 * Secure Boot, this is all a kernel is ever told.
 */

/** Both consoles get kernel messages; the last one is /dev/console, so the screen it is. */
const CONSOLES = ['console=ttyS0,115200', 'console=tty0'];

/** A silent boot: the splash stays until systemd or the installer has something to say. */
const QUIET = [
  'quiet',
  'loglevel=3',
  'systemd.show_status=auto',
  'rd.udev.log_level=3',
  'vt.global_cursor_default=0',
  'consoleblank=0',
];

/** Restart ten seconds after a panic: a boot counted down by the loader must not hang. */
const PANIC = ['panic=10'];

/** Repeats what the kernel's configuration says, so that it holds with a kernel configured less strictly as well. */
const HARDENING = [
  'slab_nomerge',
  'init_on_alloc=1',
  'randomize_kstack_offset=on',
  'lockdown=integrity',
  'proc_mem.force_override=never',
];

/** systemd looks for partitions on its own unless told not to; ours are found by the initramfs, on our disk only. */
const NO_DISCOVERY = ['systemd.gpt_auto=0', 'systemd.verity=0'];

export interface RuntimeCommandLine {
  /** 64 hexadecimal digits. */
  readonly rootHash: string;
  readonly version: string;
}

export function runtimeCommandLine({ rootHash, version }: RuntimeCommandLine): string {
  const binding = [`roothash=${rootHash}`, `ver=${version}`];
  return ['ro', ...QUIET, ...CONSOLES, ...PANIC, ...HARDENING, ...NO_DISCOVERY, ...binding].join(' ');
}

/** The unattended medium differs in its last word and in nothing else. */
export function installerCommandLine(mode: 'interactive' | 'unattended', version: string): string {
  const words = [...QUIET, ...CONSOLES, ...PANIC, ...HARDENING, ...NO_DISCOVERY, `ver=${version}`];
  const last = mode === 'unattended' ? ['truthdb.unattended=1'] : [];
  return [...words, 'systemd.unit=truthdb-installer.target', ...last].join(' ');
}
