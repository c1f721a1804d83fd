import fc from 'fast-check';
import { expect, test } from 'vitest';
import { eventText, jsonText, parseJson } from '../../../db/protocol/index.ts';

test.each([
  '12345678901234567890',
  '0.12345678901234567891',
  '-98765432109876543210.5',
  '1e400',
  '1e-400',
  '1.5e300',
])('the number %s keeps its value from input to output', (digits) => {
  const text = jsonText(parseJson(`{"n":[${digits}]}`, 'it'), 'it');
  expect([`{"n":[${digits}]}`, JSON.stringify({ n: [Number(digits)] })]).toContain(text);
  if (!Number.isFinite(Number(digits)) || Number(digits) === 0) expect(text).toBe(`{"n":[${digits}]}`);
});

test('digits a double cannot hold come out as they went in', () => {
  expect(jsonText(parseJson('{"id":9007199254740993}', 'it'), 'it')).toBe('{"id":9007199254740993}');
});

test('any JSON value comes out as JSON.parse and JSON.stringify would have it', () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
      const text = JSON.stringify(value);
      expect(JSON.parse(jsonText(parseJson(text, 'it'), 'it'))).toEqual(JSON.parse(text));
    }),
  );
});

test('what is not JSON is refused by name', () => {
  expect(() => parseJson('{"a":', 'line 7')).toThrow(/line 7 is not JSON/);
  expect(() => jsonText(undefined, 'the data')).toThrow(/the data is undefined/);
});

const EVENT = {
  stream: 's',
  revision: 1,
  position: 2,
  recordedAt: 1_700_000_000_123_456_789n,
  id: '00000000-0000-4000-8000-000000000000',
  type: 't',
  contentType: 'json',
  metadata: Buffer.alloc(0),
} as const;

test('an event is one line of JSON with its data as written', () => {
  const text = eventText({ ...EVENT, data: Buffer.from('{"n":\n 12345678901234567890}') });
  expect(text).toBe(
    '{"stream":"s","revision":1,"position":2,"recordedAt":"2023-11-14T22:13:20.123456789Z",' +
      '"id":"00000000-0000-4000-8000-000000000000","type":"t","data":{"n":  12345678901234567890}}',
  );
});

test('data that is not the JSON it claims to be, or bytes, are shown in base64', () => {
  for (const [contentType, data] of [
    ['json', '{broken'],
    ['json', Buffer.from([0x22, 0xff, 0x22])],
    ['binary', '{}'],
  ] as const) {
    const bytes = Buffer.from(data as Buffer);
    const line = JSON.parse(eventText({ ...EVENT, contentType, data: bytes })) as Record<string, unknown>;
    expect(line['dataBase64']).toBe(bytes.toString('base64'));
    expect(line).not.toHaveProperty('data');
  }
});

test('metadata is shown only when there is some', () => {
  const line = (metadata: Buffer) =>
    JSON.parse(eventText({ ...EVENT, data: Buffer.from('1'), metadata })) as object;
  expect(line(Buffer.alloc(0))).not.toHaveProperty('metadata');
  expect(line(Buffer.from('{"by":"me"}'))).toMatchObject({ metadata: { by: 'me' } });
});
