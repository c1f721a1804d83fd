import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { folded } from '../../../../../db/ranking/indexes/text/letters.ts';
import { Splitter } from '../../../../../db/ranking/indexes/text/splitter.ts';

const splitter = new Splitter();

/** Words in their places, those that lie over others in brackets. */
function split(text: string): string {
  const tokens = splitter.split(text);
  return Array.from({ length: tokens.count }, (_, at) =>
    tokens.isOverlay(at) ? `[${tokens.words[at]}]` : tokens.words[at],
  ).join(' ');
}

describe('splitting', () => {
  test.each([
    ['Hello, World! 42', 'hello world 42'],
    ['spider-man', 'spider man [spiderman]'],
    ['readFile', 'read file [readfile]'],
    ['HTTPServer', 'http server [httpserver]'],
    ['fs.readFile', 'fs read file [readfile] [fsreadfile]'],
    ['snake_case_name', 'snake case name [snakecasename]'],
    ['DVDs', 'dvds'],
    ['3.14', '3 14'],
    ['v1.2', 'v1 2 [v12]'],
    ["don't", 'dont'],
    ["it's John’s dogs'", 'it john dogs'],
    ["we'll", 'we'],
    ["O'Brien", 'o brien [obrien]'],
    ["L'Avventura", 'l avventura [lavventura]'],
    ['AT&T', 'at t [att]'],
    ['end. Start', 'end start'],
    ['naïve Ångström', 'naive angstrom'],
    ['ﬁne Ｗｉｄｅ', 'fine wide'],
    ['Łódź Øre ẞ', 'lodz ore ss'],
    ['ΣΊΣΥΦΟΣ', 'σισυφοσ'],
    ['東京都', '東 京 [東京] 都 [京都]'],
    ['猫', '猫'],
    ['ภาษา', 'ภ า [ภา] ษ [าษ] า [ษา]'],
    ['soft\u00adhyphen', 'softhyphen'],
    ['e\u0301te\u0301', 'ete'],
    ['𝔘nicode', 'unicode'],
    ['a--b', 'a b'],
    ['', ''],
    ['!!! ???', ''],
  ])('%s is %s', (text, words) => {
    expect(split(text)).toBe(words);
  });

  test('gives words of the text, in order, whatever the text is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
        const tokens = splitter.split(text);
        let last = 0;
        for (let at = 0; at < tokens.count; at++) {
          expect(tokens.words[at]).not.toBe('');
          expect(tokens.words[at]!.length).toBeLessThanOrEqual(64);
          expect(tokens.ends[at]).toBeGreaterThan(tokens.starts[at]!);
          expect(tokens.ends[at]).toBeLessThanOrEqual(text.length);
          if (tokens.isOverlay(at)) continue;
          expect(tokens.starts[at]).toBeGreaterThanOrEqual(last);
          last = tokens.ends[at]!;
        }
      }),
      { numRuns: 200 },
    );
  });

  test('marks that something invisible kept apart come to stand in their order', () => {
    expect(folded('\u0651\u200d\u064c')).toBe('\u064c\u0651');
  });

  test('folding a folded word changes nothing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 12 }), (word) => {
        expect(folded(folded(word))).toBe(folded(word));
      }),
    );
  });
});
