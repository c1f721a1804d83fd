/**
 * Parsers of what the kernel and the probing tools print. Each is total: lines it does not understand are left out, because a
 * disk this installer has never heard of must not keep the others from being shown.
 */

import { z } from 'zod';
import type { Signature } from './disk.ts';

/** What udev knows about one block device. */
export interface UdevDevice {
  readonly properties: ReadonlyMap<string, string>;
  /** Links below /dev. */
  readonly links: readonly string[];
}

/** `udevadm info --export-db` → devices of subsystem block by kernel name. */
export function parseUdevDatabase(text: string): ReadonlyMap<string, UdevDevice> {
  const devices = new Map<string, UdevDevice>();
  for (const block of text.split(/\n\s*\n/)) {
    const properties = new Map<string, string>();
    const links: string[] = [];
    let name = '';
    for (const line of block.split('\n')) {
      const value = line.slice(3).trimEnd();
      if (line.startsWith('N: ')) name = value;
      else if (line.startsWith('S: ')) links.push(value);
      else if (line.startsWith('E: ')) {
        const equals = value.indexOf('=');
        if (equals > 0) properties.set(value.slice(0, equals), value.slice(equals + 1));
      }
    }
    if (name !== '' && properties.get('SUBSYSTEM') === 'block') devices.set(name, { properties, links });
  }
  return devices;
}

/** `blkid --probe --output export` → properties by kernel name. */
export function parseBlkid(text: string): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const nodes = new Map<string, Map<string, string>>();
  let current: Map<string, string> | undefined;
  for (const line of text.split('\n')) {
    const equals = line.indexOf('=');
    if (equals <= 0) continue;
    const key = line.slice(0, equals);
    // The export format escapes what a shell would take apart; the device name has nothing to escape.
    const value = line.slice(equals + 1).replaceAll(/\\(.)/g, '$1');
    if (key === 'DEVNAME') {
      current = new Map();
      nodes.set(nodeName(value), current);
    } else {
      current?.set(key, value);
    }
  }
  return nodes;
}

const wipefsDocument = z.object({
  signatures: z.array(
    z.object({
      device: z.string(),
      type: z.string(),
      uuid: z.string().nullable().optional(),
      label: z.string().nullable().optional(),
    }),
  ),
});

/** `wipefs --no-act --json` → the distinct signatures; a file system with several magic numbers counts once. */
export function parseWipefs(text: string): readonly Signature[] {
  const parsed = wipefsDocument.safeParse(jsonOf(text));
  if (!parsed.success) return [];
  const signatures = new Map<string, Signature>();
  for (const { device, type, uuid, label } of parsed.data.signatures) {
    const signature = { node: nodeName(device), type, uuid: uuid ?? '', label: label ?? '' };
    signatures.set(JSON.stringify(signature), signature);
  }
  return [...signatures.values()];
}

export interface Mount {
  readonly majorMinor: string;
  readonly path: string;
  readonly source: string;
}

/** /proc/self/mountinfo, see proc_pid_mountinfo(5). */
export function parseMountinfo(text: string): readonly Mount[] {
  const mounts: Mount[] = [];
  for (const line of text.split('\n')) {
    const [before, after] = line.split(' - ');
    const [, , majorMinor, , path] = before?.split(' ') ?? [];
    const source = after?.split(' ')[1];
    if (majorMinor === undefined || path === undefined || source === undefined) continue;
    mounts.push({ majorMinor, path: unescapeOctal(path), source: unescapeOctal(source) });
  }
  return mounts;
}

/** /proc/swaps → paths of devices (swap files lie on a mounted file system and need no rule of their own). */
export function parseSwaps(text: string): readonly string[] {
  return text
    .split('\n')
    .slice(1)
    .map((line) => unescapeOctal(line.split(/\s+/)[0] ?? ''))
    .filter((path) => path.startsWith('/dev/'));
}

/**
 * The volume group an LVM physical volume belongs to, read from the text of its metadata area: `name {\nid = "…"`. blkid knows
 * only the volume's UUID, which nobody can be expected to recognise.
 */
export function parseVolumeGroupName(start: Uint8Array): string {
  const match = /(?:^|\0)([A-Za-z0-9+_.-]{1,127}) \{\nid = "/.exec(Buffer.from(start).toString('latin1'));
  return match?.[1] ?? '';
}

/** EFI variable holding a UTF-16 string: four bytes of attributes, then the text with its closing zero. */
export function parseEfiString(variable: Uint8Array): string {
  return Buffer.from(variable.subarray(4)).toString('utf16le').replaceAll('\0', '').toLowerCase();
}

/** "/dev/sda1" or "sda1" → "sda1". sysfs writes '!' where the device has '/'. */
export function nodeName(device: string): string {
  return device.replace(/^\/dev\//, '').replaceAll('/', '!');
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The kernel writes blanks, tabs, line breaks and backslashes in paths as three octal digits. */
function unescapeOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_match, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
