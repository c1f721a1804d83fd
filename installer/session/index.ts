/**
 * The dialogue as a pure state machine: (state, event) → state and effects. Both interfaces stand on it, and so does the engine,
 * which feeds it events and carries its effects out. Nothing here knows of sockets, terminals, devices or clocks; it imports the
 * pure parts of the installer (disks, plan, settings) and is imported by engine/ and, for its views, by screens/.
 *
 * The order of the pages is the order of the safety argument: an installation starts only on the confirm page, which is reached
 * only through the disk page, and whatever could make the reader mean another disk than the machine does — a rescan, Back, another
 * console taking over — leads away from it.
 */

import { asInstallError, InstallError } from '../errors.ts';
import { ABORT, BACK, type Page, type PageView } from './page.ts';
import { confirm, install, review } from './pages/confirm.ts';
import { contents, disk } from './pages/disk.ts';
import { done, error, progress, unattended } from './pages/end.ts';
import { access, network } from './pages/settings.ts';
import { abort, goodbye, hardware, menu, power } from './pages/start.ts';
import type { PageInput, SessionEvent, SessionState, Transition } from './state.ts';
import type { PageId, View } from './view.ts';

const PAGES: Readonly<Record<PageId, Page>> = {
  menu,
  hardware,
  disk,
  contents,
  network,
  access,
  review,
  confirm,
  progress,
  done,
  error,
  abort,
  power,
  unattended,
  goodbye,
};

/** Pages between the choice of a disk and the first write: they hold only as long as the disks do. */
const AFTER_DISK: readonly PageId[] = ['contents', 'network', 'access', 'review', 'confirm'];
/** Pages on which an installation runs or has ended. */
const BUSY: readonly PageId[] = ['progress', 'done', 'unattended', 'goodbye'];

export interface SessionStep extends Transition {
  /** Why the event changed nothing. */
  readonly refusal: InstallError | undefined;
}

/** Total: a broken rule is a refusal, and the message stands on the page. */
export function reduce(state: SessionState, event: SessionEvent): SessionStep {
  try {
    return { ...apply(state, event), refusal: undefined };
  } catch (thrown) {
    const refusal = asInstallError(thrown);
    return {
      state: { ...state, notice: { code: refusal.code, text: refusal.message } },
      effects: [],
      refusal,
    };
  }
}

function apply(state: SessionState, event: SessionEvent): Transition {
  switch (event.type) {
    case 'act':
      return act(state, event.input, event.nowMs);
    case 'install':
      return install(state, event.planHash, event.typed, event.nowMs);
    case 'driver-changed':
      return stay(state.page === 'confirm' ? { ...state, page: 'review', notice: undefined } : state);
    case 'facts':
      return stay({ ...state, facts: event.facts });
    case 'payload':
      return stay({ ...state, payload: event.payload });
    case 'disks':
      return stay(withDisks({ ...state, disks: event.disks, scan: state.scan + 1 }));
    case 'scan-failed':
      return stay({
        ...withDisks({ ...state, disks: [], scan: state.scan + 1 }),
        notice: { code: 'IO', text: event.text },
      });
    case 'password-hashed':
      return stay(withPassword(state, event.hash));
    case 'unattended-started':
      if (BUSY.includes(state.page)) throw busy();
      return stay({ ...state, page: 'unattended', notice: undefined });
    case 'install-started':
      return stay({
        ...state,
        page: 'progress',
        progress: undefined,
        outcome: undefined,
        failure: undefined,
      });
    case 'progress':
      return stay({ ...state, progress: event.progress });
    case 'installed':
      return stay({ ...state, page: 'done', outcome: event.outcome, notice: undefined });
    case 'failed':
      return stay({ ...state, page: 'error', failure: event.failure, notice: undefined });
  }
}

function act(state: SessionState, input: PageInput, nowMs: number): Transition {
  if (input.page !== state.page) {
    throw new InstallError(
      'STALE_PAGE',
      `that was for the page ${input.page}; now the page is ${state.page}`,
    );
  }
  const page = PAGES[state.page];
  const offered = pageView(state, false).actions.find(({ name }) => name === input.action);
  if (offered?.enabled !== true || offered.message !== 'act') {
    throw new InstallError(
      'NO_SUCH_ACTION',
      `page ${state.page} offers no "${input.action}" now; choose one of the actions it shows`,
    );
  }
  if (input.action === 'abort') {
    return stay({ ...state, page: 'abort', returnTo: state.page, notice: undefined });
  }
  return page.act(state, input, nowMs);
}

/** New disks void the choice among the old ones, wherever the dialogue is. */
function withDisks(state: SessionState): SessionState {
  const fresh = {
    ...state,
    diskName: '',
    returnTo: AFTER_DISK.includes(state.returnTo) ? ('disk' as const) : state.returnTo,
  };
  if (!AFTER_DISK.includes(state.page)) return fresh;
  return {
    ...fresh,
    page: 'disk',
    notice: { code: 'DISK_CHANGED', text: 'the disks were read again; choose the disk again' },
  };
}

function withPassword(state: SessionState, passwordHash: string): SessionState {
  if (!state.hashing) return state;
  return {
    ...state,
    passwordHash,
    hashing: false,
    page: state.page === 'access' ? 'review' : state.page,
    notice: undefined,
  };
}

function stay(state: SessionState): Transition {
  return { state, effects: [] };
}

function busy(): InstallError {
  return new InstallError(
    'BUSY',
    'an installation is running or has ended; restart the machine to begin another',
  );
}

/** A plan that cannot be made (an image too large for its partition) must not take the pages down with it: Back still leads away. */
function pageView(state: SessionState, reveal: boolean): PageView {
  try {
    return PAGES[state.page].view(state, reveal);
  } catch (thrown) {
    const { code, message } = asInstallError(thrown);
    return {
      title: 'This cannot be installed',
      text: [`[${code}] ${message}`],
      actions: [BACK, ABORT],
      help: [],
    };
  }
}

/**
 * What an interface shows for a state.
 *
 * @param reveal Whether this console may see the administrator's token: the one that drives, no other.
 */
export function viewOf(state: SessionState, reveal: boolean): View {
  const view = pageView(state, reveal);
  return {
    page: state.page,
    fields: [],
    guardMs: 0,
    ...(state.notice === undefined ? {} : { notice: state.notice }),
    ...view,
  };
}
