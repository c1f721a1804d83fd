/**
 * The same log gives the same views and answers on other processors, emulated, and however the program is compiled: decided,
 * applied and asked in a process of its own each time, SIMD of WebAssembly included.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const REPLAY = join(import.meta.dirname, 'replay-life.ts');
const SEED = 5;
const COMMANDS = 250;
const EMULATION_MILLIS_MAX = 300_000;

interface Replayed {
  /** Digests by what they are of. */
  readonly same: Readonly<Record<string, string>>;
  readonly powers: string;
}

function replayed(under: readonly string[], flags: readonly string[] = []): Promise<Replayed> {
  const [program = '', ...args] = [...under, process.execPath, ...flags, REPLAY, `${SEED}`, `${COMMANDS}`];
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: {} });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk;
    });
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk;
    });
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve(JSON.parse(out)) : reject(new Error(`${code}: ${err}`)),
    );
  });
}

const here = replayed([]);

test('there is something to compare', async () => {
  const { same } = await here;
  expect(new Set(Object.values(same)).size).toBe(10);
});

describe('the same digests and answers', () => {
  test.each([
    [
      'interpreted, with WebAssembly compiled plainly',
      ['--no-opt', '--no-maglev', '--no-sparkplug', '--liftoff-only'],
    ],
    ['compiled early, with WebAssembly optimised', ['--always-sparkplug', '--stress-maglev', '--no-liftoff']],
    [
      'without the instructions of newer processors',
      ['--no-enable-avx', '--no-enable-avx2', '--no-enable-fma3', '--no-enable-sse4-2'],
    ],
  ])('%s', async (_, flags) => {
    expect((await replayed([], flags)).same).toEqual((await here).same);
  });

  test(
    'on an emulated processor of 2008, and on one with everything, which compute powers differently',
    async () => {
      const emulated = (cpu: string) => replayed(['qemu-x86_64', '-cpu', cpu]);
      const [old, everything] = await Promise.all([emulated('Nehalem'), emulated('max')]);
      expect(old.same).toEqual((await here).same);
      expect(everything.same).toEqual((await here).same);
      // Were they not, this would prove nothing about processors.
      expect(old.powers).not.toBe(everything.powers);
    },
    EMULATION_MILLIS_MAX,
  );
});
