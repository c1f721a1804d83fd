/** Programs rewritten: they compute what they did before, and stop where they have to. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TruthError } from '../../../db/errors.ts';
import { HOST_FUNCTIONS } from '../../../db/reducers/host-functions.ts';
import { programOf } from '../../../db/reducers/program.ts';
import {
  FUEL_EXPORT,
  instrument,
  MEMORY_EXPORT,
  readModule,
  STACK_EXPORT,
} from '../../../db/reducers/wasm/index.ts';
import { webAssembly } from '../../../db/reducers/web-assembly.ts';
import {
  F32,
  F64,
  type HandMade,
  I32,
  I64,
  type ModuleParts,
  moduleOf,
  signed,
  unsigned,
} from './support/assemble.ts';

type Exports = Record<string, (...args: number[]) => number> &
  Record<string, { value: number; buffer: ArrayBuffer }>;

function exportsOf(bytes: Uint8Array<ArrayBuffer>): Exports {
  return new webAssembly.Instance(new webAssembly.Module(bytes), {}).exports as Exports;
}

function rewritten(file: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return instrument(readModule(file, HOST_FUNCTIONS));
}

/** What a call gives, or `stopped`; with what was left of fuel and stack. */
function called(
  exports: Exports,
  fuel: number,
  ...args: number[]
): { result: number | 'stopped'; fuel: number; stack: number } {
  exports[FUEL_EXPORT]!.value = fuel;
  exports[STACK_EXPORT]!.value = 24_576;
  let result: number | 'stopped';
  try {
    result = exports['run']!(...args);
  } catch (error) {
    if (!(error instanceof webAssembly.RuntimeError)) throw error;
    result = 'stopped';
  }
  return { result, fuel: exports[FUEL_EXPORT]!.value, stack: exports[STACK_EXPORT]!.value };
}

const run = (body: readonly number[], fields: Partial<HandMade> = {}): HandMade => ({
  ...{ name: 'run', params: [I32, I32], results: [I32], locals: [I32, I32, I64, F64], body },
  ...fields,
});
const constant = (value: number): number[] => [0x41, ...signed(value)];
const local = (index: number): number[] => [0x20, index];

/** Expressions of type i32 over parameters 0 and 1, local 2, memory and a global; and statements of them. */
const { expression, statements } = fc.letrec<{
  expression: number[];
  statement: number[];
  statements: number[];
}>((tie) => ({
  expression: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.integer({ min: -200, max: 200 }).map(constant),
    fc.constantFrom(0, 1, 2).map(local),
    fc.constant<number[]>([0x23, 0]),
    // Any two operands, divisions by zero among them.
    fc
      .tuple(
        tie('expression'),
        tie('expression'),
        fc.constantFrom(0x6a, 0x6b, 0x6c, 0x6d, 0x70, 0x71, 0x73, 0x74, 0x76, 0x48, 0x4d),
      )
      .map(([a, b, operator]) => [...a, ...b, operator]),
    tie('expression').map((a) => [...a, 0xc0]),
    tie('expression').map((a) => [...a, 0x41, 0xff, 0x00, 0x71, 0x28, 2, 0]),
    // Through floats and back.
    fc.tuple(tie('expression'), tie('expression')).map(([a, b]) => [...a, 0xb7, ...b, 0xb7, 0xa2, 0xfc, 2]),
    fc
      .tuple(tie('expression'), tie('expression'), tie('expression'))
      .map(([a, b, c]) => [...a, 0x04, I32, ...b, 0x05, ...c, 0x0b]),
    fc
      .tuple(tie('expression'), tie('expression'), tie('expression'))
      .map(([a, b, c]) => [...a, ...b, ...c, 0x1b]),
    fc.tuple(tie('expression'), tie('expression')).map(([a, b]) => [...a, ...b, 0x10, 1]),
    fc.tuple(tie('expression'), tie('expression')).map(([a, b]) => [...a, ...b, ...constant(0), 0x11, 1, 0]),
    // Out of a block with a value, or on to the next.
    fc.tuple(tie('expression'), tie('expression')).map(([a, b]) => [0x02, I32, ...a, ...b, 0x0d, 0, 0x0b]),
  ),
  statement: fc.oneof(
    { depthSize: 'small' },
    tie('expression').map((a) => [...a, 0x21, 2]),
    tie('expression').map((a) => [...a, 0x24, 0]),
    fc
      .tuple(tie('expression'), tie('expression'))
      .map(([a, b]) => [...a, 0x41, 0xff, 0x00, 0x71, ...b, 0x36, 2, 0]),
    fc.tuple(tie('expression'), tie('statements')).map(([a, b]) => [...a, 0x04, 0x40, ...b, 0x0b]),
    tie('expression').map((a) => [0x41, 0, ...a, 0x41, 63, 0x71, ...constant(64), 0xfc, 10, 0, 0]),
    tie('expression').map((a) => [0x41, 32, ...constant(7), ...a, 0x41, 63, 0x71, 0xfc, 11, 0]),
    tie('expression').map((a) => [...a, 0x04, 0x40, ...constant(7), 0x0f, 0x0b]),
    // Some rounds, counted in a local of its own that the body does not know.
    tie('expression').map((a) => [
      ...[...constant(9), 0x21, 3, 0x03, 0x40, ...a, 0x21, 2],
      ...[...local(3), ...constant(1), 0x6b, 0x22, 3, 0x0d, 0, 0x0b],
    ]),
  ),
  statements: fc
    .array(tie('statement'), { maxLength: 4, depthIdentifier: 'statements' })
    .map((all) => all.flat()),
}));

const program: fc.Arbitrary<ModuleParts> = fc
  .tuple(statements, expression, expression)
  .map(([body, result, other]) => ({
    functions: [
      run([...body, ...result]),
      // Without calls, so that everything ends.
      run(other.every((_, index) => other[index] !== 0x10 && other[index] !== 0x11) ? other : local(1), {
        name: 'other',
      }),
    ],
    globals: [5],
    table: [1],
    data: [1, 2, 3, 250, 251, 252],
  }));

function original(exports: Exports, ...args: number[]): number | 'stopped' {
  try {
    return exports['run']!(...args);
  } catch {
    return 'stopped';
  }
}

const LOTS = 1_000_000;

describe('a program that was rewritten', () => {
  test('computes the same, leaves the same memory, and costs the same each time', () => {
    fc.assert(
      fc.property(program, fc.integer(), fc.integer(), (parts, a, b) => {
        const file = moduleOf(parts);
        expect(webAssembly.validate(file)).toBe(true);
        const code = rewritten(file);
        expect(webAssembly.validate(code)).toBe(true);
        const before = exportsOf(file);
        const after = exportsOf(code);
        const wanted = original(before, a, b);
        const got = called(after, LOTS, a, b);
        expect(got.result).toBe(wanted);
        expect(
          Buffer.compare(Buffer.from(after[MEMORY_EXPORT]!.buffer), Buffer.from(before['memory']!.buffer)),
        ).toBe(0);
        if (got.result !== 'stopped') expect(got.stack).toBe(24_576);
        // Exactly as much is enough, one less is not.
        const spent = LOTS - got.fuel;
        expect(called(exportsOf(code), spent, a, b)).toEqual({ ...got, fuel: 0 });
        const less = called(exportsOf(code), spent - 1, a, b);
        expect(less.result).toBe('stopped');
        if (got.result !== 'stopped') expect(less.fuel).toBeLessThan(0);
      }),
    );
  });

  test('is not longer than a few times what it was', () => {
    fc.assert(
      fc.property(program, (parts) => {
        const file = moduleOf(parts);
        expect(rewritten(file).length).toBeLessThan(600 + file.length * 12);
      }),
    );
  });
});

describe('what a program spends', () => {
  const forever = moduleOf({ functions: [run([0x03, 0x40, 0x0c, 0, 0x0b, ...constant(1)])] });

  test('ends a loop that never ends', () => {
    expect(called(exportsOf(rewritten(forever)), 1_000_000, 0, 0)).toMatchObject({
      result: 'stopped',
      fuel: -1,
    });
  });

  test('ends what calls itself, long before the stack of the machine does', () => {
    const deeper = (locals: number): Uint8Array<ArrayBuffer> =>
      moduleOf({
        functions: [run([...local(0), ...local(1), 0x10, 0], { locals: Array<number>(locals).fill(I64) })],
      });
    for (const locals of [0, 10, 1_900]) {
      const { result, stack, fuel } = called(exportsOf(rewritten(deeper(locals))), LOTS, 0, 0);
      expect(result).toBe('stopped');
      expect(stack).toBeLessThan(0);
      expect(fuel).toBeGreaterThan(0);
    }
  });

  test('grows with the bytes that are copied', () => {
    const filling = rewritten(
      moduleOf({
        functions: [run([...constant(0), ...constant(7), ...local(0), 0xfc, 11, 0, ...constant(1)])],
        memory: [16, 16],
      }),
    );
    const costs = (bytes: number): number => LOTS - called(exportsOf(filling), LOTS, bytes, 0).fuel;
    expect(costs(1_000_000) - costs(0)).toBe(1_000_000 >>> 5);
    // A length that is negative as a number is a large one.
    expect(called(exportsOf(filling), LOTS, -1, 0)).toMatchObject({ result: 'stopped' });
  });
});

describe('a NaN', () => {
  const zeroByZero = [0x44, ...new Uint8Array(8), 0x44, ...new Uint8Array(8), 0xa3];
  const bits = (body: readonly number[]): bigint => {
    const fields = { params: [], results: [I64] };
    const made = exportsOf(rewritten(moduleOf({ functions: [run(body, fields)] })));
    return BigInt.asUintN(64, BigInt(called(made, LOTS).result));
  };

  test('has one pattern where its bits are seen', () => {
    const canonical = 0x7ff8_0000_0000_0000n;
    const odd = [0x44, 1, 2, 3, 4, 5, 6, 0xff, 0xff];
    expect(bits([...zeroByZero, 0xbd])).toBe(canonical);
    expect(bits([...odd, 0xbd])).toBe(canonical);
    expect(bits([...odd, 0x9a, 0xbd])).toBe(canonical);
    expect(bits([...constant(0), ...odd, 0x39, 3, 0, ...constant(0), 0x29, 3, 0])).toBe(canonical);
    // A sign taken from a NaN: the sign of the one pattern.
    expect(bits([0x44, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, ...odd, 0xa6, 0xbd])).toBe(0x3ff0_0000_0000_0000n);
    const odd32 = [0x43, 1, 2, 0xff, 0xff];
    expect(bits([...odd32, 0xbc, 0xad])).toBe(0x7fc0_0000n);
    expect(bits([...constant(0), ...odd32, 0x38, 2, 0, ...constant(0), 0x35, 2, 0])).toBe(0x7fc0_0000n);
  });

  test('and nothing else is changed', () => {
    expect(bits([0x44, 0, 0, 0, 0, 0, 0, 0, 0x80, 0xbd])).toBe(0x8000_0000_0000_0000n);
    expect(bits([0x44, 0, 0, 0, 0, 0, 0, 0xf0, 0xff, 0xbd])).toBe(0xfff0_0000_0000_0000n);
  });
});

function refusal(file: Uint8Array): string {
  try {
    programOf(file);
    return 'taken';
  } catch (error) {
    if (!(error instanceof TruthError)) throw error;
    expect(error.details['sqlstate']).toBe('42P13');
    return error.message;
  }
}

describe('refused is', () => {
  const body = (...bytes: number[]): Uint8Array => moduleOf({ functions: [run([...bytes, ...constant(1)])] });

  test.each<[string, Uint8Array, RegExp]>([
    ['SIMD', body(0xfd, 12, ...new Uint8Array(16), 0x1a), /SIMD/],
    ['threads', body(0xfe, 3, 0), /threads/],
    ['an exception', body(0x08, 0), /0x8 is not among/],
    ['a tail call', body(0x12, 0), /0x12 is not among/],
    ['a table that grows', body(0xfc, 15, 0), /0xfc0f is not among/],
    ['data that is dropped', body(0xfc, 9, 0), /drops data/],
    ['a reference', body(0xd0, 0x70), /0xd0 is not among/],
    ['a local that is not its own', body(0x20, 7, 0x1a), /no local 7/],
    ['a global that is not its own', body(0x23, 0, 0x1a), /no global 0/],
    ['a start function', moduleOf({ functions: [run(constant(1))], extra: [[8, [0]]] }), /start function/],
    [
      'an import of a clock',
      moduleOf({ functions: [run(constant(1))], imports: [{ module: 'env', name: 'now', type: 0 }] }),
      /env\.now/,
    ],
    [
      'an import of the host’s of another type',
      moduleOf({ functions: [run(constant(1))], imports: [{ module: 'truthdb', name: 'log', type: 0 }] }),
      /other parameters/,
    ],
    [
      'a memory that is too large',
      moduleOf({ functions: [run(constant(1))], memory: [257, 257] }),
      /257 pages/,
    ],
    [
      'more locals than a frame may have',
      moduleOf({ functions: [run(constant(1), { locals: Array<number>(2_001).fill(F32) })] }),
      /more than 2000 locals/,
    ],
    [
      'a name of the host’s',
      moduleOf({ functions: [run(constant(1), { name: 'truthdb:fuel' })] }),
      /are the host's/,
    ],
    ['a section nobody knows', moduleOf({ functions: [run(constant(1))], extra: [[13, [0]]] }), /section 13/],
    ['what has no exports of a reducer', body(0x01), /does not export the function "alloc"/],
    ['what is no module', Buffer.from('hello, world'), /not a WebAssembly module/],
    ['what does not type', body(0x6a), /WebAssembly rejects/],
    ['a file of 2 MiB', new Uint8Array(2_097_152), /more than 1048576/],
  ])('%s', (_what, file, message) => {
    expect(refusal(file)).toMatch(message);
  });

  test('anything, in words: a cut file, a changed byte, bytes at random', () => {
    const good = moduleOf({
      functions: [run([...local(0), 0x41, 1, 0x6a])],
      table: [0],
      globals: [1],
      data: [9],
    });
    const changed = fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, byte]) => good.with(at, byte));
    const cut = fc.nat(good.length).map((length) => good.slice(0, length));
    const soup = fc
      .uint8Array({ maxLength: 200 })
      .map((bytes) => Uint8Array.from([...good.subarray(0, 8), ...bytes]));
    const section = fc
      .tuple(fc.nat(13), fc.uint8Array({ maxLength: 40 }))
      .map(([id, bytes]) =>
        Uint8Array.from([...good.subarray(0, 8), id, ...unsigned(bytes.length), ...bytes]),
      );
    fc.assert(
      fc.property(fc.oneof(changed, cut, soup, section), (bytes) => {
        expect(refusal(bytes)).not.toBe('');
      }),
      { numRuns: 1_000 },
    );
  });

  test('a list that claims to be long, before room is made for it', () => {
    const claims = Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 5, 0xff, 0xff, 0xff, 0xff, 0x0f]);
    expect(refusal(claims)).toMatch(/longer than the file/);
    expect(F64).toBe(0x7c);
  });
});
