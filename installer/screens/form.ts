/**
 * The full-screen interface's own state as a pure machine: which control has the focus, what was typed so far, what lies over the
 * page. Views and keys in, messages out. What it looks like is painted by paint.ts.
 */

import { type View, type ViewAction, type ViewField, visibleFields } from '../session/view.ts';
import type { Message } from './connection.ts';

/** Something that can have the focus. */
export type Control =
  | { readonly kind: 'list' }
  | { readonly kind: 'field'; readonly field: ViewField }
  | { readonly kind: 'action'; readonly action: ViewAction };

export interface FormState {
  readonly view: View | undefined;
  readonly driver: string;
  readonly youDrive: boolean;
  /** Index into {@link controlsOf}. */
  readonly focus: number;
  /** Row under the bar, -1 while none is: among several disks the hand must choose. */
  readonly row: number;
  readonly values: Readonly<Record<string, string>>;
  readonly overlay: 'none' | 'help' | 'log';
  /** First line shown of a page that is longer than the screen; undefined: follow the focus. */
  readonly scroll: number | undefined;
  readonly log: readonly string[];
  /** A refusal that concerns this console alone. */
  readonly refusal: string;
}

/** Keys by the names blessed gives them; `character` is what they type. */
export interface Key {
  readonly name: string;
  readonly character: string;
  readonly control: boolean;
}

export type FormEvent =
  | { readonly type: 'view'; readonly view: View; readonly driver: string; readonly youDrive: boolean }
  | { readonly type: 'refused'; readonly code: string; readonly text: string }
  | { readonly type: 'log'; readonly lines: readonly string[] }
  | { readonly type: 'lost' }
  | { readonly type: 'key'; readonly key: Key };

export interface FormStep {
  readonly state: FormState;
  readonly messages: readonly Message[];
  /** Keys are thrown away for this long. */
  readonly guardMs: number;
}

const LOG_LINES_KEPT = 500;
const VALUE_LENGTH_MAX = 8192;
const SCROLL_LINES = 10;

/** Function keys and their like; each of them can be reached by letters as well. */
const ACTION_KEYS: Readonly<Record<string, string>> = {
  escape: 'back',
  f3: 'back',
  f5: 'rescan',
  f9: 'abort',
  f10: 'power',
};

export function initialForm(): FormState {
  return {
    view: undefined,
    driver: '',
    youDrive: false,
    focus: 0,
    row: -1,
    values: {},
    overlay: 'none',
    scroll: undefined,
    log: [],
    refusal: '',
  };
}

/** In the order Tab walks through them. Actions that are not to be had at the moment keep their place and do nothing. */
export function controlsOf(view: View, values: Readonly<Record<string, string>>): readonly Control[] {
  return [
    ...(view.list !== undefined && view.list.rows.length > 0 ? [{ kind: 'list' as const }] : []),
    ...visibleFields(view.fields, values).map((field) => ({ kind: 'field' as const, field })),
    ...view.actions.map((action) => ({ kind: 'action' as const, action })),
  ];
}

export function isWatching({ driver, youDrive }: FormState): boolean {
  return driver !== '' && !youDrive;
}

export function stepForm(state: FormState, event: FormEvent): FormStep {
  switch (event.type) {
    case 'view':
      return onView(state, event);
    case 'refused':
      return still(onRefusal(state, event));
    case 'log':
      return still({ ...state, log: [...state.log, ...event.lines].slice(-LOG_LINES_KEPT) });
    case 'lost':
      return still({ ...initialForm(), log: state.log });
    case 'key':
      return onKey(state, event.key);
  }
}

function onView(before: FormState, event: Extract<FormEvent, { type: 'view' }>): FormStep {
  const { view, driver, youDrive } = event;
  const samePage = before.view?.page === view.page && before.view.planHash === view.planHash;
  const sameRows = samePage && before.view?.list?.rows[0]?.key === view.list?.rows[0]?.key;
  const row = sameRows
    ? before.row
    : (view.list?.rows.findIndex(({ key }) => key === view.list?.selected) ?? -1);
  const base = { ...before, view, driver, youDrive, row, refusal: '' };
  if (!samePage) {
    const state = { ...base, values: {}, overlay: 'none' as const, scroll: undefined };
    return { state: { ...state, focus: firstFocus(view) }, messages: [], guardMs: view.guardMs };
  }
  // Controls come and go (fields with a choice, a list when it has been read): the focus stays on what it was on.
  const was = controlsOf(before.view ?? view, before.values)[before.focus];
  const controls = controlsOf(view, base.values);
  const now = controls.findIndex((control) => was !== undefined && nameOf(control) === nameOf(was));
  const arrived = view.list !== undefined && view.list.rows.length > 0 && !sameRows;
  // Whoever is about to press Enter on an action must not press something else.
  const held = was?.kind === 'action' && was.action.enabled;
  return still({ ...base, focus: now < 0 || (arrived && !held) ? firstFocus(view) : now });
}

/** The hand goes back to where something must be typed again. */
function onRefusal(
  state: FormState,
  { code, text }: { readonly code: string; readonly text: string },
): FormState {
  const refused = { ...state, refusal: `[${code}] ${text}` };
  const { view } = state;
  return view === undefined || view.fields.length === 0
    ? refused
    : { ...refused, focus: firstFocus(view), scroll: undefined };
}

function firstFocus(view: View): number {
  const controls = controlsOf(view, {});
  const input = controls.findIndex(({ kind }) => kind !== 'action');
  if (input >= 0) return input;
  return Math.max(
    0,
    controls.findIndex((control) => control.kind === 'action' && control.action.name === view.enter),
  );
}

function onKey(state: FormState, key: Key): FormStep {
  const { view } = state;
  if (view === undefined) return still(state);
  if (state.overlay !== 'none') return onOverlayKey(state, key);
  const scrolled = scrollBy(state, key);
  if (scrolled !== undefined) return still(scrolled);
  if (isWatching(state)) {
    if (key.character.toLowerCase() === 't') return { ...still(state), messages: [{ type: 'drive' }] };
    return still(openOverlay(state, key) ?? state);
  }
  const shortcut = shortcutOf(view, key);
  if (shortcut !== undefined) return activate(state, view, shortcut);
  const focused = controlsOf(view, state.values)[state.focus];
  if (key.name === 'tab') return still(moveFocus(state, view, 1));
  if (key.name === 'backtab') return still(moveFocus(state, view, -1));
  if (focused?.kind === 'field') return onFieldKey(state, view, focused.field, key);
  const opened = openOverlay(state, key);
  if (opened !== undefined) return still(opened);
  const lettered = letterAction(view, key);
  if (lettered !== undefined) return activate(state, view, lettered);
  if (focused?.kind === 'list') return onListKey(state, view, key);
  return onActionKey(state, view, focused, key);
}

function onOverlayKey(state: FormState, key: Key): FormStep {
  const scrolled = scrollBy(state, key);
  if (scrolled !== undefined) return still(scrolled);
  return still({ ...state, overlay: 'none', scroll: undefined });
}

/** The painter bounds the number; here it only moves. */
function scrollBy(state: FormState, key: Key): FormState | undefined {
  const move = { pageup: -SCROLL_LINES, pagedown: SCROLL_LINES }[key.name];
  return move === undefined ? undefined : { ...state, scroll: Math.max(0, (state.scroll ?? 0) + move) };
}

function openOverlay(state: FormState, key: Key): FormState | undefined {
  const typing =
    !isWatching(state) &&
    state.view !== undefined &&
    controlsOf(state.view, state.values)[state.focus]?.kind === 'field';
  const letter = typing ? '' : key.character;
  if (key.name === 'f1' || letter === '?') return { ...state, overlay: 'help', scroll: undefined };
  if (key.name === 'f2' || letter.toLowerCase() === 'l')
    return { ...state, overlay: 'log', scroll: undefined };
  return undefined;
}

function shortcutOf(view: View, key: Key): ViewAction | undefined {
  const name = key.control && key.name === 'c' ? 'abort' : ACTION_KEYS[key.name];
  return view.actions.find((action) => action.name === name && action.enabled);
}

/** Not beside text fields: a password typed while the focus is on a button would press buttons. */
function letterAction(view: View, key: Key): ViewAction | undefined {
  if (view.fields.length > 0) return undefined;
  return view.actions.find((action) => action.key === key.character.toLowerCase() && action.enabled);
}

function moveFocus(state: FormState, view: View, by: number): FormState {
  const count = controlsOf(view, state.values).length;
  return count === 0 ? state : { ...state, focus: (state.focus + by + count) % count, scroll: undefined };
}

function onListKey(state: FormState, view: View, key: Key): FormStep {
  const rows = view.list?.rows ?? [];
  const digit = /^[1-9]$/.test(key.character) ? Number(key.character) - 1 : -1;
  if (digit >= 0 && digit < rows.length) return still({ ...state, row: digit, scroll: undefined });
  if (key.name === 'down')
    return still({ ...state, row: Math.min(rows.length - 1, state.row + 1), scroll: undefined });
  if (key.name === 'up') return still({ ...state, row: Math.max(0, state.row - 1), scroll: undefined });
  const next = view.actions.find(({ name, enabled }) => name === view.enter && enabled);
  return isEnter(key) && next !== undefined ? activate(state, view, next) : still(state);
}

function onActionKey(state: FormState, view: View, focused: Control | undefined, key: Key): FormStep {
  // Not on space: what is typed for a field has spaces in it.
  if (focused?.kind === 'action' && focused.action.enabled && isEnter(key))
    return activate(state, view, focused.action);
  if (key.name === 'right' || key.name === 'down') return still(moveFocus(state, view, 1));
  if (key.name === 'left' || key.name === 'up') return still(moveFocus(state, view, -1));
  return still(state);
}

function onFieldKey(state: FormState, view: View, field: ViewField, key: Key): FormStep {
  const value = state.values[field.name] ?? field.value;
  const set = (text: string) =>
    still({ ...state, values: { ...state.values, [field.name]: text }, scroll: undefined });
  // Enter fills in the next field; only on an action does it choose.
  if (isEnter(key) || key.name === 'down') return still(moveFocus(state, view, 1));
  if (key.name === 'up') return still(moveFocus(state, view, -1));
  const overlay = key.name === 'f1' || key.name === 'f2' ? openOverlay(state, key) : undefined;
  if (overlay !== undefined) return still(overlay);
  if (field.kind === 'choice') {
    const step = key.name === 'left' ? -1 : key.name === 'right' || key.character === ' ' ? 1 : 0;
    const index = field.options.findIndex((option) => option.value === value);
    const count = field.options.length;
    return set(field.options[(index + step + count) % count]?.value ?? value);
  }
  if (key.name === 'backspace') return set([...value].slice(0, -1).join(''));
  if (key.control && key.name === 'u') return set('');
  if (key.control || key.character < ' ' || key.character === '\u007f' || value.length >= VALUE_LENGTH_MAX)
    return still(state);
  return set(value + key.character);
}

function activate(state: FormState, view: View, action: ViewAction): FormStep {
  const { values } = state;
  const secrets = view.fields.filter(({ kind }) => kind === 'secret').map(({ name }) => name);
  const kept = Object.fromEntries(Object.entries(values).filter(([name]) => !secrets.includes(name)));
  const after = { ...state, values: kept, refusal: '' };
  if (action.message === 'install') {
    const { token = '', array = '', data = '' } = values;
    // Whoever mistyped reads the disk's row again and types everything again.
    return {
      ...still({ ...after, values: {} }),
      messages: [{ type: 'install', planHash: view.planHash ?? '', typed: { token, array, data } }],
    };
  }
  const choice = view.list?.rows[state.row]?.key ?? '';
  return {
    ...still(after),
    messages: [{ type: 'act', page: view.page, action: action.name, choice, values }],
  };
}

function isEnter(key: Key): boolean {
  return key.name === 'enter' || key.name === 'return';
}

function nameOf(control: Control): string {
  if (control.kind === 'list') return 'list';
  return control.kind === 'field' ? `field ${control.field.name}` : `action ${control.action.name}`;
}

function still(state: FormState): FormStep {
  return { state, messages: [], guardMs: 0 };
}
