/** `truthdb checkpoint …`: what was signed, and signing now. */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { checkpointText, momentText } from '../audit/checkpoint.ts';
import { unbase64 } from '../audit/proof-json.ts';
import { SignedCheckpoints } from '../audit/signed-checkpoints.ts';
import { type Checkpoint, decodeCheckpoint } from '../audit/verifier.ts';
import { RealDisk } from '../io/index.ts';
import type { Arguments, Command, Terminal } from './command.ts';
import { PROOF_SOURCE_OPTIONS, proofSource } from './proof-source.ts';
import { connectTo, TARGET_OPTIONS } from './target.ts';

/** Taking in what is not in the trees yet may take this long. */
const CREATE_MILLIS = 3_600_000;
const PAGE = 500;

export const checkpointCreate: Command = {
  name: 'checkpoint create',
  summary: 'Signs a checkpoint of everything that is durable now.',
  detail: 'The server signs by itself as well (proofs.checkpointCommits, proofs.checkpointSeconds).',
  positionals: [],
  options: [...TARGET_OPTIONS],
  example: 'truthdb checkpoint create',
  run: async (args, terminal) => {
    const db = await connectTo(args, terminal);
    try {
      const { created } = await db.administer({ command: 'checkpoint-create' }, CREATE_MILLIS);
      await show(terminal, decodeCheckpoint(unbase64(created)));
      return 0;
    } finally {
      await db.close();
    }
  },
};

export const checkpointList: Command = {
  name: 'checkpoint list',
  summary: 'Lists the signed checkpoints, the oldest first.',
  detail:
    'With --data from the files, otherwise from the server. Signatures are not checked: truthdb verify does that.',
  positionals: [],
  options: [
    { flag: 'from', value: 'SIZE', help: 'the first that covers so many entries' },
    ...PROOF_SOURCE_OPTIONS,
  ],
  example: 'truthdb checkpoint list --from 100000',
  run: async (args, terminal) => {
    const from = args.number('from', 0) ?? 0;
    for await (const record of recordsFrom(args, terminal, from))
      await show(terminal, decodeCheckpoint(record));
    return 0;
  },
};

export const checkpointShow: Command = {
  name: 'checkpoint show',
  summary:
    'Prints the newest checkpoint as text, to be kept where the server’s administrator cannot change it.',
  detail:
    'Keep it: truthdb verify --expect FILE finds out later whether the log still leads to it. It holds hashes, sizes and\n' +
    'signatures, nothing of what was written.',
  positionals: [],
  options: [{ flag: 'out', value: 'FILE', help: 'write it there' }, ...PROOF_SOURCE_OPTIONS],
  example: 'truthdb checkpoint show --out monday.checkpoint',
  run: async (args, terminal) => {
    const source = await proofSource(args, terminal);
    try {
      const text = checkpointText(await source.latest());
      const out = args.text('out');
      if (out === undefined) await terminal.out(text.trimEnd());
      else writeFileSync(resolve(out), text);
      return 0;
    } finally {
      await source.close();
    }
  },
};

async function* recordsFrom(args: Arguments, terminal: Terminal, from: number): AsyncGenerator<Uint8Array> {
  const data = args.text('data');
  if (data !== undefined) {
    const stored = new SignedCheckpoints(new RealDisk(), resolve(data));
    for (let at = stored.indexOf(from); at < stored.count; at++) yield stored.at(at);
    return;
  }
  const db = await connectTo(args, terminal);
  try {
    for (let next = from; ; ) {
      const answer = await db.administer({ command: 'checkpoint-list', from: next, limit: PAGE });
      const page = (answer['checkpoints'] as string[]).map(unbase64);
      yield* page;
      if (page.length < PAGE) return;
      next = decodeCheckpoint(page.at(-1)!).size + 1;
    }
  } finally {
    await db.close();
  }
}

function show(terminal: Terminal, checkpoint: Checkpoint): Promise<void> {
  const { size, epoch, recordedAt, tenants, root, keyId } = checkpoint;
  if (terminal.json)
    return terminal.out(JSON.stringify({ ...checkpoint, recordedAt: momentText(recordedAt) }));
  return terminal.out(
    `size ${size}  epoch ${epoch}  ${momentText(recordedAt)}  ${tenants} tenants  root ${root}  key ${keyId}`,
  );
}
