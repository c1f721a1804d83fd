/**
 * What the full-screen interface looks like: state in, lines of styled text out. Pure, so that every page can be checked without a
 * terminal. Nothing depends on colour: the focus is inverse and marked, which a vt220 and a screenshot both show.
 */

import { type View, type ViewField, visibleFields } from '../session/view.ts';
import { type Control, controlsOf, type FormState, isWatching } from './form.ts';
import { layCells, percent, wrap } from './text.ts';

export type Style = 'plain' | 'bold' | 'inverse' | 'dim';

export interface Span {
  readonly text: string;
  readonly style: Style;
}

export type PaintedLine = readonly Span[];

export interface PaintOptions {
  readonly columns: number;
  readonly rows: number;
  /** Line drawing in Unicode; ASCII where the terminal's character set is unknown. */
  readonly unicode: boolean;
  /** Name of this console. */
  readonly console: string;
}

/** Title, rule above and below the page, two lines of notice, actions, keys. */
const FRAME_ROWS = 7;
const INDENT = '  ';
const LABEL_WIDTH = 18;
/** Longest label that stands on one line with its field. */
const LABEL_WIDTH_MAX = 24;

/** Exactly `rows` lines of at most `columns - 1` characters: writing the last column of the last line scrolls some terminals. */
export function paint(state: FormState, options: PaintOptions): readonly PaintedLine[] {
  const width = options.columns - 1;
  const height = options.rows - FRAME_ROWS;
  const { view } = state;
  if (view === undefined)
    return fill([titleLine('', width, options), [], plain('  Waiting for the engine ...')], options.rows);
  const body = state.overlay === 'none' ? bodyOf(state, view, width, options) : overlayOf(state, view, width);
  return [
    titleLine(state.overlay === 'none' ? view.title : state.overlay, width, options),
    plain(rule(width, options)),
    ...windowOf(body, state, height),
    plain(rule(width, options)),
    ...noticeLines(state, view, width),
    actionLine(state, view, width),
    footer(state, view, width),
  ];
}

/** A line of the page, and whether the focus is on it. */
interface BodyLine {
  readonly line: PaintedLine;
  readonly focused: boolean;
}

function titleLine(title: string, width: number, options: PaintOptions): PaintedLine {
  const left = ` TruthDB${title === '' ? '' : `  ${title}`}`;
  const text = left.slice(0, width - options.console.length - 2).padEnd(width - options.console.length - 1);
  return [{ text: `${text}${options.console} `, style: 'inverse' }];
}

function rule(width: number, { unicode }: PaintOptions): string {
  return (unicode ? '\u2500' : '-').repeat(width);
}

function bodyOf(state: FormState, view: View, width: number, options: PaintOptions): readonly BodyLine[] {
  const controls = controlsOf(view, state.values);
  const focused = controls[state.focus];
  const text = view.text
    .flatMap((paragraph) => wrap(paragraph, width - INDENT.length))
    .map((line) => unfocused(INDENT + line));
  return [
    unfocused(''),
    ...text,
    ...listLines(state, view, focused?.kind === 'list', width),
    ...fieldBlock(state, view, focused, width),
    ...progressLines(view, width, options),
  ];
}

function listLines(state: FormState, view: View, focused: boolean, width: number): readonly BodyLine[] {
  const { list } = view;
  if (list === undefined || list.rows.length === 0) return [];
  const titles = layCells(
    list.columns.map(({ title }) => title),
    list.columns,
  );
  const rows = list.rows.flatMap((row, index) => {
    const here = index === state.row;
    const marker = here ? '>' : ' ';
    const style: Style = here && focused ? 'inverse' : row.enabled ? 'plain' : 'dim';
    const first = `${marker}${row.enabled ? String(index + 1).padStart(2) : ' -'} ${layCells(row.cells, list.columns)}`;
    const details = wrap(row.detail, width - 5).map((line) => `     ${line}`);
    return [first, ...details].map((line) => ({
      line: [{ text: line.padEnd(width).slice(0, width), style }],
      focused: here && focused,
    }));
  });
  return [
    unfocused(''),
    { line: [{ text: `    ${titles}`.slice(0, width), style: 'bold' }], focused: false },
    ...rows,
  ];
}

function fieldBlock(
  state: FormState,
  view: View,
  focused: Control | undefined,
  width: number,
): readonly BodyLine[] {
  const fields = visibleFields(view.fields, state.values);
  if (fields.length === 0) return [];
  return [unfocused(''), ...fields.flatMap((field) => fieldLines(state, field, focused, width))];
}

function fieldLines(
  state: FormState,
  field: ViewField,
  focused: Control | undefined,
  width: number,
): readonly BodyLine[] {
  const here = focused?.kind === 'field' && focused.field.name === field.name;
  const label = `${here ? '> ' : INDENT}${field.label}:`;
  const long = field.label.length > LABEL_WIDTH_MAX;
  const start = long ? '    ' : `${label.padEnd(LABEL_WIDTH + INDENT.length)} `;
  const room = width - start.length - 3;
  const value = shownValue(state, field, here, room);
  const input: PaintedLine = [
    { text: start, style: here && !long ? 'bold' : 'plain' },
    { text: `[${value.text}]`, style: here ? 'inverse' : 'plain' },
    { text: value.hint.slice(0, Math.max(0, room - value.text.length)), style: 'dim' },
  ];
  const line = { line: input, focused: here };
  return long ? [{ line: [{ text: label, style: here ? 'bold' : 'plain' }], focused: here }, line] : [line];
}

/** Longest part of a value that is shown; what is typed last stays visible. */
const VALUE_WIDTH = 34;

function shownValue(
  state: FormState,
  field: ViewField,
  here: boolean,
  room: number,
): { readonly text: string; readonly hint: string } {
  const value = state.values[field.name] ?? field.value;
  const hint = field.hint === '' ? '' : `  ${field.hint}`;
  if (field.kind === 'choice') {
    const label = field.options.find((option) => option.value === value)?.label ?? value;
    return { text: ` ${label} `, hint: here ? '  space changes' : '' };
  }
  const text = field.kind === 'secret' ? '*'.repeat([...value].length) : value;
  const width = Math.min(VALUE_WIDTH, room);
  const shown = `${text.slice(-(width - 1))}${here ? '_' : ' '}`;
  return { text: shown.padEnd(width), hint };
}

function progressLines(view: View, width: number, { unicode }: PaintOptions): readonly BodyLine[] {
  const { progress } = view;
  if (progress === undefined) return [];
  const bar = (fraction: number) => {
    const room = width - 16;
    const done = Math.floor(Math.min(1, Math.max(0, fraction)) * room);
    const blocks = unicode ? '\u2588' : '#';
    return `${INDENT}[${blocks.repeat(done)}${'.'.repeat(room - done)}] ${percent(fraction).padStart(5)}`;
  };
  return [
    '',
    `${INDENT}All`,
    bar(progress.overall),
    '',
    `${INDENT}Step ${progress.stepNumber} of ${progress.stepCount}: ${progress.step}`,
    bar(progress.stepFraction),
  ].map(unfocused);
}

function overlayOf(state: FormState, view: View, width: number): readonly BodyLine[] {
  if (state.overlay === 'log') {
    const lines = state.log.flatMap((line) => wrap(` ${line}`, width));
    return lines.length === 0 ? [unfocused(`${INDENT}Nothing is logged yet.`)] : lines.map(unfocused);
  }
  const keys = [
    'Tab, Shift-Tab, arrows   move',
    'Enter                    next field; chooses on a button',
    'Space                    changes a choice',
    'Esc, F3 or [B]           back',
    'F1 or ?                  this help',
    'F2 or [L]                log',
    'F5 or [R]                read the disks again',
    'F9, Ctrl-C or [A]        abort',
    'Ctrl-L                   draw again',
    'PgUp, PgDn               scroll',
    'Letters in brackets work on pages without text fields.',
  ];
  return ['', ...view.help.flatMap((line) => wrap(line, width - INDENT.length)), '', ...keys].map((line) =>
    unfocused(INDENT + line),
  );
}

/** The part of the page that fits, around the focus or where it was scrolled to. The log shows its end. */
function windowOf(body: readonly BodyLine[], state: FormState, height: number): readonly PaintedLine[] {
  const last = Math.max(0, body.length - height);
  const end = body.findLastIndex(({ focused }) => focused);
  const start = body.findIndex(({ focused }) => focused);
  const followed = state.overlay === 'log' ? last : end < height ? 0 : Math.min(start, end - height + 1);
  const top = Math.min(last, state.scroll ?? Math.max(0, followed));
  const shown = body.slice(top, top + height).map(({ line }) => line);
  const more = [...(top > 0 ? [0] : []), ...(top < last ? [height - 1] : [])];
  const marked = fill(shown, height).map((line, index) =>
    more.includes(index) ? plain(`${INDENT}... more: PgUp, PgDn`) : line,
  );
  return marked;
}

function noticeLines(state: FormState, view: View, width: number): readonly PaintedLine[] {
  const text =
    state.refusal !== ''
      ? state.refusal
      : view.notice === undefined
        ? ''
        : `[${view.notice.code}] ${view.notice.text}`;
  const lines = text === '' ? [] : wrap(`! ${text}`, width).slice(0, 2);
  return fill(
    lines.map((line) => [{ text: line, style: 'bold' as const }]),
    2,
  );
}

function actionLine(state: FormState, view: View, width: number): PaintedLine {
  if (isWatching(state)) {
    return [
      {
        text: ` Driven from ${state.driver}. [T] takes the installation over.`.slice(0, width),
        style: 'bold',
      },
    ];
  }
  const focused = controlsOf(view, state.values)[state.focus];
  return view.actions.flatMap((action): Span[] => {
    const here = focused?.kind === 'action' && focused.action.name === action.name;
    const style: Style = here ? 'inverse' : action.enabled ? 'plain' : 'dim';
    return [
      { text: ' ', style: 'plain' },
      { text: here ? `>${action.label}<` : ` ${action.label} `, style },
    ];
  });
}

/** Bottom right stands the page's id: what tests, and people on the telephone, call the page by. */
function footer(state: FormState, view: View, width: number): PaintedLine {
  const id = `[${view.page}]`;
  const keys =
    state.overlay === 'none' ? ' Tab moves  Enter chooses  Esc back  F1/? help  F2/L log' : ' Any key closes';
  return [{ text: `${keys.padEnd(width - id.length)}${id}`, style: 'dim' }];
}

function fill(lines: readonly PaintedLine[], count: number): readonly PaintedLine[] {
  return Array.from({ length: count }, (_, index) => lines[index] ?? []);
}

function unfocused(text: string): BodyLine {
  return { line: plain(text), focused: false };
}

function plain(text: string): PaintedLine {
  return [{ text, style: 'plain' }];
}
