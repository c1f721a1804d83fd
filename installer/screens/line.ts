/**
 * The line mode as a pure machine: views and typed lines in, text and messages out. It prints a page whenever the page changes,
 * then prompts with the page's id; the prompt's appearance means that input is read. It is the way for screen readers, for serial
 * lines that can do no better, and for scripts.
 */

import { type View, type ViewAction, type ViewField, visibleFields } from '../session/view.ts';
import type { Message } from './connection.ts';
import { LINE_WIDTH, layCells, percent, wrap } from './text.ts';

export interface LineState {
  readonly view: View | undefined;
  readonly driver: string;
  readonly youDrive: boolean;
  /** What was typed into fields of the present page. */
  readonly values: Readonly<Record<string, string>>;
  /** Field that the next line is for, '' when it is an action. */
  readonly editing: string;
  /** What was printed last, so that nothing is printed twice. */
  readonly printed: string;
  readonly log: readonly string[];
}

export type LineEvent =
  | { readonly type: 'view'; readonly view: View; readonly driver: string; readonly youDrive: boolean }
  | { readonly type: 'refused'; readonly code: string; readonly text: string }
  | { readonly type: 'log'; readonly lines: readonly string[] }
  | { readonly type: 'lost' }
  | { readonly type: 'line'; readonly text: string }
  | { readonly type: 'interrupt' }
  | { readonly type: 'redraw' };

export interface LineStep {
  readonly state: LineState;
  readonly output: string;
  readonly messages: readonly Message[];
  /** Prompt to show; undefined: keep the one that stands. */
  readonly prompt: string | undefined;
  /** The next line is not echoed. */
  readonly secret: boolean;
  /** Input that is waiting is thrown away and none is read for this long. */
  readonly guardMs: number;
}

const LOG_LINES_KEPT = 200;
const LOG_LINES_SHOWN = 20;
const PROGRESS_STEP = 0.05;

export function initialLineState(): LineState {
  return { view: undefined, driver: '', youDrive: false, values: {}, editing: '', printed: '', log: [] };
}

export function stepLine(state: LineState, event: LineEvent): LineStep {
  switch (event.type) {
    case 'view':
      return onView(state, event);
    case 'refused':
      // The page carries it as its notice, except where the page is not ours.
      return event.code === 'NOT_DRIVER' ? say(state, `[${event.code}] ${event.text}`) : quiet(state);
    case 'log':
      return quiet({ ...state, log: [...state.log, ...event.lines].slice(-LOG_LINES_KEPT) });
    case 'lost':
      return {
        ...quiet({ ...state, view: undefined, printed: '' }),
        output: state.view === undefined ? '' : '\nThe engine is gone; waiting for it.\n',
      };
    case 'line':
      return onLine(state, event.text);
    case 'interrupt':
      return onInterrupt(state);
    case 'redraw':
      return state.view === undefined
        ? quiet(state)
        : { ...say(state, pageText(state, state.view)), prompt: promptOf(state) };
  }
}

function onView(before: LineState, event: Extract<LineEvent, { type: 'view' }>): LineStep {
  const { view } = event;
  const samePage =
    before.view?.page === view.page &&
    before.view.planHash === view.planHash &&
    before.youDrive === event.youDrive;
  const state: LineState = {
    ...before,
    view,
    driver: event.driver,
    youDrive: event.youDrive,
    values: samePage ? before.values : {},
    editing: samePage ? before.editing : '',
  };
  const text = pageText(state, view);
  const key = view.progress === undefined ? text : progressKey(view);
  if (samePage && key === state.printed) return quiet(state);
  const output = samePage && view.progress !== undefined ? progressLine(view) : text;
  return {
    state: { ...state, printed: key },
    output: `${output}\n`,
    messages: [],
    prompt: view.actions.length === 0 ? '' : promptOf(state),
    secret: false,
    guardMs: samePage ? 0 : view.guardMs,
  };
}

function onLine(state: LineState, text: string): LineStep {
  const { view } = state;
  if (view === undefined) return quiet(state);
  if (watching(state)) {
    if (text.trim().toLowerCase() === 't') return { ...quiet(state), messages: [{ type: 'drive' }] };
    return say(state, `The installation is driven from ${state.driver}. T and Enter takes it over.`);
  }
  if (state.editing !== '') return onFieldLine(state, view, text);
  const word = text.trim().toLowerCase();
  if (word === '')
    return view.enter === undefined ? say(state, choices(view)) : choose(state, view, view.enter);
  if (/^\d+$/.test(word)) return onNumber(state, view, Number(word));
  const chosen = view.actions.find(({ key, name }) => key === word || name === word);
  if (chosen !== undefined) return choose(state, view, chosen.name);
  if (word === '?' || word === 'help')
    return say(state, [...view.help, choices(view)].flatMap((line) => wrap(line, LINE_WIDTH)).join('\n'));
  if (word === 'l' || word === 'log') return say(state, state.log.slice(-LOG_LINES_SHOWN).join('\n'));
  return say(state, `"${text.trim()}" is none of the choices. ${choices(view)}`);
}

function onNumber(state: LineState, view: View, number: number): LineStep {
  const row = view.list?.rows[number - 1];
  if (row !== undefined)
    return row.enabled ? choose(state, view, 'next', row.key) : say(state, `${number}: ${row.detail}`);
  const field = visibleFields(view.fields, state.values)[number - 1];
  if (field === undefined) return say(state, `There is no ${number}. ${choices(view)}`);
  return {
    ...quiet({ ...state, editing: field.name }),
    output:
      field.kind === 'choice'
        ? `${field.options.map(({ label }, index) => `    ${index + 1}) ${label}`).join('\n')}\n`
        : '',
    prompt: fieldPrompt(field, fieldValue(state, field)),
    secret: field.kind === 'secret',
  };
}

function fieldPrompt(field: ViewField, value: string): string {
  const hint = field.hint === '' ? '' : ` (${field.hint})`;
  if (field.kind === 'secret') return `${field.label}: `;
  if (field.kind === 'choice') return `${field.label}, number: `;
  return value === '' ? `${field.label}${hint}: ` : `${field.label} [${value}] (- empties): `;
}

function onFieldLine(state: LineState, view: View, text: string): LineStep {
  const field = view.fields.find(({ name }) => name === state.editing);
  const done = { ...state, editing: '' };
  if (field === undefined) return say(done, choices(view));
  const value = readField(field, text, fieldValue(state, field));
  if (value === undefined) return say(done, `"${text.trim()}" is none of the numbers.`);
  const changed = { ...done, values: { ...state.values, [field.name]: value } };
  return say(changed, fieldLines(changed, view).join('\n'));
}

/** @returns undefined for a number that is no option. */
function readField(field: ViewField, text: string, current: string): string | undefined {
  if (field.kind === 'secret') return text;
  const trimmed = text.trim();
  if (field.kind === 'choice') return trimmed === '' ? current : field.options[Number(trimmed) - 1]?.value;
  if (trimmed === '') return current;
  return trimmed === '-' ? '' : trimmed;
}

function choose(state: LineState, view: View, name: string, choice = view.list?.selected ?? ''): LineStep {
  const action = view.actions.find((candidate) => candidate.name === name);
  if (action === undefined || !action.enabled)
    return say(state, `That cannot be chosen now. ${choices(view)}`);
  const messages = [messageFor(state, view, action, choice)];
  // Not kept for a second try: secrets, and the words of a confirmation. They are typed again.
  const once = (field: string) =>
    action.message === 'install' || view.fields.find(({ name }) => name === field)?.kind === 'secret';
  const kept = Object.entries(state.values).filter(([field]) => !once(field));
  return { ...quiet({ ...state, values: Object.fromEntries(kept), printed: '' }), messages, prompt: '' };
}

function messageFor(state: LineState, view: View, action: ViewAction, choice: string): Message {
  const { values } = state;
  if (action.message === 'install') {
    const { token = '', array = '', data = '' } = values;
    return { type: 'install', planHash: view.planHash ?? '', typed: { token, array, data } };
  }
  return { type: 'act', page: view.page, action: action.name, choice, values };
}

function onInterrupt(state: LineState): LineStep {
  const { view } = state;
  if (view === undefined || watching(state)) return quiet(state);
  if (view.actions.some(({ name }) => name === 'abort'))
    return choose({ ...state, editing: '' }, view, 'abort');
  return say({ ...state, editing: '' }, 'There is nothing to abort here.');
}

function pageText(state: LineState, view: View): string {
  const lines = [
    '',
    header(view),
    ...view.text.flatMap((line) => (line.startsWith(' ') ? [line] : wrap(line, LINE_WIDTH))),
  ];
  if (view.list !== undefined) lines.push(...listLines(view.list));
  lines.push(...fieldLines(state, view));
  if (view.progress !== undefined) lines.push(progressLine(view));
  if (view.notice !== undefined)
    lines.push(...wrap(`! [${view.notice.code}] ${view.notice.text}`, LINE_WIDTH));
  if (watching(state)) lines.push(`Driven from ${state.driver}. T and Enter takes the installation over.`);
  else if (view.actions.length > 0) lines.push(choices(view));
  return lines.join('\n');
}

function header(view: View): string {
  return `--- [${view.page}] ${view.title} `.padEnd(LINE_WIDTH, '-');
}

function listLines({ columns, rows, selected }: NonNullable<View['list']>): string[] {
  if (rows.length === 0) return [];
  const titles = layCells(
    columns.map(({ title }) => title),
    columns,
  );
  return [
    `     ${titles}`,
    ...rows.flatMap((row, index) => [
      `${row.key === selected ? '*' : ' '}${row.enabled ? String(index + 1).padStart(2) : ' -'}) ${layCells(row.cells, columns)}`,
      ...wrap(row.detail, LINE_WIDTH - 5).map((line) => `     ${line}`),
    ]),
  ];
}

function fieldLines(state: LineState, view: View): string[] {
  return visibleFields(view.fields, state.values).map((field, index) => {
    const value = fieldValue(state, field);
    return ` ${index + 1}) ${field.label}: ${shownValue(field, value)}`;
  });
}

function shownValue(field: ViewField, value: string): string {
  if (field.kind === 'secret') return value === '' ? '(not typed)' : '(typed)';
  if (field.kind === 'choice') return field.options.find((option) => option.value === value)?.label ?? value;
  return value === '' ? (field.hint === '' ? '(empty)' : `(empty; ${field.hint})`) : value;
}

function fieldValue(state: LineState, field: ViewField): string {
  return state.values[field.name] ?? field.value;
}

function choices(view: View): string {
  const numbers =
    (view.list?.rows.some(({ enabled }) => enabled) ?? false)
      ? 'number chooses, '
      : view.fields.length > 0
        ? 'number edits, '
        : '';
  const actions = view.actions
    .filter(({ enabled }) => enabled)
    .map(({ label, name }) => (name === view.enter ? `${label} (Enter)` : label));
  return `${numbers}${[...actions, '[?] help', 'log'].join(', ')}`;
}

function progressLine(view: View): string {
  const { progress } = view;
  if (progress === undefined) return '';
  return `[progress] ${percent(progress.overall)}  step ${progress.stepNumber}/${progress.stepCount}: ${progress.step}`;
}

/** A line for every step and every twentieth: a serial log wants no more. */
function progressKey(view: View): string {
  return `${view.progress?.stepNumber} ${Math.floor((view.progress?.overall ?? 0) / PROGRESS_STEP)}`;
}

function watching(state: LineState): boolean {
  return state.driver !== '' && !state.youDrive;
}

function promptOf(state: LineState): string {
  return `${state.view?.page ?? ''}> `;
}

function say(state: LineState, text: string): LineStep {
  return { ...quiet(state), output: `${text}\n`, prompt: promptOf(state) };
}

function quiet(state: LineState): LineStep {
  return { state, output: '', messages: [], prompt: undefined, secret: false, guardMs: 0 };
}
