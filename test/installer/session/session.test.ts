import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Disk } from '../../../installer/disks/disk.ts';
import { reduce, type SessionStep, viewOf } from '../../../installer/session/index.ts';
import {
  type Effect,
  initialState,
  type SessionEvent,
  type SessionState,
} from '../../../installer/session/state.ts';
import { PAGE_IDS, type PageId, viewSchema } from '../../../installer/session/view.ts';
import { disksOf } from '../disks/machines.ts';
import { facts, PASSWORD, PASSWORD_HASH, payload, SSH_KEY } from '../examples.ts';

const GOOD_PAYLOAD: SessionEvent = { type: 'payload', payload: { state: 'good', payload } };
const OUTCOME = {
  version: '1.0.0',
  hostname: 'db1',
  address: undefined,
  fingerprint: 'ab12',
  adminToken: 'secret-token',
  sshFingerprint: undefined,
  warnings: [],
};

/** Drives the dialogue and keeps what came of it. */
class Dialogue {
  state: SessionState = initialState();
  effects: Effect[] = [];
  refusal: SessionStep['refusal'];
  nowMs = 0;

  send(event: SessionEvent): this {
    const step = reduce(this.state, event);
    this.state = step.state;
    this.effects.push(...step.effects);
    this.refusal = step.refusal;
    return this;
  }

  act(
    action: string,
    values: Record<string, string> = {},
    choice = '',
    page: PageId = this.state.page,
  ): this {
    return this.send({ type: 'act', input: { page, action, choice, values }, nowMs: this.nowMs });
  }

  install(token: string, planHash = this.view.planHash ?? ''): this {
    return this.send({ type: 'install', planHash, typed: { token, array: '', data: '' }, nowMs: this.nowMs });
  }

  choose(name: string): this {
    return this.act('next', {}, `${this.state.scan}:${name}`);
  }

  get view() {
    return viewOf(this.state, true);
  }

  get page(): PageId {
    return this.state.page;
  }
}

const ready = () => new Dialogue().send({ type: 'facts', facts }).send(GOOD_PAYLOAD);
const atDisk = (disks: readonly Disk[] = disksOf('sata')) =>
  ready().act('install').act('next').send({ type: 'disks', disks });
const atNetwork = () => atDisk().choose('sdb').act('next');
const atAccess = () => atNetwork().act('next', { hostname: 'db1' });
const atReview = () =>
  atAccess()
    .act('next', { password: PASSWORD, repeat: PASSWORD })
    .send({ type: 'password-hashed', hash: PASSWORD_HASH });
const atConfirm = () => {
  const dialogue = atReview().act('next');
  dialogue.nowMs += 1000;
  return dialogue;
};

describe('the way through the pages', () => {
  it('leads from the menu to the installation, one page after the other', () => {
    const dialogue = ready();
    const pages = [dialogue.page];
    const note = () => pages.push(dialogue.page);
    dialogue.act('install');
    note();
    dialogue.act('next');
    note();
    dialogue.send({ type: 'disks', disks: disksOf('sata') }).choose('sdb');
    note();
    dialogue.act('next');
    note();
    dialogue.act('next', { hostname: 'db1' });
    note();
    dialogue
      .act('next', { password: PASSWORD, repeat: PASSWORD })
      .send({ type: 'password-hashed', hash: PASSWORD_HASH });
    note();
    dialogue.act('next');
    note();
    dialogue.nowMs = 1000;
    dialogue.install('cdef');
    note();
    expect(pages).toEqual([
      'menu',
      'hardware',
      'disk',
      'contents',
      'network',
      'access',
      'review',
      'confirm',
      'progress',
    ]);
    expect(dialogue.effects.at(-1)).toMatchObject({ type: 'install', plan: { disk: { name: 'sdb' } } });
  });

  it('stops at the hardware page until the medium is checked and nothing fails', () => {
    const waiting = new Dialogue().send({ type: 'facts', facts }).act('install').act('next');
    expect([waiting.page, waiting.refusal?.code]).toEqual(['hardware', 'NO_SUCH_ACTION']);
    const failing = ready()
      .send({ type: 'facts', facts: { ...facts, uefi: false } })
      .act('install')
      .act('next');
    expect(failing.refusal?.code).toBe('NO_SUCH_ACTION');
    const damaged = ready()
      .send({ type: 'payload', payload: { state: 'bad', text: '[PAYLOAD_INVALID] damaged' } })
      .act('install')
      .act('next');
    expect(damaged.refusal?.code).toBe('NO_SUCH_ACTION');
  });

  it('shows the disk page even when there is one disk only', () => {
    const dialogue = atDisk(disksOf('nvme'));
    expect([dialogue.page, dialogue.view.list?.selected]).toEqual(['disk', '1:nvme0n1']);
  });

  it('preselects nothing among several disks', () => {
    const dialogue = atDisk();
    expect(dialogue.view.list?.selected).toBe('');
    dialogue.act('next');
    expect([dialogue.page, dialogue.refusal?.code]).toEqual(['disk', 'NO_DISK']);
  });

  it('shows disks that cannot be chosen, with the reason, and does not let them be chosen', () => {
    const dialogue = atDisk(disksOf('own-medium'));
    expect(dialogue.view.list?.rows[1]).toMatchObject({
      enabled: false,
      detail: expect.stringContaining('installation medium'),
    });
    dialogue.choose('sdb');
    expect([dialogue.page, dialogue.refusal?.code]).toEqual(['disk', 'NOT_ELIGIBLE']);
  });

  it('shows the code on the row of a disk without serial and WWN', () => {
    const dialogue = atDisk(disksOf('no-serial'));
    expect(dialogue.view.list?.rows.at(-1)?.detail).toMatch(/^code [A-Z]{4}; empty$/);
  });

  it('refuses a choice from a list that was read again', () => {
    const dialogue = atDisk();
    const stale = `${dialogue.state.scan}:sdb`;
    dialogue
      .act('rescan')
      .send({ type: 'disks', disks: disksOf('sata') })
      .act('next', {}, stale);
    expect([dialogue.page, dialogue.refusal?.code]).toEqual(['disk', 'NO_DISK']);
  });

  it('refuses an answer meant for another page', () => {
    const dialogue = atDisk().act('next', {}, '', 'hardware');
    expect([dialogue.page, dialogue.refusal?.code]).toEqual(['disk', 'STALE_PAGE']);
  });

  it('leads back page by page', () => {
    const dialogue = atConfirm();
    const pages: PageId[] = [];
    for (let count = 0; count < 7; count += 1) {
      dialogue.act('back');
      pages.push(dialogue.page);
    }
    expect(pages).toEqual(['review', 'access', 'network', 'contents', 'disk', 'hardware', 'menu']);
  });
});

describe('the settings', () => {
  it.each([
    ['a host name with an underscore', { hostname: 'db_1' }, /^Host name: /],
    ['an address without prefix', { mode: 'static', address: '192.0.2.10' }, /^Network address: /],
    [
      'a gateway elsewhere',
      { mode: 'static', address: '192.0.2.10/24', gateway: '198.51.100.1' },
      /^Network gateway: /,
    ],
    [
      'a name server that is none',
      { mode: 'static', address: '192.0.2.10/24', dns: 'dns.example.org' },
      /^Network dns.0: /,
    ],
    ['a mode nobody offers', { mode: 'auto' }, /^Network address: /],
  ])('are refused for %s', (_name, values, message) => {
    const dialogue = atNetwork().act('next', values);
    expect(dialogue.page).toBe('network');
    expect(dialogue.refusal).toMatchObject({ code: 'BAD_FIELD', message: expect.stringMatching(message) });
    expect(dialogue.view.notice?.code).toBe('BAD_FIELD');
  });

  it('are kept when the page is left by Back and entered again', () => {
    const dialogue = atNetwork().act('back', { hostname: 'db7' }).act('next');
    expect(dialogue.view.fields.find(({ name }) => name === 'hostname')?.value).toBe('db7');
  });

  it.each([
    ['none', {}, 'Password: at least 12 characters, this has 0'],
    ['a short one', { password: 'short', repeat: 'short' }, 'Password: at least 12 characters, this has 5'],
    [
      'two that differ',
      { password: PASSWORD, repeat: `${PASSWORD}!` },
      'Password again: the two differ; type both once more',
    ],
  ])('are refused with %s for a password', (_name, values, message) => {
    const dialogue = atAccess().act('next', values);
    expect([dialogue.page, dialogue.refusal?.message]).toEqual(['access', message]);
    expect(dialogue.effects.some(({ type }) => type === 'hash-password')).toBe(false);
  });

  it('are refused with an SSH key that is none', () => {
    const dialogue = atAccess().act('next', { password: PASSWORD, repeat: PASSWORD, key: 'ssh-rsa AAAA' });
    expect(dialogue.refusal?.message).toMatch(/^SSH public key: /);
  });

  it('keep a password that was set, and take an SSH key later', () => {
    const dialogue = atReview().act('back').act('next', { key: SSH_KEY });
    expect(dialogue.page).toBe('review');
    expect(dialogue.view.text.join('\n')).toContain(
      'SSH        on, with the key ssh-ed25519 somebody@example.org',
    );
  });
});

describe('the confirmation', () => {
  it('is refused in the first second of its page', () => {
    const dialogue = atReview().act('next');
    dialogue.nowMs += 999;
    dialogue.install('cdef');
    expect([dialogue.page, dialogue.refusal?.code]).toEqual(['confirm', 'TOO_EARLY']);
  });

  it('is refused for the wrong token, the hash of another plan, and on any other page', () => {
    expect(atConfirm().install('cdee').refusal?.code).toBe('WRONG_TOKEN');
    expect(atConfirm().install('cdef', 'f'.repeat(64)).refusal?.code).toBe('PLAN_CHANGED');
    const hash = atConfirm().view.planHash ?? '';
    expect(atReview().install('cdef', hash).refusal?.code).toBe('STALE_PAGE');
  });

  it('has no action Enter stands for, and the review has Back', () => {
    expect(atConfirm().view.enter).toBeUndefined();
    expect(atReview().view.enter).toBe('back');
  });

  it.each([
    ['Back', (dialogue: Dialogue) => dialogue.act('back'), 'review'],
    [
      'another console taking over',
      (dialogue: Dialogue) => dialogue.send({ type: 'driver-changed' }),
      'review',
    ],
    [
      'a new reading of the disks',
      (dialogue: Dialogue) => dialogue.send({ type: 'disks', disks: disksOf('sata') }),
      'disk',
    ],
    ['a failed reading', (dialogue: Dialogue) => dialogue.send({ type: 'scan-failed', text: 'EIO' }), 'disk'],
    ['Abort, answered with no', (dialogue: Dialogue) => dialogue.act('abort').act('no'), 'review'],
  ] as const)('is void after %s', (_name, leave, page) => {
    const dialogue = atConfirm();
    const hash = dialogue.view.planHash ?? '';
    leave(dialogue);
    expect(dialogue.page).toBe(page);
    dialogue.install('cdef', hash);
    expect(dialogue.refusal?.code).toBe('STALE_PAGE');
    expect(dialogue.effects.some(({ type }) => type === 'install')).toBe(false);
  });

  it('waits for its second again after coming back', () => {
    const dialogue = atConfirm().act('back').act('next').install('cdef');
    expect(dialogue.refusal?.code).toBe('TOO_EARLY');
  });
});

describe('a plan that cannot be made', () => {
  it('is said on the review page, which Back leaves', () => {
    const large = { ...payload, root: { ...payload.root, bytes: 3 * 1024 ** 3 } };
    const dialogue = atReview().send({ type: 'payload', payload: { state: 'good', payload: large } });
    expect(dialogue.view.text[0]).toMatch(/^\[PAYLOAD_INVALID\] root.squashfs has/);
    expect(dialogue.act('next').refusal?.code).toBe('NO_SUCH_ACTION');
    expect(dialogue.act('back').page).toBe('access');
  });
});

describe('abort', () => {
  it('leads from every page back to the menu and forgets disk, password and key', () => {
    for (const at of [atDisk, atNetwork, atAccess, atReview, atConfirm]) {
      const dialogue = at().act('abort').act('yes');
      expect(dialogue.page).toBe('menu');
      expect(dialogue.state).toMatchObject({
        diskName: '',
        disks: undefined,
        passwordHash: '',
        authorizedKeys: [],
      });
    }
  });

  it('is not offered once the installation runs', () => {
    const dialogue = atConfirm().install('cdef').act('abort');
    expect([dialogue.page, dialogue.refusal?.code]).toEqual(['progress', 'NO_SUCH_ACTION']);
  });
});

describe('the end', () => {
  it('shows the token to the console that drove and hides it from the others', () => {
    const dialogue = atConfirm().install('cdef').send({ type: 'installed', outcome: OUTCOME });
    expect(JSON.stringify(viewOf(dialogue.state, true))).toContain('secret-token@ADDRESS:9650?fp=ab12');
    expect(JSON.stringify(viewOf(dialogue.state, false))).not.toContain('secret-token');
  });

  it('brackets an IPv6 address', () => {
    const dialogue = atConfirm().send({
      type: 'installed',
      outcome: { ...OUTCOME, address: '2001:db8::10' },
    });
    expect(dialogue.view.text.join('\n')).toContain('@[2001:db8::10]:9650');
  });

  it('of a failed installation tells code, step and what the disk is like, and leads to the menu', () => {
    const failure = {
      code: 'IO',
      text: 'EIO: i/o error',
      step: 'Write the system',
      diskState: 'Both tables are erased.',
    };
    const dialogue = atConfirm().install('cdef').send({ type: 'failed', failure });
    expect(dialogue.view.text).toEqual([
      '[IO] EIO: i/o error',
      'Step: Write the system',
      'Both tables are erased.',
    ]);
    expect(dialogue.act('menu').page).toBe('menu');
  });

  it.each([
    ['reboot', 'reboot'],
    ['power', 'poweroff'],
  ] as const)('offers %s', (action, how) => {
    const dialogue = atConfirm().send({ type: 'installed', outcome: OUTCOME }).act(action);
    expect(dialogue.effects.at(-1)).toEqual({ type: 'power', how });
    expect(dialogue.page).toBe('goodbye');
  });
});

describe('any sequence of events', () => {
  const machines = [
    'sata',
    'members',
    'truthdb',
    'no-serial',
    'own-medium',
    'duplicate-serials',
    'multipath',
  ];
  const actions = [
    'install',
    'next',
    'back',
    'rescan',
    'abort',
    'yes',
    'no',
    'power',
    'poweroff',
    'reboot',
    'menu',
  ];
  const value = fc.constantFrom(PASSWORD, 'db1', 'static', 'dhcp', '192.0.2.10/24', SSH_KEY, '', 'short');
  const values = fc.dictionary(
    fc.constantFrom('password', 'repeat', 'key', 'hostname', 'mode', 'address'),
    value,
  );
  /** Events as they may come; `hit` steers towards the pages that matter, or random walks would rarely leave the menu. */
  const step = fc.record({
    kind: fc.constantFrom(
      'forward',
      'forward',
      'forward',
      'forward',
      'act',
      'install',
      'install',
      'disks',
      'takeover',
      'wait',
      'facts',
      'hashed',
      'failed',
    ),
    action: fc.constantFrom(...actions),
    page: fc.option(fc.constantFrom(...PAGE_IDS), { freq: 8 }),
    values,
    pick: fc.nat(5),
    machine: fc.constantFrom(...machines),
    token: fc.constantFrom('right', 'right', 'wrong'),
    ms: fc.constantFrom(0, 400, 1000, 5000),
  });

  const FORWARD = {
    kind: 'forward',
    action: 'next',
    page: null,
    values: {},
    pick: 0,
    machine: 'no-serial',
    token: 'right',
    ms: 0,
  } as const;

  interface Seen {
    disk: boolean;
    confirmSince: number | undefined;
  }

  it('never begins an installation but from the confirm page, a second after it came, on an eligible disk that was chosen', () => {
    let installations = 0;
    fc.assert(
      fc.property(fc.constantFrom(0, 3, 5, 7, 7, 7), fc.array(step, { maxLength: 30 }), (ahead, walk) => {
        const sequence = [...Array.from({ length: ahead }, () => FORWARD), ...walk];
        const dialogue = ready();
        const seen: Seen = { disk: false, confirmSince: undefined };
        for (const { kind, action, page, values: typed, pick, machine, token, ms } of sequence) {
          const before = dialogue.state;
          const effectsBefore = dialogue.effects.length;
          const row = dialogue.view.list?.rows[pick]?.key ?? '';
          if (kind === 'forward') {
            const passwords = before.page === 'access' ? { password: PASSWORD, repeat: PASSWORD } : {};
            dialogue.act(before.page === 'menu' ? 'install' : 'next', { ...passwords }, row);
            if (dialogue.effects.at(-1)?.type === 'scan' && dialogue.state.disks === undefined)
              dialogue.send({ type: 'disks', disks: disksOf(machine) });
            if (dialogue.state.hashing) dialogue.send({ type: 'password-hashed', hash: PASSWORD_HASH });
          } else if (kind === 'act') dialogue.act(action, typed, row, page ?? before.page);
          else if (kind === 'install') {
            dialogue.nowMs += ms;
            const chosen = before.disks?.find(({ name }) => name === before.diskName);
            const words = {
              token: token === 'right' ? (chosen?.token?.text ?? '') : 'wrong',
              array: chosen?.contents.memberships[0]?.name ?? '',
              data: pick > 2 ? 'ERASE DATA' : '',
            };
            dialogue.send({
              type: 'install',
              planHash: dialogue.view.planHash ?? '',
              typed: words,
              nowMs: dialogue.nowMs,
            });
          } else if (kind === 'disks') dialogue.send({ type: 'disks', disks: disksOf(machine) });
          else if (kind === 'takeover') dialogue.send({ type: 'driver-changed' });
          else if (kind === 'facts') dialogue.send({ type: 'facts', facts });
          else if (kind === 'hashed') dialogue.send({ type: 'password-hashed', hash: PASSWORD_HASH });
          else if (kind === 'failed')
            dialogue.send({ type: 'failed', failure: { code: 'IO', text: '', step: '', diskState: '' } });
          else dialogue.nowMs += ms;

          viewSchema.parse(viewOf(dialogue.state, false));
          expect(JSON.stringify(viewOf(dialogue.state, true))).not.toContain(PASSWORD_HASH);
          const started = dialogue.effects.slice(effectsBefore).find(({ type }) => type === 'install');
          if (started?.type === 'install') {
            installations += 1;
            expect(kind).toBe('install');
            expect(token).toBe('right');
            expect(before.page).toBe('confirm');
            expect(seen.disk).toBe(true);
            expect(dialogue.nowMs - (seen.confirmSince ?? dialogue.nowMs)).toBeGreaterThanOrEqual(1000);
            expect(started.plan.disk.name).toBe(before.diskName);
            expect(started.plan.disk.ineligible).toEqual([]);
            if (started.plan.disk.contents.truthdb === 'data') expect(pick).toBeGreaterThan(2);
          }
          if (before.page === 'disk' && dialogue.page === 'contents') seen.disk = true;
          if (dialogue.page === 'menu' || dialogue.page === 'disk') seen.disk = false;
          if (dialogue.page !== 'confirm') seen.confirmSince = undefined;
          else if (before.page !== 'confirm') seen.confirmSince = dialogue.nowMs;
        }
      }),
      { numRuns: 400 },
    );
    // Random walks that never get there would prove nothing.
    expect(installations).toBeGreaterThan(10);
  });
});
