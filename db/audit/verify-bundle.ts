/** What a bundle shows to somebody who has the root key and perhaps a checkpoint of an earlier day. */
import { type VerifiedBundle, verifyBundle } from './bundle-verifier.ts';
import { momentText } from './checkpoint.ts';
import { type Checkpoint, ProofError } from './verifier.ts';

/** JSON-safe. */
export interface BundleReport {
  /** Everything it says is proven, and nothing contradicts what was expected. */
  readonly ok: boolean;
  /** Null where the bundle proves nothing at all. */
  readonly shown: {
    readonly kind: 'entries' | 'tenant';
    readonly logId: string;
    readonly tenant: number | null;
    readonly from: number;
    readonly to: number;
    readonly entries: number;
    /** Of them with what they hold; the others by hash alone. */
    readonly payloads: number;
    /** Size and moment of the checkpoint that it is proven against. */
    readonly signed: number;
    readonly recordedAt: string;
    /** Size of the checkpoint that this one was shown to extend, or null. */
    readonly extends: number | null;
  } | null;
  readonly unproven: readonly string[];
  readonly problems: readonly { readonly kind: 'signature' | 'expected'; readonly problem: string }[];
}

/** `expected`: a checkpoint that was kept; null for none. */
export function checkBundle(
  bytes: Uint8Array,
  rootKey: Uint8Array,
  expected: Checkpoint | null,
): BundleReport {
  try {
    const bundle = verifyBundle(rootKey, bytes);
    const unproven = unprovenOf(bundle, expected);
    const problem = expected === null ? null : contradiction(bundle, expected);
    const problems = problem === null ? [] : [{ kind: 'expected', problem } as const];
    return { ok: problems.length === 0, shown: shownOf(bundle), unproven, problems };
  } catch (error) {
    if (!(error instanceof ProofError)) throw error;
    return {
      ok: false,
      shown: null,
      unproven: [],
      problems: [{ kind: 'signature', problem: error.message }],
    };
  }
}

function shownOf(bundle: VerifiedBundle): BundleReport['shown'] {
  const { kind, logId, from, to, entries, checkpoint, earlier } = bundle;
  return {
    kind,
    logId,
    tenant: kind === 'tenant' ? bundle.tenant : null,
    from,
    to,
    entries: entries.length,
    payloads: entries.filter(({ payload }) => payload !== null).length,
    signed: checkpoint.size,
    recordedAt: momentText(checkpoint.recordedAt),
    extends: earlier?.size ?? null,
  };
}

function contradiction({ checkpoint, earlier, logId }: VerifiedBundle, expected: Checkpoint): string | null {
  if (expected.logId !== logId)
    return `the bundle is of log ${logId}, the checkpoint that was kept of log ${expected.logId}`;
  if (expected.size > checkpoint.size) {
    return `the bundle stands at a checkpoint of size ${checkpoint.size}, older than the one that was kept, of size ${expected.size}: an old bundle, or a log that was rolled back`;
  }
  const same = [checkpoint, earlier].find((each) => each?.size === expected.size) ?? null;
  if (same === null || same.hash === expected.hash) return null;
  return `two different checkpoints of size ${expected.size} were signed: one that was kept, and one in this bundle. Whoever holds the key shows different histories`;
}

function unprovenOf({ checkpoint, earlier, entries }: VerifiedBundle, expected: Checkpoint | null): string[] {
  const unproven: string[] = [];
  const lost = entries.filter(({ form }) => form === 'gap' || form === 'leaf').length;
  if (lost > 0) unproven.push(`${lost} entries of the range are lost: what they were is not shown`);
  const linked = expected === null || [checkpoint.size, earlier?.size].includes(expected.size);
  if (!linked && expected.size < checkpoint.size) {
    unproven.push(
      `nothing in the bundle shows that its checkpoint extends the one that was kept; export it with --since ${expected.size}`,
    );
  }
  return unproven;
}
