import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PendingRequests } from '../../../db/client/pending-requests.ts';

test('each request is given back once, under its number, as a map would', () => {
  const steps = fc.array(fc.oneof(fc.constant('add' as const), fc.nat()), { maxLength: 500 });
  fc.assert(
    fc.property(steps, (program) => {
      const pending = new PendingRequests<string>(2);
      const model = new Map<number, string>();
      for (const [at, step] of program.entries()) {
        if (step === 'add') {
          const number = pending.nextNumber();
          expect(model.has(number)).toBe(false);
          pending.add(number, `request ${at}`);
          model.set(number, `request ${at}`);
        } else {
          // Sometimes one that is pending, sometimes one that is done or never was.
          const number = [...model.keys()][step % (model.size + 1)] ?? step;
          expect(pending.take(number)).toBe(model.get(number) ?? null);
          model.delete(number);
        }
        expect(pending.size).toBe(model.size);
      }
      expect(pending.inOrder()).toEqual([...model]);
    }),
  );
});

test('a request that waits for long does not keep others from their numbers', () => {
  const pending = new PendingRequests<string>(2);
  const first = pending.nextNumber();
  pending.add(first, 'slow');
  for (let turn = 0; turn < 1000; turn++) {
    const number = pending.nextNumber();
    pending.add(number, 'quick');
    expect(pending.take(number)).toBe('quick');
  }
  expect(pending.take(first)).toBe('slow');
  expect(pending.take(first)).toBeNull();
});

test('numbers begin again behind the largest, and order follows', () => {
  const pending = new PendingRequests<string>(0xffff_fffe);
  const numbers = ['a', 'b', 'c'].map((name) => {
    const number = pending.nextNumber();
    if (name !== 'a') pending.add(number, name);
    return number;
  });
  expect(numbers).toEqual([0xffff_fffe, 0xffff_ffff, 0xffff_fffe]);
  expect(pending.inOrder().map(([, name]) => name)).toEqual(['b', 'c']);
});

test('those that meet a condition are taken out together', () => {
  const pending = new PendingRequests<number>(2);
  for (let value = 0; value < 100; value++) pending.add(pending.nextNumber(), value);
  expect(pending.takeWhere((value) => value % 2 === 0)).toHaveLength(50);
  expect(pending.size).toBe(50);
  expect(pending.inOrder().map(([, value]) => value % 2)).toEqual(new Array(50).fill(1));
});
