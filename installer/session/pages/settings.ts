/** What the installed system is told: name, network, password, SSH key. */

import { authorizedKeySchema, hostnameSchema, networkSchema } from '../../appliance-config.ts';
import { InstallError } from '../../errors.ts';
import { PASSWORD_LENGTH_MIN, passwordWeakness } from '../../password.ts';
import { ABORT, action, BACK, field, go, noSuchAction, type Page } from '../page.ts';
import { type NetworkForm, networkConfig, type PageInput, type SessionState } from '../state.ts';
import type { ViewField } from '../view.ts';

export const network: Page = {
  view: (state) => ({
    title: 'Name and network',
    text: [
      'These settings are for the installed system; the installer itself uses no network.',
      ...interfaceLines(state),
    ],
    fields: networkFields(state),
    actions: [action('next', '[N]ext'), BACK, ABORT],
    enter: 'next',
    help: [
      'Addresses are written with their prefix length, like 192.0.2.10/24 or 2001:db8::10/64. Several name servers are separated by blanks.',
    ],
  }),
  act: (state, input) => {
    const form = readForm(state.network, input);
    if (input.action === 'back') return go(state, { page: 'contents', network: form });
    if (input.action !== 'next') throw noSuchAction(input);
    checkField('Host name', hostnameSchema.safeParse(form.hostname));
    checkField('Network', networkSchema.safeParse(networkConfig(form)));
    return go(state, { page: 'access', network: form });
  },
};

function interfaceLines(state: SessionState): readonly string[] {
  return (state.facts?.interfaces ?? []).map(
    ({ name, mac, driver, link }) => `  ${name}  ${mac}  ${driver}  link ${link}`,
  );
}

function networkFields(state: SessionState): ViewField[] {
  const { network: form, facts } = state;
  const staticOnly = { when: { field: 'mode', equals: 'static' } };
  const interfaces = (facts?.interfaces ?? []).map(({ name, mac }) => ({
    value: mac,
    label: `${name} (${mac})`,
  }));
  return [
    field('hostname', 'Host name', form.hostname),
    {
      ...field('mode', 'Address', form.mode),
      kind: 'choice',
      options: [
        { value: 'dhcp', label: 'automatic (DHCP)' },
        { value: 'static', label: 'one fixed address' },
      ],
    },
    {
      ...field('mac', 'Interface', form.mac),
      kind: 'choice',
      options: [{ value: '', label: 'any Ethernet interface' }, ...interfaces],
      ...staticOnly,
    },
    { ...field('address', 'Address/prefix', form.address, 'like 192.0.2.10/24'), ...staticOnly },
    { ...field('gateway', 'Gateway', form.gateway, 'empty: none'), ...staticOnly },
    { ...field('dns', 'Name servers', form.dns, 'blanks between'), ...staticOnly },
  ];
}

/** Fields that were not sent (hidden ones, or an interface that changed only one) keep their value. */
function readForm(form: NetworkForm, input: PageInput): NetworkForm {
  const value = (name: keyof NetworkForm) => (input.values[name] ?? form[name]).trim();
  return {
    hostname: value('hostname').toLowerCase(),
    mode: value('mode'),
    mac: value('mac').toLowerCase(),
    address: value('address'),
    gateway: value('gateway'),
    dns: value('dns'),
  };
}

export const access: Page = {
  view: (state) => ({
    title: 'Access',
    text: [
      `The account "operator" logs in at the console with a password of at least ${PASSWORD_LENGTH_MIN} characters.`,
      state.passwordHash === ''
        ? 'No password is set yet.'
        : 'A password is set; leave both fields empty to keep it.',
      "With an SSH public key the SSH server runs and accepts that key only; without one it does not run. The database's own administrator token is made during the installation and shown once at its end.",
      ...(state.hashing ? ['Storing the password ...'] : []),
    ],
    fields: [
      { ...field('password', 'Password', ''), kind: 'secret' },
      { ...field('repeat', 'Password again', ''), kind: 'secret' },
      field('key', 'SSH public key', state.authorizedKeys[0] ?? '', 'optional'),
    ],
    actions: [action('next', '[N]ext', !state.hashing), BACK, ABORT],
    enter: 'next',
    help: ['There is no default password and no way in without one. Only its hash is stored.'],
  }),
  act: (state, input) => {
    const { password = '', repeat = '', key: typedKey = state.authorizedKeys[0] ?? '' } = input.values;
    const key = typedKey.trim();
    if (input.action === 'back') return go(state, { page: 'network', hashing: false });
    if (input.action !== 'next' || state.hashing) throw noSuchAction(input);
    const authorizedKeys = key === '' ? [] : [key];
    if (key !== '') checkField('SSH public key', authorizedKeySchema.safeParse(key));
    if (password === '' && repeat === '' && state.passwordHash !== '') {
      return go(state, { page: 'review', authorizedKeys });
    }
    checkPassword(password, repeat);
    return {
      ...go(state, { authorizedKeys, hashing: true }),
      effects: [{ type: 'hash-password', password }],
    };
  },
};

function checkPassword(password: string, repeat: string): void {
  const weakness = passwordWeakness(password);
  if (weakness !== undefined) throw new InstallError('BAD_FIELD', `Password: ${weakness}`);
  if (password !== repeat)
    throw new InstallError('BAD_FIELD', 'Password again: the two differ; type both once more');
}

interface Checked {
  readonly success: boolean;
  readonly error?: {
    readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[];
  };
}

function checkField(label: string, checked: Checked): void {
  const [issue] = checked.error?.issues ?? [];
  if (issue === undefined) return;
  const where = issue.path.length > 0 ? ` ${issue.path.join('.')}` : '';
  throw new InstallError('BAD_FIELD', `${label}${where}: ${issue.message}`);
}
