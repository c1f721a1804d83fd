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
        .filter(({ name, isType }) => !usedElsewhere(name) && !(isType && occurs(source.text, name) > 1))
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

  test('what is applied and answered from knows no clock and no chance, and computes what is everywhere the same', () => {
    const rooms = ['kernel', 'materializer', 'streams', 'numeric', 'sql', 'ranking'];
    const guilty = product
      .filter(({ path }) => rooms.some((room) => path.startsWith(`db/${room}/`)))
      // Threads, which have time and names.
      .filter(({ path }) => !path.startsWith('db/sql/pool/'))
      .flatMap(({ path, text }) => changeable(withoutComments(text)).map((what) => `${path}: ${what}`));
    expect(guilty).toEqual([]);
  });

  test.each([
    'const a = Math.random();',
    'const a = Math.pow(x, 2);',
    'const a = x ** 2;',
    'a **= 2;',
    'const a = Math.exp(x) + Math.floor(y);',
    'const { log } = Math;',
    "const f = Math['pow'];",
    'const now = Date.now();',
    'const now = new Date();',
    'const now = performance.now();',
    'const now = process.hrtime.bigint();',
    "import { randomBytes } from 'node:crypto';",
    'setTimeout(() => apply(), 5);',
  ])('such as not: %s', (line) => {
    expect(changeable(withoutComments(`/** Math.max of x ** 2 */\n${line}`))).toHaveLength(1);
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

/** Of Math, what the language's specification fixes to the last bit. */
const FIXED = /^(abs|ceil|clz32|floor|fround|imul|max|min|round|sign|sqrt|trunc|LN2|LOG2E|LOG10E)$/;

/** What comes out otherwise at another time or on another machine. */
function changeable(text: string): string[] {
  const found = [
    ...text.matchAll(/\*\*/g),
    ...text.matchAll(/(?<!instanceof )\bDate\b(?!\([^)])/g),
    ...text.matchAll(/\b(?:performance\.|hrtime\b|set(?:Timeout|Interval|Immediate)\b)/g),
    ...text.matchAll(/\b(?:random(?:Bytes|Fill|Int|UUID)|getRandomValues)\b/g),
  ].map(([what]) => what);
  const mathematics = [...text.matchAll(/\bMath\b(?:\.(\w+))?/g)].filter(
    ([, name]) => !FIXED.test(name ?? ''),
  );
  return [...found, ...mathematics.map(([what]) => what)];
}

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

/** How many sources each word stands in. */
const sourcesOf = new Map<string, number>();
for (const { text } of everything)
  for (const word of new Set(text.match(/\w+/g))) sourcesOf.set(word, (sourcesOf.get(word) ?? 0) + 1);

function usedElsewhere(name: string): boolean {
  return (sourcesOf.get(name) ?? 0) > 1;
}

function occurs(text: string, name: string): number {
  return [...text.matchAll(new RegExp(`\\b${name}\\b`, 'g'))].length;
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
}
