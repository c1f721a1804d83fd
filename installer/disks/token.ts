/**
 * What must be typed to erase a disk. It comes from the disk itself, so that the hand that types it has read the row of the right
 * disk: the end of its serial number, of its WWN when it has no serial, or a random code shown on its row when it has neither.
 */

import type { ConfirmationToken } from './disk.ts';

/** Shorter ends are too easily those of another disk that is plugged in later. */
export const TOKEN_LENGTH_MIN = 4;

/** No I, O, Q, S, Z and no vowels: nothing to be taken for a digit and no words. */
const CODE_LETTERS = 'BCDFGHJKLMNPRTVWXY';

export interface Identity {
  readonly serial: string;
  readonly wwn: string;
}

/**
 * One token per disk, in the order given; undefined where disks cannot be told apart.
 *
 * A token is at least {@link TOKEN_LENGTH_MIN} long and no other disk's serial, WWN or token ends in it, whatever the case.
 *
 * @param random Bytes for the codes; new ones at each scan, so that a code read off an old list is void.
 */
export function confirmationTokens(
  disks: readonly Identity[],
  random: (count: number) => Uint8Array,
): readonly (ConfirmationToken | undefined)[] {
  const codes = new Set<string>();
  return disks.map((disk, index) => {
    const others = disks
      .filter((_, other) => other !== index)
      .flatMap((other) => [other.serial, other.wwn])
      .map(fold);
    const serial = shortestUniqueSuffix(disk.serial, others);
    if (serial !== undefined) return { source: 'serial', text: serial };
    const wwn = shortestUniqueSuffix(disk.wwn, others);
    if (wwn !== undefined) return { source: 'wwn', text: wwn };
    if (disk.serial !== '' && others.includes(fold(disk.serial))) return undefined;
    return { source: 'code', text: freshCode(codes, disks, random) };
  });
}

/** Whether what was typed is the token. Case does not count: uniqueness was decided without it. */
export function tokenMatches(token: ConfirmationToken, typed: string): boolean {
  return fold(typed.trim()) === fold(token.text);
}

function shortestUniqueSuffix(identifier: string, others: readonly string[]): string | undefined {
  for (let length = TOKEN_LENGTH_MIN; length <= identifier.length; length += 1) {
    const suffix = identifier.slice(-length);
    if (!others.some((other) => other.endsWith(fold(suffix)))) return suffix;
  }
  return undefined;
}

function freshCode(
  taken: Set<string>,
  disks: readonly Identity[],
  random: (count: number) => Uint8Array,
): string {
  const identifiers = disks.flatMap((disk) => [disk.serial, disk.wwn]).map(fold);
  for (;;) {
    const code = [...random(TOKEN_LENGTH_MIN)]
      .map((byte) => CODE_LETTERS[byte % CODE_LETTERS.length])
      .join('');
    if (!taken.has(code) && !identifiers.some((identifier) => identifier.endsWith(fold(code)))) {
      taken.add(code);
      return code;
    }
  }
}

function fold(text: string): string {
  return text.toLowerCase();
}
