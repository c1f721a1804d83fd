import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ImportedEvent, jsonlEvents } from '../../db/cli/import-jsonl.ts';
import { Event } from '../../db/client/index.ts';
import type { RecordedEvent } from '../../db/streams/event.ts';
import { compareWithSample } from '../../scripts/sample/compare.ts';
import { generatedEvents, generatedLines } from '../../scripts/sample/generated.ts';
import { makeSample } from '../../scripts/sample/index.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(os.tmpdir(), 'truthdb-sample-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The generated events as a database gives them back, changed by `edit`. */
async function* readBack(
  edit: (event: RecordedEvent, index: number) => RecordedEvent = (event) => event,
): AsyncIterable<Event> {
  const revisions = new Map<string, number>();
  for (const [index, { stream, event }] of generatedEvents().entries()) {
    const revision = revisions.get(stream) ?? 0;
    revisions.set(stream, revision + 1);
    const recorded = {
      ...event,
      stream,
      revision,
      position: 10 + index * 2,
      recordedAt: 0n,
    } as unknown as RecordedEvent;
    yield new Event(edit(recorded, index));
  }
}

describe('the sample', () => {
  test('is generated where there is no git history, and the file says what the events say', async () => {
    const sample = await makeSample(folder, folder);
    expect(sample.description).toContain('the git history has 0 commits, fewer than 100');
    async function* file(): AsyncIterable<Buffer> {
      yield readFileSync(sample.importArguments[0]!);
    }
    const imported: ImportedEvent[] = [];
    const options = { source: 's', stream: undefined, type: undefined };
    for await (const event of jsonlEvents(file(), options)) imported.push(event);
    expect(imported).toEqual(sample.events);
  });

  test('is the git history once that has a hundred commits', async () => {
    const commits = Array.from(
      { length: 100 },
      (_, index) =>
        `commit refs/heads/main\ncommitter Ada <ada@example.org> ${index} +0000\ndata 1\nx\n` +
        `M 644 inline file\ndata ${String(index).length}\n${index}\n`,
    );
    execFileSync('git', ['init', '-q', '-b', 'main', folder]);
    execFileSync('git', ['-C', folder, 'fast-import', '--quiet'], { input: commits.join('\n') });
    const sample = await makeSample(folder, folder);
    expect(sample.importArguments).toEqual(['--git', folder]);
    expect(sample.events).toHaveLength(100);
    expect(new Set(sample.events.map(({ stream }) => stream))).toEqual(new Set(['git/file']));
  });

  test('is 1,200 events with ids of their own, the same at every call', () => {
    expect(generatedLines()).toBe(generatedLines());
    expect(new Set(generatedEvents().map(({ event }) => event.id.toString())).size).toBe(1200);
  });
});

describe('what comes back', () => {
  test('is accepted when it is what went in', async () => {
    expect(await compareWithSample(readBack(), generatedEvents())).toEqual({ events: 1200, streams: 25 });
  });

  test.each<[string, (event: RecordedEvent, index: number) => RecordedEvent, RegExp]>([
    [
      'an event with other data',
      (event, index) => (index === 7 ? { ...event, data: Buffer.from('{}') } : event),
      /carries other data/,
    ],
    [
      'an event of another type',
      (event, index) => (index === 7 ? { ...event, type: 'x' } : event),
      /has the type x/,
    ],
    [
      'a gap in a stream',
      (event, index) => (index === 30 ? { ...event, revision: 2 as never } : event),
      /follows revision 0/,
    ],
    [
      'a foreign stream',
      (event, index) => (index === 7 ? { ...event, stream: 'x' as never } : event),
      /was never put in/,
    ],
    [
      'a log out of order',
      (event, index) => (index === 7 ? { ...event, position: 1 as never } : event),
      /position 1 follows/,
    ],
  ])('is refused for %s', async (_, edit, message) => {
    await expect(compareWithSample(readBack(edit), generatedEvents())).rejects.toThrow(message);
  });

  test('is refused when something is missing or comes twice', async () => {
    async function* first(count: number): AsyncIterable<Event> {
      let given = 0;
      for await (const event of readBack()) if (given++ < count) yield event;
    }
    await expect(compareWithSample(first(1199), generatedEvents())).rejects.toThrow(
      '1200 events went in, 1199 came out',
    );
    async function* twice(): AsyncIterable<Event> {
      yield* readBack();
      yield* readBack();
    }
    await expect(compareWithSample(twice(), generatedEvents())).rejects.toThrow('was never put in');
  });
});
