import type { Batch } from './batch.ts';
import { applyFunction } from './functions.ts';
import { fillLeaf } from './leaves.ts';
import type { Program } from './program.ts';
import type { Scope } from './scope.ts';

/** A column for each measure of a program. Two measures that are the same share theirs. */
export interface Evaluation {
  readonly columns: readonly Float64Array[];
  /** Gives the columns back: they are somebody else's from then on. */
  release(): void;
}

/** Works a program out for all candidates, a column a step; a step's column is used again once nobody reads it any more. */
export function evaluate(program: Program, batch: Batch, scope: Scope): Evaluation {
  const { memory, budget } = scope;
  const columns: (Float64Array | null)[] = [];
  program.steps.forEach((step, at) => {
    const out = memory.column();
    if (step.step === 'number') out.fill(step.value, 0, batch.count);
    else if (step.step === 'leaf') fillLeaf(step.leaf, batch, scope, out);
    else
      applyFunction(
        step.function,
        step.of.map((read) => columns[read]!),
        batch.count,
        out,
      );
    columns[at] = out;
    if (step.step === 'apply') giveUnread(step.of, at);
    budget.charge(batch.count);
  });

  function giveUnread(read: readonly number[], at: number): void {
    for (const step of read) {
      const column = columns[step];
      if (program.lastUse[step] !== at || column == null) continue;
      memory.give(column);
      columns[step] = null;
    }
  }

  return {
    columns: program.results.map((result) => columns[result]!),
    release: () => {
      for (const result of new Set(program.results)) memory.give(columns[result]!);
    },
  };
}
