import { describe, expect, test } from 'vitest';
import { keyCodes, serialBytes, textCodes } from '../../scripts/vm/keys.ts';
import { Screen } from '../../scripts/vm/screen.ts';

async function screenOf(bytes: string): Promise<{ screen: Screen; replies: string[] }> {
  const replies: string[] = [];
  const screen = new Screen(80, 24, (reply) => replies.push(reply));
  await screen.write(Buffer.from(bytes));
  return { screen, replies };
}

describe('the serial screen', () => {
  test('shows what stands where after moving about', async () => {
    const { screen } = await screenOf('first\x1b[3;5Hthird\x1b[1;1HFIRST');
    expect(screen.text().trimEnd()).toBe('FIRST\n\n    third');
    expect(screen.cursor()).toEqual({ row: 0, column: 5 });
  });

  test('scrolls when lines come past its end', async () => {
    const { screen } = await screenOf(Array.from({ length: 30 }, (_, line) => `line ${line}`).join('\r\n'));
    expect(screen.line(0)).toBe('line 6');
    expect(screen.line(23)).toBe('line 29');
  });

  test('knows bold and inverse cells, and the row where the choice stands', async () => {
    const { screen } = await screenOf('a \x1b[7m Install \x1b[0m b\r\n\x1b[1mX\x1b[0m \x1b[31mred');
    expect(screen.highlighted(0)).toBe('Install');
    expect(screen.highlighted(1)).toBeUndefined();
    expect(screen.cell(1, 0)).toEqual({ text: 'X', bold: true, inverse: false, plain: true });
    expect(screen.cell(1, 2).plain).toBe(false);
  });

  test('draws the lines of the DEC graphics set, as a vt220 does', async () => {
    const { screen } = await screenOf('\x1b(0lqk\x1b(B ok');
    expect(screen.line(0)).toBe('┌─┐ ok');
  });

  test('answers a program that asks where the cursor is', async () => {
    const { replies } = await screenOf('\x1b[999;999H\x1b[6n');
    expect(replies).toEqual(['\x1b[24;80R']);
  });
});

describe('keys', () => {
  test('are bytes on a serial line and key codes on the screen', () => {
    expect(serialBytes('up')).toBe('\x1b[A');
    expect(keyCodes('ctrl-c')).toEqual(['ctrl', 'c']);
  });

  test('of a text press shift where a US keyboard needs it', () => {
    expect(textCodes('aB-?')).toEqual([['a'], ['shift', 'b'], ['minus'], ['shift', 'slash']]);
    expect(() => textCodes('é')).toThrow('no key of a US keyboard types "é"');
  });
});
