/** `truthdb tenant …`: who shares this database, with what limits, and the end of one of them. */
import type { TenantRecord } from '../tenancy/index.ts';
import { READS_AUDITED } from '../tenancy/index.ts';
import { askServer, typedConfirmation } from './administer.ts';
import { type Command, misused, type Option, type Terminal } from './command.ts';
import { TARGET_OPTIONS } from './target.ts';

/** Erasing computes all views again. */
const ERASE_MILLIS = 24 * 3_600_000;
const WHERE = 'Works through the local socket, or with the token of an operator.';
const NAME = { name: 'NAME', required: true } as const;
const CONFIRM: Option = {
  flag: 'confirm',
  value: 'TEXT',
  help: 'what would have to be typed, for scripts',
};

export const tenantCreate: Command = {
  name: 'tenant create',
  summary: 'Makes a tenant: streams, tables, tokens and quotas of its own.',
  detail: `With --encrypted its data is sealed under keys of its own and can be shredded. ${WHERE}`,
  positionals: [NAME],
  options: [
    {
      flag: 'encrypted',
      value: null,
      help: 'seal what it writes; the server needs a key file or a passphrase',
    },
    ...TARGET_OPTIONS,
  ],
  example: 'truthdb tenant create acme --encrypted',
  run: async (args, terminal) => {
    const command = {
      command: 'tenant-create',
      name: args.positional(0),
      encrypted: args.switch('encrypted'),
    };
    return show(terminal, (await askServer(args, terminal, command))['tenant'] as TenantRecord);
  },
};

export const tenantList: Command = {
  name: 'tenant list',
  summary: 'Lists the tenants with what they store and may store.',
  detail: WHERE,
  positionals: [],
  options: [...TARGET_OPTIONS],
  example: 'truthdb tenant list',
  run: async (args, terminal) => {
    const { tenants } = await askServer(args, terminal, { command: 'tenant-list' });
    for (const tenant of tenants as TenantRecord[]) await show(terminal, tenant);
    return 0;
  },
};

export const tenantQuota: Command = {
  name: 'tenant quota',
  summary: 'Sets what a tenant may store and how fast it may write.',
  detail: `What is not named has no limit afterwards. ${WHERE}`,
  positionals: [NAME],
  options: [
    { flag: 'bytes', value: 'N', help: 'bytes stored at most' },
    { flag: 'rate', value: 'N', help: 'bytes written a second at most' },
    { flag: 'streams', value: 'N', help: 'streams at most' },
    ...TARGET_OPTIONS,
  ],
  example: 'truthdb tenant quota acme --bytes 10000000000 --rate 1000000',
  run: async (args, terminal) => {
    const command = {
      command: 'tenant-quota',
      name: args.positional(0),
      bytes: args.number('bytes', 0) ?? null,
      bytesPerSecond: args.number('rate', 0) ?? null,
      streams: args.number('streams', 0) ?? null,
    };
    return show(terminal, (await askServer(args, terminal, command))['tenant'] as TenantRecord);
  },
};

export const tenantSet: Command = {
  name: 'tenant set',
  summary: 'Suspends or resumes a tenant, encrypts it, renames it, or says how its reads are audited.',
  detail: `One change a call. Encrypting seals what is written from then on. ${WHERE}`,
  positionals: [NAME],
  options: [
    { flag: 'suspend', value: null, help: 'nothing can be written to it' },
    { flag: 'resume', value: null, help: 'it can be written to again' },
    { flag: 'encrypt', value: null, help: 'seal what it writes from now on' },
    { flag: 'rename', value: 'NAME', help: 'another name' },
    { flag: 'audit-reads', value: 'HOW', help: `${READS_AUDITED.join(', ')}; summary unless set` },
    ...TARGET_OPTIONS,
  ],
  example: 'truthdb tenant set acme --audit-reads every',
  run: async (args, terminal) => {
    const name = args.positional(0);
    const audited = args.text('audit-reads');
    const to = args.text('rename');
    const changes = [
      ...(['suspend', 'resume', 'encrypt'] as const)
        .filter((flag) => args.switch(flag))
        .map((flag) => ({ command: `tenant-${flag}`, name })),
      ...(to === undefined ? [] : [{ command: 'tenant-rename', name, to }]),
      ...(audited === undefined ? [] : [{ command: 'tenant-audit-reads', name, audited }]),
    ];
    const [change, ...more] = changes;
    if (change === undefined || more.length > 0) throw misused(tenantSet, 'name one change');
    return show(terminal, (await askServer(args, terminal, change))['tenant'] as TenantRecord);
  },
};

export const tenantShred: Command = {
  name: 'tenant shred',
  summary: 'Destroys the keys of a tenant, and with them everything it ever wrote. There is no way back.',
  detail:
    'Views are computed again without it and nothing is written meanwhile. Prints a certificate of what was destroyed ' +
    `and of what may still hold copies. Its tokens are revoked. ${WHERE}`,
  positionals: [NAME],
  options: [CONFIRM, ...TARGET_OPTIONS],
  example: 'truthdb tenant shred acme',
  run: async (args, terminal) => {
    const name = args.positional(0) as string;
    const warning = `Everything that tenant "${name}" ever wrote will be unreadable for good.`;
    const confirm = await typedConfirmation(args, terminal, name, warning);
    const command = { command: 'tenant-shred', name, confirm };
    const { certificate, revoked } = await askServer(args, terminal, command, ERASE_MILLIS);
    terminal.say(`${revoked} tokens revoked; the certificate is also in metadata/erasures/`);
    await terminal.out(JSON.stringify(certificate, null, terminal.json ? 0 : 2));
    return 0;
  },
};

export const subjectErase: Command = {
  name: 'subject erase',
  summary: 'Destroys the key of one person, and with it everything about them. There is no way back.',
  detail:
    'Works where the tenant is encrypted and streams, tables or kinds of entities name whom they are about. Views are computed again and ' +
    'nothing is written meanwhile. Prints a certificate. Works through the local socket, or with the token of an operator ' +
    'or of the owner of the tenant.',
  positionals: [{ name: 'SUBJECT', required: true }],
  options: [
    { flag: 'tenant', value: 'NAME', help: 'of another tenant than your own; for operators' },
    CONFIRM,
    ...TARGET_OPTIONS,
  ],
  example: 'truthdb subject erase customer-4711 --tenant acme',
  run: async (args, terminal) => {
    const subject = args.positional(0) as string;
    const warning = `Everything about "${subject}" will be unreadable for good.`;
    const confirm = await typedConfirmation(args, terminal, subject, warning);
    const command = { command: 'subject-erase', tenant: args.text('tenant') ?? null, subject, confirm };
    const { certificate } = await askServer(args, terminal, command, ERASE_MILLIS);
    await terminal.out(JSON.stringify(certificate, null, terminal.json ? 0 : 2));
    return 0;
  },
};

async function show(terminal: Terminal, tenant: TenantRecord): Promise<number> {
  await terminal.out(terminal.json ? JSON.stringify(tenant) : lineOf(tenant));
  return 0;
}

function lineOf({ id, name, state, key, bytes, quota, readsAudited }: TenantRecord): string {
  const limits = [
    quota.bytes === null ? null : `of ${quota.bytes} bytes`,
    quota.bytesPerSecond === null ? null : `${quota.bytesPerSecond} bytes/s`,
    quota.streams === null ? null : `${quota.streams} streams`,
  ].filter((limit) => limit !== null);
  const sealed = key === null ? 'not encrypted' : `key ${key}`;
  const stored = `${bytes} bytes${limits.length === 0 ? '' : ` (${limits.join(', ')})`}`;
  return `${String(id).padStart(4)}  ${name.padEnd(20)}  ${state.padEnd(9)}  ${sealed}  ${stored}  reads audited: ${readsAudited}`;
}
