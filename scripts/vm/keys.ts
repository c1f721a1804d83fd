/**
 * Keys under one set of names for both kinds of console: bytes on a serial line (vt220), QEMU key codes on the screen's
 * keyboard (US layout, which is what the kernel's console starts with).
 */

export type KeyName =
  | 'enter'
  | 'escape'
  | 'tab'
  | 'backtab'
  | 'backspace'
  | 'space'
  | 'up'
  | 'down'
  | 'left'
  | 'right'
  | 'f1'
  | 'f2'
  | 'f3'
  | 'f5'
  | 'f9'
  | 'f10'
  | 'ctrl-c'
  | 'ctrl-l';

/** Byte sequence and QEMU key codes (pressed together) of each key. */
const KEYS: Readonly<Record<KeyName, readonly [bytes: string, codes: readonly string[]]>> = {
  enter: ['\r', ['ret']],
  escape: ['\x1b', ['esc']],
  tab: ['\t', ['tab']],
  backtab: ['\x1b[Z', ['shift', 'tab']],
  backspace: ['\x7f', ['backspace']],
  space: [' ', ['spc']],
  up: ['\x1b[A', ['up']],
  down: ['\x1b[B', ['down']],
  right: ['\x1b[C', ['right']],
  left: ['\x1b[D', ['left']],
  f1: ['\x1bOP', ['f1']],
  f2: ['\x1bOQ', ['f2']],
  f3: ['\x1bOR', ['f3']],
  f5: ['\x1b[15~', ['f5']],
  f9: ['\x1b[20~', ['f9']],
  f10: ['\x1b[21~', ['f10']],
  'ctrl-c': ['\x03', ['ctrl', 'c']],
  'ctrl-l': ['\x0c', ['ctrl', 'l']],
};

const PUNCTUATION: Readonly<Record<string, readonly string[]>> = {
  ' ': ['spc'],
  '-': ['minus'],
  '=': ['equal'],
  '[': ['bracket_left'],
  ']': ['bracket_right'],
  ';': ['semicolon'],
  "'": ['apostrophe'],
  ',': ['comma'],
  '.': ['dot'],
  '/': ['slash'],
  '\\': ['backslash'],
  '`': ['grave_accent'],
  '!': ['shift', '1'],
  '@': ['shift', '2'],
  '#': ['shift', '3'],
  $: ['shift', '4'],
  '%': ['shift', '5'],
  '^': ['shift', '6'],
  '&': ['shift', '7'],
  '*': ['shift', '8'],
  '(': ['shift', '9'],
  ')': ['shift', '0'],
  _: ['shift', 'minus'],
  '+': ['shift', 'equal'],
  ':': ['shift', 'semicolon'],
  '"': ['shift', 'apostrophe'],
  '<': ['shift', 'comma'],
  '>': ['shift', 'dot'],
  '?': ['shift', 'slash'],
  '|': ['shift', 'backslash'],
};

/** What a vt220 sends for the key. */
export function serialBytes(key: KeyName): string {
  return KEYS[key][0];
}

/** QEMU key codes (QKeyCode) to press together for the key. */
export function keyCodes(key: KeyName): readonly string[] {
  return KEYS[key][1];
}

/** QEMU key codes for each character of a text. Throws for a character that no key of the US layout gives. */
export function textCodes(text: string): readonly (readonly string[])[] {
  return [...text].map((character) => {
    if (/[a-z0-9]/.test(character)) return [character];
    if (/[A-Z]/.test(character)) return ['shift', character.toLowerCase()];
    const codes = PUNCTUATION[character];
    if (codes === undefined) throw new Error(`no key of a US keyboard types ${JSON.stringify(character)}`);
    return codes;
  });
}
