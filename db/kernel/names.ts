/** The names people give: read once where they come in, trusted afterwards by their type. */
import { TruthError } from '../errors.ts';
import type { StreamName } from './event.ts';

export const STREAM_NAME_BYTES_MAX = 512;
export const EVENT_TYPE_BYTES_MAX = 256;

const SHOWN_CHARACTERS_MAX = 80;
const UTF8_BYTES_PER_CODE_UNIT_MAX = 3;
const FIRST_PRINTABLE = 0x20;
const DELETE = 0x7f;
const C1_LAST = 0x9f;

/** A stream name people may write to. Errors: INVALID_ARGUMENT. */
export function streamName(text: string): StreamName {
  checkName('stream name', text, STREAM_NAME_BYTES_MAX);
  if (text.startsWith('$')) {
    throw new TruthError(
      'INVALID_ARGUMENT',
      `stream name ${shown(text)} begins with "$", which is kept for streams of the system: choose another first character`,
    );
  }
  return text as StreamName;
}

/** The type of an event. Errors: INVALID_ARGUMENT. */
export function eventType(text: string): string {
  checkName('event type', text, EVENT_TYPE_BYTES_MAX);
  return text;
}

/** What both kinds of name promise: 1 to `bytesMax` bytes of well-formed UTF-8 without control characters. */
export function checkName(what: string, text: string, bytesMax: number): void {
  if (text.length === 0) {
    throw new TruthError('INVALID_ARGUMENT', `${what} is empty: give 1 to ${bytesMax} bytes of UTF-8`);
  }
  if (text.length * UTF8_BYTES_PER_CODE_UNIT_MAX > bytesMax) {
    const bytes = Buffer.byteLength(text);
    if (bytes > bytesMax) {
      throw new TruthError(
        'INVALID_ARGUMENT',
        `${what} ${shown(text)} is ${bytes} bytes of UTF-8, more than ${bytesMax}: shorten it`,
      );
    }
  }
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < FIRST_PRINTABLE || (code >= DELETE && code <= C1_LAST)) {
      throw new TruthError(
        'INVALID_ARGUMENT',
        `${what} ${shown(text)} has the control character U+${code.toString(16).padStart(4, '0')} at ${index}: leave it out`,
      );
    }
  }
  if (!text.isWellFormed()) {
    throw new TruthError(
      'INVALID_ARGUMENT',
      `${what} ${shown(text)} has half of a surrogate pair, which UTF-8 cannot say: leave it out`,
    );
  }
}

function shown(text: string): string {
  return JSON.stringify(
    text.length > SHOWN_CHARACTERS_MAX ? `${text.slice(0, SHOWN_CHARACTERS_MAX)}…` : text,
  );
}
