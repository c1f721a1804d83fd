import { expect, test } from 'vitest';
import { formatUuid, newUuid, parseUuid } from '../../../db/protocol/index.ts';

test('new ids are UUIDs of version 7 that begin with the time and differ from each other', () => {
  const before = Date.now();
  const ids = Array.from({ length: 1000 }, () => formatUuid(newUuid()));
  const after = Date.now();
  for (const id of ids) {
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const millis = Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);
    expect(millis).toBeGreaterThanOrEqual(before);
    expect(millis).toBeLessThanOrEqual(after);
  }
  expect(new Set(ids).size).toBe(1000);
});

test('an id reads as it was written', () => {
  const id = newUuid();
  expect(Buffer.compare(parseUuid(formatUuid(id)), id)).toBe(0);
});
