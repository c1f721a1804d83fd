/** A view that keeps the payloads it was given, as text: enough to see what it got, in which order, how often. */
import { createHash } from 'node:crypto';
import type {
  CheckpointReader,
  CheckpointWriter,
  Materializer,
  ViewCommit,
  ViewDefinition,
} from '../../../db/materializer/index.ts';
import type { Sequence } from '../../../db/types.ts';

export class TextView implements Materializer {
  readonly lines: string[] = [];
  /** Throws when it is given the commit at this position. */
  throwAt: Sequence | null = null;

  onCommit(commit: ViewCommit): void {
    if (commit.sequence === this.throwAt) throw new Error('this view does not like that commit');
    for (const { sequence, payload } of commit.entries) {
      this.lines.push(
        `${sequence} ${commit.ordinal} ${commit.recordedAt} ${Buffer.from(payload).toString('latin1')}`,
      );
    }
  }

  checkpoint(writer: CheckpointWriter): void {
    const text = this.lines.join('\n');
    writer.part(`lines-${this.lines.length}`, () => [Buffer.from(text, 'latin1')]);
  }

  restore(reader: CheckpointReader): void {
    for (const name of reader.parts) {
      const text = Buffer.from(reader.read(name)).toString('latin1');
      if (text !== '') this.lines.push(...text.split('\n'));
    }
  }

  digest(): string {
    return createHash('sha256').update(this.lines.join('\n')).digest('hex');
  }
}

export interface TextViewDefinition extends ViewDefinition<TextView> {
  /** Every instance made, oldest first: a rebuild makes another. */
  readonly made: TextView[];
}

export function textView(
  name: string,
  options: { readonly version?: number; readonly required?: boolean; readonly throwAt?: Sequence } = {},
): TextViewDefinition {
  const made: TextView[] = [];
  return {
    name,
    version: options.version ?? 1,
    scope: 'global',
    required: options.required ?? true,
    made,
    create: () => {
      const view = new TextView();
      view.throwAt = options.throwAt ?? null;
      made.push(view);
      return view;
    },
  };
}
