/**
 * Reads lines from a terminal in raw mode: echo, backspace, and the keys that mean something in line mode. Pure: characters in,
 * echo and events out. The terminal's own line discipline would do, were it not for passwords, which must not be echoed.
 */

export interface EditorState {
  readonly text: string;
  readonly secret: boolean;
  /** Inside an escape sequence, which is swallowed: arrow and function keys mean nothing here. */
  readonly escape: 'no' | 'begun' | 'sequence';
  /** The last character was a carriage return: a line feed right after it belongs to it. */
  readonly afterReturn: boolean;
}

export type EditorEvent =
  | { readonly type: 'line'; readonly text: string }
  | { readonly type: 'interrupt' }
  | { readonly type: 'redraw' };

export interface EditorStep {
  readonly state: EditorState;
  readonly echo: string;
  readonly event: EditorEvent | undefined;
}

/** An SSH key of RSA with 16384 bits has about 2800 characters. */
const TEXT_LENGTH_MAX = 8192;

export function initialEditor(secret = false): EditorState {
  return { text: '', secret, escape: 'no', afterReturn: false };
}

/** @param character One character as the terminal sent it. */
export function stepEditor(before: EditorState, character: string): EditorStep {
  const state = { ...before, afterReturn: character === '\r' };
  const same = { state, echo: '', event: undefined };
  if (state.escape !== 'no')
    return { ...same, state: { ...state, escape: nextEscape(state.escape, character) } };
  switch (character) {
    case '\u001b':
      return { ...same, state: { ...state, escape: 'begun' } };
    case '\n':
      if (before.afterReturn) return same;
      return finish(state);
    case '\r':
      return finish(state);
    case '\u0003':
      return { state: { ...state, text: '' }, echo: '^C\n', event: { type: 'interrupt' } };
    case '\u000c':
      return { ...same, event: { type: 'redraw' } };
    case '\u0015':
      return { ...same, state: { ...state, text: '' }, echo: erase(state, [...state.text].length) };
    case '\u007f':
    case '\b':
      return state.text === ''
        ? same
        : {
            ...same,
            state: { ...state, text: [...state.text].slice(0, -1).join('') },
            echo: erase(state, 1),
          };
    default:
      if (character < ' ' || state.text.length >= TEXT_LENGTH_MAX) return same;
      return {
        ...same,
        state: { ...state, text: state.text + character },
        echo: state.secret ? '' : character,
      };
  }
}

function finish(state: EditorState): EditorStep {
  return { state: { ...state, text: '' }, echo: '\n', event: { type: 'line', text: state.text } };
}

function erase(state: EditorState, count: number): string {
  return state.secret ? '' : '\b \b'.repeat(count);
}

/** ESC [ … final byte, ESC O x, or ESC and one character (ECMA-48). */
function nextEscape(phase: EditorState['escape'], character: string): EditorState['escape'] {
  if (phase === 'begun') return character === '[' || character === 'O' ? 'sequence' : 'no';
  return character >= '@' && character <= '~' ? 'no' : 'sequence';
}
