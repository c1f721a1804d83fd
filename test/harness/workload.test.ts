import { describe, expect, test } from 'vitest';
import { type Found, findLoss, type Issued } from '../vm/harness/workload.ts';

/** Ten events of two streams; the first four were acknowledged when the recording had 400 bytes, the first eight were sent by then. */
const issued: readonly Issued[] = Array.from({ length: 10 }, (_, number) => ({
  id: `id-${number}`,
  stream: `s/${number % 2}`,
  sentAt: number * 50,
  acknowledgedAt: number < 4 ? number * 100 + 100 : number < 6 ? 500 : undefined,
}));
const cutAt = 399;
const lastPromised = 2;
const lastSent = 7;

function upTo(last: number): Found[] {
  return issued.slice(0, last + 1).map(({ id, stream }, number) => ({ id, stream, number }));
}

describe('a database after a power cut', () => {
  test('is whole with anything from what was promised to what was sent', () => {
    for (let last = lastPromised; last <= lastSent; last += 1)
      expect(findLoss(upTo(last), issued, cutAt)).toBeUndefined();
  });

  test('has lost something when an acknowledged event is gone', () => {
    expect(findLoss(upTo(lastPromised - 1), issued, cutAt)).toContain(
      '2 events are there, 3 were acknowledged',
    );
    expect(findLoss([], issued, cutAt)).toContain('0 events are there, 3 were acknowledged');
  });

  test('has made something up when an event is there that nobody had sent', () => {
    expect(findLoss(upTo(lastSent + 1), issued, cutAt)).toContain('9 events are there, 8 had been sent');
    const stranger = { id: 'stranger', stream: 's/1', number: 3 };
    expect(findLoss([...upTo(2), stranger], issued, cutAt)).toContain('stranger');
  });

  test('is wrong when an event is there twice, is missing in between, or stands in another place', () => {
    const whole = upTo(5);
    const [a, b, c] = whole as [Found, Found, Found];
    expect(findLoss([a, b, b, ...whole.slice(2)], issued, cutAt)).toContain('event 2');
    expect(findLoss(whole.toSpliced(4, 1), issued, cutAt)).toContain('event 4');
    expect(findLoss([b, a, c, ...whole.slice(3)], issued, cutAt)).toContain('event 0');
    expect(findLoss(whole.with(2, { ...c, stream: 's/1' }), issued, cutAt)).toContain('event 2');
    expect(findLoss(whole.with(2, { ...c, number: 9 }), issued, cutAt)).toContain('event 2');
  });
});
