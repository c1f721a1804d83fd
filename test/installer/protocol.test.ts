import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatMessage,
  LINE_LENGTH_MAX,
  lineSplitter,
  parseReply,
  parseRequest,
} from '../../installer/protocol.ts';

describe('a message', () => {
  it('comes back as it was sent, on one line', () => {
    const line = formatMessage({
      type: 'act',
      page: 'disk',
      action: 'next',
      choice: '1:sda',
      values: { a: 'b\nc' },
    });
    expect(line.indexOf('\n')).toBe(line.length - 1);
    expect(parseRequest(line)).toEqual({
      v: 1,
      type: 'act',
      page: 'disk',
      action: 'next',
      choice: '1:sda',
      values: { a: 'b\nc' },
    });
  });

  it.each([
    ['another version', '{"v":2,"type":"drive"}', 'message v'],
    ['no version', '{"type":"drive"}', 'message v'],
    ['an unknown type', '{"v":1,"type":"format"}', 'message type'],
    [
      'an unknown page',
      '{"v":1,"type":"act","page":"x","action":"a","choice":"","values":{}}',
      'message page',
    ],
    ['a key too many', '{"v":1,"type":"drive","force":true}', 'unrecognized_keys'],
    [
      'a value that is too long',
      formatMessage({ type: 'hello', console: 'x'.repeat(65) }),
      'message console',
    ],
    ['no JSON', 'hello', 'not JSON'],
  ])('with %s is refused, naming where', (_name, line, where) => {
    expect(() => parseRequest(line)).toThrow(
      expect.objectContaining({ code: 'BAD_MESSAGE', message: expect.stringContaining(where) }),
    );
  });

  it('that is refused is not repeated: it may hold a password', () => {
    const line =
      '{"v":1,"type":"act","page":"access","action":"next","choice":"","values":{"password":["hunter2hunter2"]}}';
    expect(() => parseRequest(line)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
    );
  });

  it('is parsed without surprise whatever arrives', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (line) => {
        for (const parse of [parseRequest, parseReply]) {
          expect(() => parse(line)).toThrow(expect.objectContaining({ code: 'BAD_MESSAGE' }));
        }
      }),
    );
  });
});

describe('the stream', () => {
  it('is cut into the same lines however it is cut into pieces', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ minLength: 1 }).filter((line) => line.trim() !== '' && !line.includes('\n'))),
        fc.integer({ min: 1, max: 9 }),
        (lines, size) => {
          const text = lines.map((line) => `${line}\n`).join('');
          const seen: string[] = [];
          const feed = lineSplitter((line) => seen.push(line));
          for (let at = 0; at < text.length; at += size) feed(text.slice(at, at + size));
          expect(seen).toEqual(lines);
        },
      ),
    );
  });

  it('ends a sender that never ends its line', () => {
    const feed = lineSplitter(() => undefined);
    expect(() => feed('x'.repeat(LINE_LENGTH_MAX + 1))).toThrow(
      expect.objectContaining({ code: 'BAD_MESSAGE' }),
    );
  });
});
