/** `truthdb prove`: that entries are in the log as it was signed. */
import type { RangeRequest } from '../audit/prover.ts';
import { writeBundle } from './bundle-file.ts';
import { type Arguments, type Command, misused, type Option } from './command.ts';
import { PROOF_SOURCE_OPTIONS, proofSource } from './proof-source.ts';

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
    {
      flag: 'tenant',
      value: 'N',
      help: 'of a range, this tenant’s entries and that none of them is missing',
    },
    { flag: 'payloads', value: null, help: 'show what the entries hold, as it lies in the log' },
    SINCE,
    OUT,
    ...PROOF_SOURCE_OPTIONS,
  ],
  example: 'truthdb prove --sequence 42 --out 42.proof',
  run: async (args, terminal) => {
    const request = rangeFrom(args);
    const source = await proofSource(args, terminal);
    try {
      const proof = await source.range(request);
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

function rangeFrom(args: Arguments): RangeRequest {
  const one = args.number('sequence', 1);
  const [from, to] = [args.number('from', 1), args.number('to', 1)];
  const since = args.number('since', 1) ?? null;
  const tenant = args.number('tenant', 0);
  if (one !== undefined && from === undefined && to === undefined && tenant === undefined)
    return { kind: 'entries', tenant: 0, from: one, to: one, since };
  if (one === undefined && from !== undefined && to !== undefined)
    return { kind: tenant === undefined ? 'entries' : 'tenant', tenant: tenant ?? 0, from, to, since };
  throw misused(prove, 'give either --sequence, or --from and --to, which --tenant may narrow');
}
