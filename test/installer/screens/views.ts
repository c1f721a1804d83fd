/** Views as the engine would send them, for the tests of the interfaces. */

import { reduce, viewOf } from '../../../installer/session/index.ts';
import { initialState, type SessionEvent } from '../../../installer/session/state.ts';
import type { PageId, View } from '../../../installer/session/view.ts';
import { disksOf } from '../disks/machines.ts';
import { facts, PASSWORD, PASSWORD_HASH, payload } from '../examples.ts';

const OUTCOME = {
  version: '1.0.0',
  hostname: 'db1',
  address: '192.0.2.10',
  fingerprint: '5f8f04846652d465588731fc470e4219890e37050e8bbe264d395b66de321652',
  adminToken: '13uD6UcOPfq0G64pEvpOw3te3AXpD0AarQCEhoPqw1s',
  sshFingerprint: 'SHA256:ubf7cGQ2Nn7MyHE8t6Xb2xkzYV0rq5d4Hn3v1m2o4zA',
  warnings: ['Tell the firmware: efibootmgr ended with 1: No space left on device'],
};

/** A view of every page, as a walk over a machine with these disks comes by it. */
export function everyPage(machine = 'members', disk = 'sda'): ReadonlyMap<PageId, View> {
  let state = initialState();
  const views = new Map<PageId, View>();
  const send = (event: SessionEvent) => {
    const step = reduce(state, event);
    if (step.refusal !== undefined) throw step.refusal;
    state = step.state;
    if (!state.hashing) views.set(state.page, viewOf(state, true));
  };
  const act = (action: string, values: Record<string, string> = {}, choice = '') =>
    send({ type: 'act', input: { page: state.page, action, choice, values }, nowMs: 0 });
  send({ type: 'facts', facts });
  send({ type: 'payload', payload: { state: 'good', payload } });
  act('power');
  act('back');
  act('install');
  act('abort');
  act('no');
  act('next');
  send({ type: 'disks', disks: disksOf(machine) });
  act('next', {}, `1:${disk}`);
  act('next');
  act('next', { mode: 'static', address: '192.0.2.10/24', gateway: '192.0.2.1', dns: '192.0.2.53' });
  act('back');
  act('next');
  act('next', { password: PASSWORD, repeat: PASSWORD });
  send({ type: 'password-hashed', hash: PASSWORD_HASH });
  act('next');
  send({ type: 'install-started' });
  send({
    type: 'progress',
    progress: { overall: 0.42, step: 'Write the system', stepNumber: 4, stepCount: 13, stepFraction: 0.5 },
  });
  send({ type: 'installed', outcome: OUTCOME });
  send({
    type: 'failed',
    failure: {
      code: 'IO',
      text: 'EIO: i/o error, write',
      step: 'Write the system',
      diskState: 'Both tables are erased.',
    },
  });
  act('menu');
  send({ type: 'unattended-started' });
  return views;
}
