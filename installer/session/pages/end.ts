/** Pages from the first write on: progress, done, error; and the one an unattended installation starts on. */

import { action, go, noSuchAction, type Page } from '../page.ts';
import type { InstallOutcome, SessionState, Transition } from '../state.ts';

/** Port of the database's wire protocol. */
const WIRE_PORT = 9650;

const NO_ACTIONS: Page['act'] = (_state, input) => {
  throw noSuchAction(input);
};

export const progress: Page = {
  view: (state) => ({
    title: 'Installing',
    text: ['Do not switch the machine off. Stopping now would leave the disk empty, so no key does that.'],
    actions: [],
    ...(state.progress === undefined ? {} : { progress: state.progress }),
    help: ['If a step fails, the new partition table is erased again and nothing starts from the disk.'],
  }),
  act: NO_ACTIONS,
};

export const unattended: Page = {
  view: () => ({
    title: 'Unattended installation',
    text: ['Looking for the answer file.'],
    actions: [],
    help: ['The answer names exactly one disk; anything else stops here, and nothing is written.'],
  }),
  act: NO_ACTIONS,
};

export const done: Page = {
  view: (state, reveal) => ({
    title: 'TruthDB is installed',
    text: state.outcome === undefined ? [] : outcomeLines(state.outcome, reveal),
    actions: [action('reboot', '[R]eboot'), action('power', '[P]ower off')],
    help: [
      'Remove the installation medium, then reboot. The token cannot be shown again; another can be made with "truthdb token create".',
    ],
  }),
  act: (state, input) => leave(state, input.action) ?? NO_ACTIONS(state, input, 0),
};

function outcomeLines(outcome: InstallOutcome, reveal: boolean): string[] {
  const host =
    outcome.address === undefined
      ? 'ADDRESS'
      : outcome.address.includes(':')
        ? `[${outcome.address}]`
        : outcome.address;
  const lines = [
    `Version ${outcome.version} as "${outcome.hostname}". Remove the installation medium before the machine starts again.`,
  ];
  if (outcome.adminToken !== undefined) {
    lines.push(
      'Administrator: copy this now, it is shown only here and only once.',
      reveal
        ? `  truthdb://${outcome.adminToken}@${host}:${WIRE_PORT}?fp=${outcome.fingerprint}`
        : '  (shown on the console that drove the installation)',
    );
  } else {
    lines.push(
      'Administrator: the token whose hash the answer gave.',
      `  truthdb://TOKEN@${host}:${WIRE_PORT}?fp=${outcome.fingerprint}`,
    );
  }
  if (outcome.address === undefined)
    lines.push('ADDRESS is the one the machine gets by DHCP; its console shows it after the start.');
  lines.push(`Certificate fingerprint: ${outcome.fingerprint}`);
  if (outcome.sshFingerprint !== undefined) lines.push(`SSH host key: ${outcome.sshFingerprint}`);
  return [...lines, ...outcome.warnings.map((warning) => `Warning: ${warning}`)];
}

export const error: Page = {
  view: ({ failure }) => ({
    title: 'The installation failed',
    text:
      failure === undefined
        ? []
        : [
            `[${failure.code}] ${failure.text}`,
            ...(failure.step === '' ? [] : [`Step: ${failure.step}`]),
            failure.diskState,
          ],
    actions: [action('menu', '[M]enu'), action('reboot', '[R]eboot'), action('power', '[P]ower off')],
    help: ['The log (F2, or [L]) tells what was done. The installation can be started again from the menu.'],
  }),
  act: (state, input) => {
    if (input.action === 'menu')
      return go(state, {
        page: 'menu',
        diskName: '',
        disks: undefined,
        progress: undefined,
        failure: undefined,
      });
    return leave(state, input.action) ?? NO_ACTIONS(state, input, 0);
  },
};

function leave(state: SessionState, chosen: string): Transition | undefined {
  if (chosen !== 'reboot' && chosen !== 'power') return undefined;
  const how = chosen === 'power' ? 'poweroff' : chosen;
  return { ...go(state, { page: 'goodbye' }), effects: [{ type: 'power', how }] };
}
