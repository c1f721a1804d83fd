import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  closestName,
  NO_FACTS,
  show,
  timestampOf,
  timestampText,
} from '../../../../db/ranking/schema/index.ts';
import { change, EVERYTHING, FOR_YOU, historyOf, MUCH } from './definitions.ts';

describe('SHOW', () => {
  const history = historyOf(EVERYTHING);
  change(history, { ...FOR_YOU, terms: [] });

  test('has a column for each value of a row', () => {
    const topics = ['entities', 'signals', 'relationships', 'cohorts', 'profiles', 'schema'] as const;
    for (const topic of topics) {
      const { columns, rows } = show(history.record, topic, MUCH);
      expect(rows.length).toBeGreaterThan(0);
      for (const row of rows) expect(row).toHaveLength(columns.length);
    }
  });

  test('tells of signals what they do', () => {
    const like = show(history.record, 'signals', MUCH).rows[1];
    expect(like).toEqual([
      ...[
        'like',
        'item',
        'positive',
        'half-life 30d',
        '1h, 24h, 7d, 30d, all',
        '0 to 1000000, 1',
        '30d',
        true,
      ],
      ...['liked, preference content 0.1, affinity 0.2 to creator', 1_000_000],
    ]);
  });

  test('lists earlier versions of profiles', () => {
    const { rows } = show(history.record, 'profiles', NO_FACTS);
    expect(rows.map(([name, version, current]) => [name, version, current])).toEqual([
      ['for_you', 2, true],
      ['for_you', 1, false],
    ]);
  });
});

describe('the closest name', () => {
  test('is one that a slip of the hand makes of it', () => {
    const names = ['view', 'like', 'completion', 'share'];
    expect(closestName('vieww', names)).toBe('view');
    expect(closestName('ivew', names)).toBe('view');
    expect(closestName('Completoin', names)).toBe('completion');
    expect(closestName('zebra', names)).toBeNull();
    expect(closestName('', names)).toBeNull();
  });
});

describe('a time as text', () => {
  test('is read as it is written, in any year', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('0000-01-01Z'), max: new Date('9999-12-31Z'), noInvalidDate: true }),
        (date) => {
          const whole = new Date(Math.floor(date.getTime() / 1_000) * 1_000);
          const text = whole.toISOString().replace('.000Z', 'Z');
          expect(timestampText(whole.getTime() * 1_000)).toBe(text);
          expect(timestampOf(text, 'x')).toBe(whole.getTime() * 1_000);
        },
      ),
    );
    expect(timestampText(9e15 * 1_000)).toContain('µs');
  });

  test('is in UTC unless it says otherwise', () => {
    expect(timestampOf('1970-01-02', 'x')).toBe(86_400_000_000);
    expect(timestampOf('1970-01-01T00:00:01.5Z', 'x')).toBe(1_500_000);
    expect(timestampOf('1970-01-01 02:00+02:00', 'x')).toBe(0);
    expect(timestampOf('2024-02-29', 'x')).toBe(Date.UTC(2024, 1, 29) * 1_000);
    for (const wrong of ['2023-02-29', '2024-13-01', 'yesterday', '2024-01-01T25:00'])
      expect(() => timestampOf(wrong, 'x')).toThrow('no time');
  });
});
