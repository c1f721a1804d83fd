/** What every page of the dialogue is: a view of the state, and what its actions do. */

import { InstallError } from '../errors.ts';
import type { PageInput, SessionState, Transition } from './state.ts';
import type { View, ViewAction, ViewField } from './view.ts';

/** What a page says of itself; the rest of the view is the same for all. */
export type PageView = Pick<View, 'title' | 'text' | 'actions' | 'help'> & Partial<View>;

export interface Page {
  /** @param reveal Whether the console asking may see the administrator's token. */
  view(state: SessionState, reveal: boolean): PageView;
  /** @throws InstallError when a rule is broken: the page stays, with the message on it. */
  act(state: SessionState, input: PageInput, nowMs: number): Transition;
}

export function action(name: string, label: string, enabled = true): ViewAction {
  const marked = /\[(\w)\]/.exec(label)?.[1] ?? label.slice(0, 1);
  return { name, key: marked.toLowerCase(), label, enabled, message: 'act' };
}

export function field(name: string, label: string, value: string, hint = ''): ViewField {
  return { name, label, kind: 'text', value, options: [], hint };
}

/** Shown on every page before the first write. */
export const ABORT = action('abort', '[A]bort');
export const BACK = action('back', '[B]ack');

export function go(state: SessionState, changes: Partial<SessionState>): Transition {
  return { state: { ...state, notice: undefined, ...changes }, effects: [] };
}

export function noSuchAction(input: PageInput): InstallError {
  return new InstallError(
    'NO_SUCH_ACTION',
    `page ${input.page} offers no "${input.action}" now; choose one of the actions it shows`,
  );
}
