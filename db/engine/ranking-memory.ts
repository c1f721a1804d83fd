/** Memory of the ranking layer: which writes need more of it, and what they are told when there is none. */
import { totalmem } from 'node:os';
import { TruthError } from '../errors.ts';
import type { MemoryStatus } from '../materializer/index.ts';
import type { RankingCommand } from '../ranking/kernel/index.ts';

const MIB = 1024 * 1024;
/** The rest is for everything else there is on a machine. */
const SHARE_OF_MACHINE = 0.5;

/** Bytes that views of the ranking layer may take unless somebody says otherwise: half of the machine, or of what the process may have of it. */
export function rankingMemoryDefault(): number {
  const constrained = process.constrainedMemory();
  const all = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
  return Math.floor(all * SHARE_OF_MACHINE);
}

/** Whether views keep more of a command than they had. Exposures are in the log alone; definitions make room as often as they take it. */
export function grows(command: RankingCommand): boolean {
  switch (command.command) {
    case 'signals':
      return true;
    case 'put-entities':
      return command.entities.some(({ action }) => action === 'put');
    case 'relate':
      return command.weight !== null;
    case 'define':
    case 'expose':
      return false;
  }
}

export function memoryFull({ budget, kept, spilled, problem }: MemoryStatus): TruthError {
  const spilling = problem === null ? '' : `; nothing more can be spilled to the disk (${problem})`;
  return new TruthError(
    'QUOTA_EXCEEDED',
    `the memory for ranking is full: its views keep ${mib(kept)} MiB, ${mib(budget ?? 0)} MiB are allowed, and ${mib(spilled)} MiB lie on the disk${spilling}. ` +
      'Questions, deletions and definitions go on; allow more with --ranking-memory, or delete or drop what is not needed',
    { budget: budget ?? 0, kept, spilled },
  );
}

function mib(bytes: number): number {
  return Math.ceil(bytes / MIB);
}
