import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { generatedEvents } from '../../scripts/sample/generated.ts';
import { historyEvents } from '../../scripts/sample/git-history.ts';
import { sampleEvents, sampleLines } from '../../scripts/sample/index.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** A commit as `git log -z --name-status` writes it. */
function commit(hash: string, ...changes: [status: string, path: string][]): string {
  const list = changes.map(([status, path]) => `${status}\0${path}\0`).join('');
  return `\x01${hash}\x002026-01-01T00:00:00Z\0Ada\0Say it\0${list === '' ? '' : `\n${list}`}`;
}

describe('the git history as events', () => {
  test('is one event per changed file, in the order of the commits, in a stream per file', () => {
    const { commits, events } = historyEvents(
      commit('a1', ['A', 'x.ts'], ['A', 'y.ts']) + commit('b2', ['D', 'x.ts']),
    );
    expect(commits).toBe(2);
    expect(events.map(({ stream, type, data: { commit: by } }) => [stream, type, by])).toEqual([
      ['git/x.ts', 'file-added', 'a1'],
      ['git/y.ts', 'file-added', 'a1'],
      ['git/x.ts', 'file-deleted', 'b2'],
    ]);
  });

  test('counts a commit that changes no file, and goes on behind it', () => {
    const { commits, events } = historyEvents(commit('a1') + commit('b2', ['M', 'x']));
    expect(commits).toBe(2);
    expect(events).toHaveLength(1);
  });

  test('gives each event an id that follows from commit and path', () => {
    const ids = historyEvents(commit('a1', ['A', 'x'], ['A', 'y']) + commit('b2', ['M', 'x'])).events.map(
      (event) => event.id,
    );
    for (const id of ids) expect(id).toMatch(UUID);
    expect(new Set(ids).size).toBe(3);
    expect(historyEvents(commit('a1', ['A', 'x'])).events[0]!.id).toBe(ids[0]);
  });

  test('keeps stream names within 512 bytes, without control characters and broken characters', () => {
    const long = historyEvents(commit('a1', ['A', 'é'.repeat(400)])).events[0]!.stream;
    expect(Buffer.byteLength(long)).toBeLessThanOrEqual(512);
    expect(long).not.toContain('\ufffd');
    expect(historyEvents(commit('a1', ['A', 'a\tb'])).events[0]!.stream).toBe('git/a?b');
  });

  test('gives way to generated events where there is none', async () => {
    const folder = mkdtempSync(join(os.tmpdir(), 'truthdb-sample-'));
    const sample = await sampleEvents(folder);
    rmSync(folder, { recursive: true });
    expect(sample.description).toContain('generated measurements (the git history has 0 commits');
    expect(sample.events).toEqual(generatedEvents());
  });
});

describe('generated events', () => {
  test('are the same at every call, with ids of their own', () => {
    expect(generatedEvents()).toEqual(generatedEvents());
    expect(new Set(generatedEvents().map((event) => event.id)).size).toBe(1200);
  });

  test('print as one JSON object a line', () => {
    const lines = sampleLines(generatedEvents().slice(0, 2)).split('\n');
    expect(lines).toHaveLength(3);
    expect(Object.keys(JSON.parse(lines[0]!) as object)).toEqual(['stream', 'id', 'type', 'data']);
  });
});
