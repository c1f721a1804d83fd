import { expect, test } from 'vitest';
import { appendGroup, newDisk, open } from './support.ts';

/** Position of the first such call in the trace; -1 where there is none. */
function first(trace: readonly string[], call: string | RegExp): number {
  return trace.findIndex((each) => (typeof call === 'string' ? each === call : call.test(each)));
}

test('a start makes the names it found durable before it writes: who renamed them may have been killed', async () => {
  const disk = newDisk();
  const { log } = await open(disk);
  appendGroup(log, 'a');
  await log.close();
  disk.killProcess();
  disk.trace.length = 0;
  const again = await open(disk);
  const synced = first(disk.trace, 'fsyncDirectory wal');
  expect(synced).toBeGreaterThanOrEqual(0);
  expect(synced).toBeLessThan(first(disk.trace, /^pwrite .*\.open$/));
  await again.log.close();
});

test("a new log's own name is made durable in the directory above it", () => {
  const { trace } = newDisk();
  const own = first(trace, 'mkdir data');
  expect(own).toBeGreaterThanOrEqual(0);
  expect(trace.slice(own).includes('fsyncDirectory ')).toBe(true);
});
