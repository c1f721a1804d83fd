import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { brokenChecks, judgeKernels, parseChecks } from '../../image/kernel-checks.ts';
import { mergeFragments, parseConfig } from '../../image/kernel-config.ts';

const folder = resolve(import.meta.dirname, '..', '..', 'kernel-config');
const reason = 'Because the machine is safer this way.';
const check = (option: string, is = 'y') => ({ option, is, reason });
const checks = (list: object[], exceptions: object[] = []) =>
  parseChecks(JSON.stringify({ checks: list, exceptions }));
const both = (text: string) => ({ installer: parseConfig(text), runtime: parseConfig(text) });

describe('a hardening check', () => {
  test('holds when both kernels have the value', () => {
    expect(brokenChecks(checks([check('YAMA'), check('KEXEC', 'n')]), both('CONFIG_YAMA=y'))).toEqual([]);
  });

  test('breaks with its reason and the kernel that broke it', () => {
    const final = { installer: parseConfig('CONFIG_YAMA=y'), runtime: parseConfig('') };
    expect(brokenChecks(checks([check('YAMA')]), final)).toEqual([
      expect.stringContaining(`runtime: YAMA is n, not y: ${reason}`),
    ]);
  });

  test('looks only at the kernels it names', () => {
    const only = checks([{ ...check('LOCKED'), kernels: ['runtime'] }]);
    expect(
      brokenChecks(only, { installer: parseConfig(''), runtime: parseConfig('CONFIG_LOCKED=y') }),
    ).toEqual([]);
  });

  test('may be excused with a reason', () => {
    expect(brokenChecks(checks([check('KFENCE')], [{ option: 'KFENCE', reason }]), both(''))).toEqual([]);
  });

  test('may be excused in one kernel and still count in the other', () => {
    const excused = checks([check('LOCKED')], [{ option: 'LOCKED', kernels: ['installer'], reason }]);
    expect(brokenChecks(excused, both(''))).toEqual([expect.stringContaining('runtime: LOCKED')]);
  });

  test.each([
    ['the check holds', [check('YAMA')], 'CONFIG_YAMA=y'],
    ['nothing checks the option', [check('OTHER', 'n')], ''],
  ])('has no needless exception: %s', (_why, list, text) => {
    const stale = checks(list, [{ option: 'YAMA', kernels: ['runtime'], reason }]);
    expect(brokenChecks(stale, both(text))).toEqual([
      expect.stringContaining('runtime: the exception for YAMA'),
    ]);
  });
});

describe('checks.json', () => {
  test.each([
    ['an entry without a reason', { checks: [{ option: 'A', is: 'y' }], exceptions: [] }, 'reason'],
    ['a reason that is none', { checks: [{ ...check('A'), reason: 'safer' }], exceptions: [] }, 'reason'],
    ['an unknown kernel', { checks: [{ ...check('A'), kernels: ['test'] }], exceptions: [] }, 'kernels'],
    [
      'the CONFIG_ prefix of a fragment',
      { checks: [check('CONFIG_A=y')], exceptions: [] },
      'without CONFIG_',
    ],
    ['a misspelt key', { checks: [check('A')], exceptions: [], excuses: [] }, 'excuses'],
    ['no checks at all', { checks: [], exceptions: [] }, 'checks'],
    ['the same check twice', { checks: [check('A'), check('A', 'n')], exceptions: [] }, 'A in the installer'],
  ])('is refused with %s', (_what, content, message) => {
    expect(() => parseChecks(JSON.stringify(content))).toThrow(message);
  });

  test('is refused when it is not JSON', () => {
    expect(() => parseChecks('checks:')).toThrow('checks.json cannot be used');
  });
});

describe('the verdict on two kernels', () => {
  const wanted = { installer: parseConfig('CONFIG_A=y'), runtime: parseConfig('CONFIG_A=y') };
  const hardware = new Set(['NVME']);

  test('is silent when all is as asked', () => {
    const evidence = {
      wanted,
      final: both('CONFIG_A=y\nCONFIG_NVME=y'),
      hardware,
      checks: checks([check('A')]),
    };
    expect(judgeKernels(evidence)).toEqual([]);
  });

  test('names the missing option, the driver that differs and the broken check', () => {
    const final = { installer: parseConfig('CONFIG_A=y\nCONFIG_NVME=y'), runtime: parseConfig('') };
    expect(judgeKernels({ wanted, final, hardware, checks: checks([check('A')]) })).toEqual([
      expect.stringContaining('runtime: A should be y but is n'),
      expect.stringContaining('NVME is y in the installer but n in the runtime kernel'),
      expect.stringContaining('runtime: A is n, not y'),
    ]);
  });
});

describe('our own kernel-config', () => {
  const read = (name: string) => readFileSync(join(folder, name), 'utf8');
  const shared = ['hardware.config', 'system.config', 'hardening.config'];
  const wantedBy = (kernel: string) =>
    mergeFragments([...shared, `${kernel}.config`].map((file) => ({ file, text: read(file) })));
  const real = parseChecks(read('checks.json'));

  test('has at least sixty checks, each for an option of its own', () => {
    expect(real.checks.length).toBeGreaterThanOrEqual(60);
  });

  test.each(['installer', 'runtime'] as const)(
    'asks for nothing in the %s kernel that a check forbids',
    (kernel) => {
      const wanted = wantedBy(kernel);
      const excused = new Set(real.exceptions.map(({ option }) => option));
      const contradicted = real.checks.filter(
        ({ option, is, kernels }) =>
          (kernels ?? [kernel]).includes(kernel) &&
          !excused.has(option) &&
          wanted.has(option) &&
          wanted.get(option) !== is,
      );
      expect(contradicted.map(({ option }) => option)).toEqual([]);
    },
  );

  test('says in every block of every fragment why it is there', () => {
    const silent = readdirSync(folder)
      .filter((name) => name.endsWith('.config'))
      .flatMap((name) => blocksOf(read(name)).map((block) => `${name}: ${block.title}|${block.comments}`))
      .filter((block) => block.endsWith('|0'));
    expect(silent).toEqual([]);
  });
});

/** Blocks start with `# --- title ---`; their comments are the other lines that start with `#` and name no option. */
function blocksOf(text: string): { title: string; comments: number }[] {
  return text
    .split(/^# --- /m)
    .slice(1)
    .map((block) => ({
      title: block.split(' ---')[0] ?? '',
      comments: block
        .split('\n')
        .slice(1)
        .filter((line) => line.startsWith('#') && !line.includes('CONFIG_')).length,
    }));
}
