/**
 * Lets blessed be bundled into one file. Two things in it look for files at run time: the widget table requires names it
 * puts together, and the terminal description reader falls back to descriptions beside its own source. Both become part of
 * the bundle. `term.js` and `pty.js` belong to widgets nobody here uses and stay unresolved.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Plugin } from 'esbuild';

/** Descriptions that blessed brings along; a system's own /lib/terminfo comes first. */
const TERMINALS = ['xterm', 'xterm-256color', 'linux'] as const;

export function esbuildBlessed(): Plugin {
  return {
    name: 'blessed',
    setup(build) {
      build.onResolve({ filter: /^(term\.js|pty\.js)$/ }, ({ path }) => ({ path, external: true }));
      build.onLoad({ filter: /blessed\/lib\/widget\.js$/ }, ({ path }) => ({
        contents: staticWidgets(path),
        loader: 'js',
      }));
      build.onLoad({ filter: /blessed\/lib\/tput\.js$/ }, ({ path }) => ({
        contents: embeddedTerminals(path),
        loader: 'js',
      }));
    },
  };
}

function staticWidgets(path: string): string {
  const source = readFileSync(path, 'utf8');
  const list = /widget\.classes = \[([^\]]*)\]/.exec(source)?.[1] ?? '';
  const names = [...list.matchAll(/'(\w+)'/g)].map((match) => (match[1] ?? '').toLowerCase());
  const table = names
    .map((name) => `'${name}': function () { return require('./widgets/${name}'); }`)
    .join(',\n');
  return replaceOnce(source, "require('./widgets/' + file)", `({\n${table}\n})[file]()`, path);
}

function embeddedTerminals(path: string): string {
  const usr = join(dirname(path), '..', 'usr');
  const table = TERMINALS.map((name) => {
    const base64 = readFileSync(join(usr, name)).toString('base64');
    return `'/usr/${name}': '${base64}'`;
  }).join(',\n');
  // blessed normalises `__dirname + '/../usr/' + name`, which from here comes out as `/usr/NAME`.
  const source = readFileSync(path, 'utf8').replaceAll("__dirname + '/../usr/", "'/blessed/../usr/");
  const read = "(EMBEDDED[file] ? Buffer.from(EMBEDDED[file], 'base64') : fs.readFileSync(file))";
  return `var EMBEDDED = {\n${table}\n};\n${replaceOnce(source, 'fs.readFileSync(file)', read, path)}`;
}

/** The rewriting must fail loudly when another version of blessed looks different. */
function replaceOnce(source: string, from: string, to: string, path: string): string {
  const at = source.indexOf(from);
  if (at < 0)
    throw new Error(`${path} no longer contains ${from}; the bundling of blessed must be looked at again`);
  return source.slice(0, at) + to + source.slice(at + from.length);
}
