import { expect, test } from 'vitest';
import { lowerCase, upperCase } from '../../../../db/sql/expression/letter-case.ts';

const CODES = 0x11_0000;

test('the tables of letters are those of Unicode, one letter for one letter', () => {
  const wrong: string[] = [];
  for (let code = 0; code < CODES; code++) {
    if (code >= 0xd800 && code < 0xe000) continue;
    const letter = String.fromCodePoint(code);
    if (lowerCase(letter) !== single(letter.toLowerCase(), code === 0x130 ? 'i' : letter))
      wrong.push(`lower ${code}`);
    if (upperCase(letter) !== single(letter.toUpperCase(), letter)) wrong.push(`upper ${code}`);
  }
  expect(wrong).toEqual([]);
});

test('words change letter by letter, whatever stands beside them', () => {
  expect(lowerCase('ΑΣ ÀÉ İ')).toBe('ας àé i'.replace('ς', 'σ'));
  expect(upperCase('straße ǆ ﬁ')).toBe('STRAßE Ǆ ﬁ');
  expect(lowerCase('PLAIN 123')).toBe('plain 123');
});

function single(changed: string, letter: string): string {
  return [...changed].length === 1 ? changed : letter;
}
