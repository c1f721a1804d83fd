/** Pages before a disk is chosen, and the two that ask before leaving: menu, hardware, abort, power, goodbye. */

import { checkHardware } from '../../hardware.ts';
import { ABORT, action, BACK, go, noSuchAction, type Page } from '../page.ts';
import type { SessionState } from '../state.ts';

export const menu: Page = {
  view: (state) => ({
    title: 'TruthDB installer',
    text: [
      ...(state.payload.state === 'good' ? [`Version ${state.payload.payload.version}.`] : []),
      'Installs TruthDB on a disk of this machine. The disk is erased; nothing is written before you have confirmed it by typing the end of its serial number.',
    ],
    actions: [action('install', '[I]nstall'), action('power', '[P]ower off')],
    enter: 'install',
    help: [
      'Install leads through the pages one by one; each can be left with Back. Power off asks before it does so.',
    ],
  }),
  act: (state, input) => {
    if (input.action === 'install') return go(state, { page: 'hardware' });
    if (input.action === 'power') return go(state, { page: 'power', returnTo: 'menu' });
    throw noSuchAction(input);
  },
};

export const hardware: Page = {
  view: (state) => ({
    title: 'This machine',
    text: [...hardwareLines(state), payloadLine(state)],
    actions: [action('next', '[N]ext', hardwareReady(state)), BACK, ABORT],
    ...(hardwareReady(state) ? { enter: 'next' } : {}),
    help: [
      'Only failures stop the installation. The medium is checked against its manifest before any disk is shown.',
    ],
  }),
  act: (state, input) => {
    if (input.action === 'back') return go(state, { page: 'menu' });
    if (input.action !== 'next' || !hardwareReady(state)) throw noSuchAction(input);
    const scanned = go(state, { page: 'disk', diskName: '' });
    return state.disks === undefined ? { ...scanned, effects: [{ type: 'scan' }] } : scanned;
  },
};

function hardwareLines(state: SessionState): readonly string[] {
  if (state.facts === undefined) return ['Looking at the machine ...'];
  const words = { good: 'ok  ', warning: 'WARN', failure: 'FAIL' };
  return checkHardware(state.facts).map(({ level, text }) => `${words[level]}  ${text}`);
}

function payloadLine({ payload }: SessionState): string {
  if (payload.state === 'checking')
    return `...   Checking the installation medium: ${Math.floor(payload.fraction * 100)} %`;
  return payload.state === 'good'
    ? `ok    Installation medium is intact, version ${payload.payload.version}`
    : `FAIL  ${payload.text}`;
}

function hardwareReady(state: SessionState): boolean {
  return (
    state.payload.state === 'good' &&
    state.facts !== undefined &&
    checkHardware(state.facts).every(({ level }) => level !== 'failure')
  );
}

export const abort: Page = {
  view: () => ({
    title: 'Abort the installation?',
    text: [
      'Nothing has been written to any disk. Aborting leads back to the menu and forgets what was entered.',
    ],
    actions: [action('yes', '[Y]es, abort'), action('no', '[N]o, go on')],
    help: ['Nothing was written so far.'],
  }),
  act: (state, input) => {
    // The confirmation does not survive a look at another page.
    if (input.action === 'no')
      return go(state, { page: state.returnTo === 'confirm' ? 'review' : state.returnTo });
    if (input.action !== 'yes') throw noSuchAction(input);
    return go(state, {
      page: 'menu',
      diskName: '',
      disks: undefined,
      passwordHash: '',
      authorizedKeys: [],
      hashing: false,
    });
  },
};

export const power: Page = {
  view: () => ({
    title: 'Power off?',
    text: [
      'Remove the installation medium before the machine starts again, unless you want to come back here.',
    ],
    actions: [action('poweroff', '[P]ower off'), action('reboot', '[R]eboot'), BACK],
    help: ['No disk is being written.'],
  }),
  act: (state, input) => {
    if (input.action === 'back') return go(state, { page: state.returnTo });
    if (input.action !== 'poweroff' && input.action !== 'reboot') throw noSuchAction(input);
    return { ...go(state, { page: 'goodbye' }), effects: [{ type: 'power', how: input.action }] };
  },
};

export const goodbye: Page = {
  view: () => ({ title: 'Goodbye', text: ['The machine is going down.'], actions: [], help: [] }),
  act: (_state, input) => {
    throw noSuchAction(input);
  },
};
