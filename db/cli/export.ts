/** `truthdb export audit`: one tenant's entries of a range, none left out, for whoever has to check them. */
import { resolve } from 'node:path';
import { decodeCheckpoint } from '../audit/verifier.ts';
import { writeBundle } from './bundle-file.ts';
import { type Command, misused } from './command.ts';
import { PROOF_SOURCE_OPTIONS, proofSource, TENANT, tenantNumber } from './proof-source.ts';
import { OUT, SINCE } from './prove.ts';

export const exportAudit: Command = {
  name: 'export audit',
  summary: 'Exports one tenant’s entries of a range with the proof that none is missing.',
  detail:
    'Entries as they lie in the log: encrypted where the log is. With --hashes, or a token that may verify and not read,\n' +
    'nothing of what they hold; the proof stays the same. Without --from from the beginning, without --to up to the newest checkpoint.',
  positionals: [],
  options: [
    { ...TENANT, help: `${TENANT.help} (required)` },
    { flag: 'from', value: 'A', help: 'first sequence' },
    { flag: 'to', value: 'B', help: 'last sequence' },
    { flag: 'hashes', value: null, help: 'hashes in place of what the entries hold' },
    SINCE,
    OUT,
    ...PROOF_SOURCE_OPTIONS,
  ],
  example: 'truthdb export audit --tenant acme --from 1 --to 4711 --out audit.bundle',
  run: async (args, terminal) => {
    const given = args.text('tenant');
    if (given === undefined) throw misused(exportAudit, '--tenant is missing');
    const source = await proofSource(args, terminal);
    try {
      const tenant = await tenantNumber(source, given);
      const to = args.number('to', 1) ?? (await newestSize(source));
      const request = { kind: 'tenant', tenant, from: args.number('from', 1) ?? 1, to } as const;
      const proof = await source.range({ ...request, since: args.number('since', 1) ?? null });
      const out = args.text('out');
      const bytes = await writeBundle(source, proof, !args.switch('hashes'), out, terminal);
      if (out !== undefined) {
        terminal.say(`${bytes} bytes in ${resolve(out)}; check it: truthdb verify ${out} --public-key KEY`);
      }
      return 0;
    } finally {
      await source.close();
    }
  },
};

async function newestSize(source: Awaited<ReturnType<typeof proofSource>>): Promise<number> {
  const { checkpoint } = await source.latest();
  return decodeCheckpoint(checkpoint).size;
}
