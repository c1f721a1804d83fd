/** What can be asked of whoever keeps the proofs, over connections too: JSON both ways, bytes as base64. */
import { z } from 'zod';

const position = z.int().min(1);
const count = z.int().min(0);
const kind = z.enum(['entries', 'tenant']);
const tenant = z.int().min(0).max(0xffff_ffff);

/** Each command by what it may be asked for. */
export const PROOF_COMMANDS = [
  /** Signs what there is now. */
  z.strictObject({ command: z.literal('checkpoint-create') }),
  z.strictObject({ command: z.literal('checkpoint-latest') }),
  /** The oldest of size `from` and those behind it. */
  z.strictObject({ command: z.literal('checkpoint-list'), from: count, limit: z.int().min(1).max(1000) }),
  /** That the newest checkpoint extends a tree of `size` leaves. */
  z.strictObject({ command: z.literal('proof-consistency'), size: count }),
  /** The epoch that left a history of `size` entries, last of epoch `epoch`, behind. */
  z.strictObject({ command: z.literal('proof-branch'), epoch: count, size: count }),
  z.strictObject({
    command: z.literal('proof-range'),
    kind,
    tenant,
    from: position,
    to: position,
    since: count.nullable(),
  }),
  /** Records of a range from one on, as many as fit in an answer. */
  z.strictObject({
    command: z.literal('proof-entries'),
    kind,
    tenant,
    from: position,
    to: position,
    firstLeaf: count,
    leaves: count,
    at: count,
    payloads: z.boolean(),
  }),
] as const;

export type ProofCommand = z.infer<(typeof PROOF_COMMANDS)[number]>;
