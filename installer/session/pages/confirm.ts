/** The last two pages before the first write: everything once more, and the words that bind the hand to the disk. */

import type { ApplianceConfig } from '../../appliance-config.ts';
import { InstallError } from '../../errors.ts';
import {
  checkWords,
  type InstallPlan,
  planInstall,
  requiredWords,
  type TypedWords,
  tokenName,
} from '../../plan.ts';
import { ABORT, action, BACK, field, go, noSuchAction, type Page } from '../page.ts';
import { chosenDisk, networkConfig, type SessionState, type Transition } from '../state.ts';
import type { ViewField } from '../view.ts';
import { describeDisk } from './disk.ts';

/** Keys typed for another page must not end up on this one. */
const CONFIRM_GUARD_MS = 1000;

/** @throws InstallError when something the plan needs is missing or the disk may not be erased. */
function planOf(state: SessionState): InstallPlan {
  const disk = chosenDisk(state);
  if (disk === undefined) throw new InstallError('NO_DISK', 'no disk is chosen; go back and choose one');
  if (state.payload.state !== 'good')
    throw new InstallError('PAYLOAD_INVALID', 'the installation medium is not checked');
  if (state.passwordHash === '')
    throw new InstallError('BAD_FIELD', 'Password: none is set; go back and set one');
  const config: ApplianceConfig = {
    version: 1,
    hostname: state.network.hostname,
    network: networkConfig(state.network),
    operator: { passwordHash: state.passwordHash },
    ssh: { authorizedKeys: [...state.authorizedKeys] },
  };
  return planInstall(disk, state.payload.payload, { config, adminTokenHash: undefined });
}

export const review: Page = {
  view: (state) => ({
    title: 'Review',
    text: reviewLines(planOf(state)),
    actions: [BACK, action('next', '[C]ontinue to the confirmation'), ABORT],
    // Enter goes back here: whoever leans on the key does not come nearer to erasing a disk.
    enter: 'back',
    help: ['Nothing is written yet. The next page asks for the confirmation.'],
  }),
  act: (state, input, nowMs) => {
    if (input.action === 'back') return go(state, { page: 'access' });
    if (input.action !== 'next') throw noSuchAction(input);
    planOf(state);
    return go(state, { page: 'confirm', confirmSinceMs: nowMs });
  },
};

function reviewLines(plan: InstallPlan): string[] {
  const { config } = plan.settings;
  const { network } = config;
  return [
    `TruthDB ${plan.payload.version}`,
    `Disk       ${describeDisk(plan.disk)}`,
    `On it now  ${plan.disk.contents.summary}${plan.disk.contents.state === 'empty' ? '' : ' - ALL OF IT WILL BE ERASED'}`,
    `Host name  ${config.hostname}`,
    network.mode === 'dhcp'
      ? 'Network    automatic (DHCP)'
      : `Network    ${network.address}, gateway ${network.gateway ?? 'none'}, name servers ${network.dns.join(' ') || 'none'}, interface ${network.mac ?? 'any'}`,
    'Operator   logs in with the password that was set',
    `SSH        ${config.ssh.authorizedKeys.length === 0 ? 'off' : `on, with the key ${commentOf(config.ssh.authorizedKeys[0] ?? '')}`}`,
  ];
}

function commentOf(key: string): string {
  const [type, , ...comment] = key.split(' ');
  return `${type} ${comment.join(' ')}`.trim();
}

export const confirm: Page = {
  view: (state) => {
    const plan = planOf(state);
    return {
      title: 'Erase this disk?',
      text: [
        describeDisk(plan.disk),
        `On it now: ${plan.disk.contents.summary}.`,
        plan.disk.contents.state === 'empty' ? 'The disk is empty.' : 'All of it will be gone for good.',
      ],
      fields: wordFields(plan),
      actions: [BACK, { ...action('install', '[E]rase and install'), message: 'install' }, ABORT],
      guardMs: CONFIRM_GUARD_MS,
      planHash: plan.hash,
      help: ['Type what is asked for, then choose Erase and install. Enter alone does nothing here.'],
    };
  },
  act: (state, input) => {
    if (input.action === 'back') return go(state, { page: 'review' });
    throw noSuchAction(input);
  },
};

function wordFields(plan: InstallPlan): ViewField[] {
  const { array, data } = requiredWords(plan.disk);
  return [
    field('token', `Type ${tokenName(plan.disk)}`, ''),
    ...(array === undefined ? [] : [field('array', `It is a part of "${array}". Type that name`, '')]),
    ...(data === undefined ? [] : [field('data', `It holds a database. Type ${data}`, '')]),
  ];
}

/** The one way to an installation: on the confirm page, after its first second, with the present plan and the right words. */
export function install(state: SessionState, planHash: string, typed: TypedWords, nowMs: number): Transition {
  if (state.page !== 'confirm') {
    throw new InstallError(
      'STALE_PAGE',
      `the confirmation is not on the screen (the page is ${state.page}); nothing was written`,
    );
  }
  if (nowMs - state.confirmSinceMs < CONFIRM_GUARD_MS) {
    throw new InstallError(
      'TOO_EARLY',
      'the confirmation came in the first second of its page; read the page, then type again',
    );
  }
  const plan = planOf(state);
  if (plan.hash !== planHash) {
    throw new InstallError(
      'PLAN_CHANGED',
      'the plan changed since it was shown; nothing was written, review it again',
    );
  }
  checkWords(plan.disk, typed);
  return { ...go(state, { page: 'progress' }), effects: [{ type: 'install', plan, typed }] };
}
