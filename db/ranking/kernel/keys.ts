/** Keys of entities, and other short texts people give: 1 to 256 bytes of UTF-8 without control characters. */

export const KEY_BYTES_MAX = 256;

const FIRST_PRINTABLE = 0x20;
const DELETE = 0x7f;
const C1_LAST = 0x9f;
const ASCII_END = 0x80;
const SHOWN_CHARACTERS_MAX = 60;

/** What is wrong with a key, with the way out; null when nothing is. Every key of every signal comes by here. */
export function keyProblem(what: string, key: string): string | null {
  if (typeof key !== 'string') return `${what} is ${typeof key}, not text: give it as text`;
  if (key.length === 0) return `${what} is empty: give 1 to ${KEY_BYTES_MAX} bytes of UTF-8`;
  if (key.length > KEY_BYTES_MAX) return tooLong(what, key);
  for (let index = 0; index < key.length; index++) {
    const code = key.charCodeAt(index);
    if (code >= ASCII_END || code < FIRST_PRINTABLE || code === DELETE) return rareProblem(what, key);
  }
  return null;
}

export function shownKey(key: string): string {
  return JSON.stringify(key.length > SHOWN_CHARACTERS_MAX ? `${key.slice(0, SHOWN_CHARACTERS_MAX)}…` : key);
}

/** Of keys that are not plain ASCII. */
function rareProblem(what: string, key: string): string | null {
  for (let index = 0; index < key.length; index++) {
    const code = key.charCodeAt(index);
    if (code < FIRST_PRINTABLE || (code >= DELETE && code <= C1_LAST))
      return `${what} ${shownKey(key)} has the control character U+${code.toString(16).padStart(4, '0')} at ${index}: leave it out`;
  }
  if (!key.isWellFormed()) return `${what} ${shownKey(key)} has half of a surrogate pair: leave it out`;
  return Buffer.byteLength(key) > KEY_BYTES_MAX ? tooLong(what, key) : null;
}

function tooLong(what: string, key: string): string {
  return `${what} ${shownKey(key)} takes ${Buffer.byteLength(key)} bytes of UTF-8, more than ${KEY_BYTES_MAX}: shorten it`;
}
