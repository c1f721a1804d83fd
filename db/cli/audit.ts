/** `truthdb audit list`: who came, who was refused, who did and looked at what. */
import { askServer } from './administer.ts';
import type { Command } from './command.ts';
import { TARGET_OPTIONS } from './target.ts';

interface ShownEntry {
  readonly position: number;
  readonly at: string;
  readonly tenant: number;
  readonly kind: string;
  readonly who: string;
  readonly what: string;
  readonly outcome: string;
  readonly count: number;
}

const LIMIT_DEFAULT = 100;

export const auditList: Command = {
  name: 'audit list',
  summary: 'Lists what was audited, the newest first.',
  detail:
    'Logins, denials and administrative acts are entries of the log, always; reads by minute unless a tenant has them off or ' +
    'each. A count says how often, where a flood or a minute was summed up. For operators all tenants, for owners and auditors ' +
    'their own.',
  positionals: [],
  options: [
    { flag: 'tenant', value: 'NAME', help: 'only of this tenant; for operators' },
    { flag: 'before', value: 'N', help: 'only what lies before this position' },
    { flag: 'limit', value: 'N', help: `how many; ${LIMIT_DEFAULT} unless given, 1000 at most` },
    ...TARGET_OPTIONS,
  ],
  example: 'truthdb audit list --limit 20',
  run: async (args, terminal) => {
    const { entries } = await askServer(args, terminal, {
      command: 'audit-list',
      tenant: args.text('tenant') ?? null,
      before: args.number('before', 1) ?? null,
      limit: args.number('limit', 1) ?? LIMIT_DEFAULT,
    });
    for (const entry of entries as ShownEntry[])
      await terminal.out(terminal.json ? JSON.stringify(entry) : lineOf(entry));
    return 0;
  },
};

function lineOf({ position, at, tenant, kind, who, what, outcome, count }: ShownEntry): string {
  const often = count === 1 ? '' : ` ×${count}`;
  return `${position}  ${at}  ${tenant}  ${kind.padEnd(13)}  ${(who === '' ? '?' : who).padEnd(16)}  ${outcome}  ${what}${often}`;
}
