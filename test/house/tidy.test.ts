import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root, sourcesBelow } from './sources.ts';

const product = sourcesBelow('db', 'installer', 'image', 'scripts');
const everything = [...product, ...sourcesBelow('test')];

const LINES_MAX = 500;

describe('a tidy house', () => {
  test(`no file is past ${LINES_MAX} lines`, () => {
    const long = everything.filter((source) => source.lines > LINES_MAX);
    expect(long.map((source) => `${source.path}: ${source.lines}`)).toEqual([]);
  });

  test('no export is unused', () => {
    const unused = product.flatMap((source) =>
      source.exports
        .filter(({ name }) => name !== 'main')
        .filter(
          ({ name, isType }) =>
            !usedElsewhere(source.path, name) && !(isType && occurs(source.text, name) > 1),
        )
        .map(({ name }) => `${source.path}: ${name}`),
    );
    expect(unused).toEqual([]);
  });

  test('every room of the product opens with what it is for', () => {
    const rooms = ['db', 'installer', 'image'].flatMap((top) =>
      readdirSync(join(root, top), { withFileTypes: true, recursive: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1)),
    );
    const silent = rooms.filter((room) => {
      const files = product.filter(
        (source) => source.path.startsWith(`${room}/`) && !source.path.slice(room.length + 1).includes('/'),
      );
      return files.length > 1 && !files.some((source) => /^\/\*\*[\s\S]{80,}?\*\//.test(source.text));
    });
    expect(silent).toEqual([]);
  });

  test('nothing is left over: no marks of unfinished work, no skipped tests', () => {
    const marks = new RegExp(['TO', 'DO|FIX', 'ME|X', 'XX|HA', 'CK'].join(''));
    const left = everything.filter(
      (source) => marks.test(source.text) || /\.(skip|only|todo)\(/.test(source.text),
    );
    expect(left.map((source) => source.path).filter((path) => path !== 'test/house/tidy.test.ts')).toEqual(
      [],
    );
  });

  test('apply code uses no clock, no randomness and no power function', () => {
    const rooms = ['db/kernel', 'db/materializer', 'db/streams', 'db/numeric', 'db/sql'];
    const banned = /Math\.(random|pow)|\*\*[^/]|Date\.now|new Date\(|performance\.now|process\.hrtime/;
    const guilty = product
      .filter((source) => rooms.some((room) => source.path.startsWith(`${room}/`)))
      .filter((source) => banned.test(withoutComments(source.text)));
    expect(guilty.map((source) => source.path)).toEqual([]);
  });

  test('ranking has its exponentials and logarithms from db/numeric, and its time from its callers', () => {
    const banned =
      /Math\.(random|pow|exp|expm1|log|log1p|log2|log10|tanh|sinh|cosh|cbrt|hypot)\b|\*\*|\bDate\b|\bperformance\./;
    const guilty = product
      .filter(({ path }) => path.startsWith('db/ranking/') && !path.startsWith('db/ranking/retrieve/'))
      .filter((source) => banned.test(withoutComments(source.text)));
    expect(guilty.map((source) => source.path)).toEqual([]);
  });

  test('deciding code does not call itself, and every loop says where it ends', () => {
    const rooms = ['db/kernel', 'db/sql/catalog', 'db/sql/commands', 'db/sql/rows'];
    const guilty = product
      .filter((source) => rooms.some((room) => source.path.startsWith(`${room}/`)))
      .flatMap((source) => {
        const text = withoutComments(source.text);
        const endless = /while \(true\)|for \(;;\)/.test(text) ? ['an endless loop'] : [];
        return [...selfCalls(text), ...endless].map((what) => `${source.path}: ${what}`);
      });
    expect(guilty).toEqual([]);
  });
});

const FUNCTION = /(?:function\*? +(\w+)|^ {2}(?:static |private |async )*(#?\w+))\([^)]*\)[^{;=]*\{/gm;
const KEYWORDS = ['if', 'for', 'while', 'switch', 'catch', 'constructor'];

/** Names of functions and methods that are called in their own bodies. */
function selfCalls(text: string): string[] {
  return [...text.matchAll(FUNCTION)].flatMap((match) => {
    const name = match[1] ?? match[2] ?? '';
    const call = match[1] === undefined ? `this.${name}(` : `${name}(`;
    const body = bodyAt(text, match.index + match[0].length);
    const called = new RegExp(`(?<![\\w.#])${call.replace(/[.(]/g, '\\$&')}`).test(body);
    return called && !KEYWORDS.includes(name) ? [name] : [];
  });
}

/** Up to the brace that closes what was opened before `from`. */
function bodyAt(text: string, from: number): string {
  let depth = 1;
  let at = from;
  for (; at < text.length && depth > 0; at++) {
    if (text[at] === '{') depth += 1;
    else if (text[at] === '}') depth -= 1;
  }
  return text.slice(from, at);
}

function usedElsewhere(path: string, name: string): boolean {
  const word = new RegExp(`\\b${name}\\b`);
  return everything.some((source) => source.path !== path && word.test(source.text));
}

function occurs(text: string, name: string): number {
  return [...text.matchAll(new RegExp(`\\b${name}\\b`, 'g'))].length;
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
}
