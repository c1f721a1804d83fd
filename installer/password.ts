/**
 * The operator's password: what is strong enough, and the hash that is stored.
 *
 * The hash is SHA-512 crypt ("$6$", Ulrich Drepper, "Unix crypt using SHA-256 and SHA-512", 2008), computed here over node:crypto
 * and checked against libcrypt in the tests. Doing it in this process keeps the password out of pipes, argument lists and other
 * programs' memory, and the root image needs no package for it.
 */

import { hash } from 'node:crypto';

export const PASSWORD_LENGTH_MIN = 12;
const PASSWORD_LENGTH_MAX = 256;
const DISTINCT_CHARACTERS_MIN = 6;

/** Five times the default of crypt(5). An emulated machine takes seconds for it, a real one a thirtieth of one. */
const ROUNDS = 25_000;
const SALT_LENGTH = 16;
const ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Words that anybody would try first on this very machine. */
const GUESSES = ['truthdb', 'operator', 'password', 'passwort', 'qwerty', '123456', 'letmein', 'welcome'];

/** @returns What is wrong with the password, undefined when it may be used. */
export function passwordWeakness(password: string): string | undefined {
  const characters = [...password];
  if (characters.length < PASSWORD_LENGTH_MIN)
    return `at least ${PASSWORD_LENGTH_MIN} characters, this has ${characters.length}`;
  if (characters.length > PASSWORD_LENGTH_MAX) return `at most ${PASSWORD_LENGTH_MAX} characters`;
  if (/\p{Cc}/u.test(password)) return 'no control characters: they cannot be typed at every console';
  const distinct = new Set(characters).size;
  if (distinct < DISTINCT_CHARACTERS_MIN)
    return `at least ${DISTINCT_CHARACTERS_MIN} different characters, this has ${distinct}`;
  if (isRun(characters)) return 'not characters in the order of the alphabet or the keyboard';
  const rest = GUESSES.reduce((text, guess) => text.replaceAll(guess, ''), password.toLowerCase());
  if ([...rest].length < PASSWORD_LENGTH_MIN / 2)
    return 'not a well-known word with a few characters around it';
  return undefined;
}

/** "abcdefghijkl", "987654321098": each character follows its neighbour by the same small step, most of the time. */
function isRun(characters: readonly string[]): boolean {
  const codes = characters.map((character) => character.codePointAt(0) ?? 0);
  const steps = codes.slice(1).map((code, index) => code - (codes[index] ?? 0));
  const regular = steps.filter((step) => Math.abs(step) <= 1).length;
  return regular >= steps.length * 0.75;
}

/** @param random Source of the salt. */
export function hashPassword(password: string, random: (count: number) => Uint8Array): string {
  const salt = [...random(SALT_LENGTH)].map((byte) => ALPHABET[byte % ALPHABET.length]).join('');
  return sha512Crypt(password, salt, ROUNDS);
}

/** crypt(3) with "$6$rounds=…$salt$". */
export function sha512Crypt(password: string, salt: string, rounds: number): string {
  const key = Buffer.from(password, 'utf8');
  const saltBytes = Buffer.from(salt, 'latin1');
  const start = startDigest(key, saltBytes);
  const keySequence = repeatTo(sha512(Buffer.concat(Array.from(key, () => key))), key.length);
  const saltSequence = repeatTo(
    sha512(Buffer.concat(Array.from({ length: 16 + (start[0] ?? 0) }, () => saltBytes))),
    saltBytes.length,
  );
  let digest = start;
  for (let round = 0; round < rounds; round += 1) {
    const odd = round % 2 === 1;
    const parts = [odd ? keySequence : digest];
    if (round % 3 !== 0) parts.push(saltSequence);
    if (round % 7 !== 0) parts.push(keySequence);
    parts.push(odd ? digest : keySequence);
    digest = sha512(Buffer.concat(parts));
  }
  return `$6$rounds=${rounds}$${salt}$${encode(digest)}`;
}

function startDigest(key: Buffer, salt: Buffer): Buffer {
  const alternate = sha512(Buffer.concat([key, salt, key]));
  const parts = [key, salt, repeatTo(alternate, key.length)];
  for (let bits = key.length; bits > 0; bits >>= 1) parts.push(bits % 2 === 1 ? alternate : key);
  return sha512(Buffer.concat(parts));
}

/** Three bytes from three thirds of the digest make four characters, lowest bits first; the thirds rotate with each group. */
function encode(digest: Buffer): string {
  let text = '';
  let [a, b, c] = [0, 21, 42];
  for (let group = 0; group < 21; group += 1) {
    text += characters(((digest[a] ?? 0) << 16) | ((digest[b] ?? 0) << 8) | (digest[c] ?? 0), 4);
    [a, b, c] = [b + 1, c + 1, a + 1];
  }
  return text + characters(digest[63] ?? 0, 2);
}

function characters(bits: number, count: number): string {
  return Array.from({ length: count }, (_, index) => ALPHABET[(bits >> (6 * index)) & 63]).join('');
}

function repeatTo(digest: Buffer, length: number): Buffer {
  return Buffer.alloc(length, digest);
}

function sha512(bytes: Buffer): Buffer {
  return hash('sha512', bytes, 'buffer');
}
