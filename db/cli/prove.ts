/** `truthdb prove`: that entries are in the log as it was signed. */
import type { RangeRequest } from '../audit/prover.ts';
import { writeBundle } from './bundle-file.ts';
import { type Arguments, type Command, misused, type Option } from './command.ts';
import { PROOF_SOURCE_OPTIONS, proofSource, TENANT, tenantNumber } from './proof-source.ts';

export const OUT: Option = {
  flag: 'out',
  value: 'FILE',
  help: 'where the bundle goes; standard output without it',
};
export const SINCE: Option = {
  flag: 'since',
  value: 'SIZE',
  help: 'also prove that the checkpoint used extends the one of that size',
};

export const prove: Command = {
  name: 'prove',
  summary: 'Proves that entries are in the log: a bundle that anybody verifies with the root key alone.',
  detail:
    'One entry (--sequence) or all from one to another (--from, --to), commits and all tenants included; hashes in place of\n' +
    'what they hold, unless --payloads. With --tenant all entries of that tenant in the range, as truthdb export audit has them.',
  positionals: [],
  options: [
    { flag: 'sequence', value: 'N', help: 'sequence of one entry' },
    { flag: 'from', value: 'A', help: 'first sequence of a range' },
    { flag: 'to', value: 'B', help: 'last sequence of a range' },
    { ...TENANT, help: 'of a range, the entries of this tenant (name or number) and that none is missing' },
    { flag: 'payloads', value: null, help: 'show what the entries hold, as it lies in the log' },
    SINCE,
    OUT,
    ...PROOF_SOURCE_OPTIONS,
  ],
  example: 'truthdb prove --sequence 42 --out 42.proof',
  run: async (args, terminal) => {
    const range = rangeFrom(args);
    const source = await proofSource(args, terminal);
    try {
      const tenant = range.tenant === null ? 0 : await tenantNumber(source, range.tenant);
      const proof = await source.range({ ...range, tenant });
      const out = args.text('out');
      const bytes = await writeBundle(source, proof, args.switch('payloads'), out, terminal);
      if (out !== undefined)
        terminal.say(`${bytes} bytes in ${out}; check it: truthdb verify ${out} --public-key KEY`);
      return 0;
    } finally {
      await source.close();
    }
  },
};

/** `tenant` as it was given; null for all. */
function rangeFrom(args: Arguments): Omit<RangeRequest, 'tenant'> & { readonly tenant: string | null } {
  const one = args.number('sequence', 1);
  const [from, to] = [args.number('from', 1), args.number('to', 1)];
  const since = args.number('since', 1) ?? null;
  const tenant = args.text('tenant') ?? null;
  if (one !== undefined && from === undefined && to === undefined && tenant === null)
    return { kind: 'entries', tenant, from: one, to: one, since };
  if (one === undefined && from !== undefined && to !== undefined)
    return { kind: tenant === null ? 'entries' : 'tenant', tenant, from, to, since };
  throw misused(prove, 'give either --sequence, or --from and --to, which --tenant may narrow');
}
