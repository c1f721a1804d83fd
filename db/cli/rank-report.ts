/** What became of the rows of an import: how many, why not, and where the first of each sort of refusal stands. */
import type { RankedWrite } from '../client/index.ts';
import type { TruthError } from '../errors.ts';
import type { Terminal } from './command.ts';
import type { ImportedRow } from './rank-row.ts';

const EXAMPLES_MAX = 3;
const REASONS_MAX = 50;

interface Reason {
  readonly code: string;
  /** Without what differs from row to row. */
  readonly reason: string;
  count: number;
  /** In full, with their lines. */
  readonly examples: { readonly line: number; readonly message: string }[];
}

/** `read`: nothing was asked. `checked`: a server said what would be. */
export type ImportMode = 'written' | 'checked' | 'read';

export class ImportReport {
  readonly #startedAt = performance.now();
  readonly #counts = { define: 0, entity: 0, signal: 0, edge: 0 };
  readonly #reasons = new Map<string, Reason>();
  #duplicates = 0;
  #unchanged = 0;
  #refused = 0;
  /** The first line that is not done. */
  next = 1;

  get refused(): number {
    return this.#refused;
  }

  /** Rows of one sort; `answer` null: nobody was asked. */
  did(batch: readonly ImportedRow[], answer: RankedWrite | null): void {
    for (const { row } of batch) if (row !== 'problem') this.#counts[row] += 1;
    this.next = (batch.at(-1)?.end ?? 0) + 1;
    if (answer === null) return;
    this.#duplicates += answer.duplicates;
    this.#unchanged += answer.unchanged;
    for (const { index, code, message } of answer.refusals)
      this.#refuse(batch[index]?.line ?? 0, code, message);
    // Of very many, not all are named.
    this.#refused += answer.refused - answer.refusals.length;
  }

  problem({ line, end }: ImportedRow, { code, message }: TruthError): void {
    this.#refuse(line, code, message);
    this.next = end + 1;
  }

  line(): string {
    const { entity, signal, edge } = this.#counts;
    const rate = (entity + signal + edge) / ((performance.now() - this.#startedAt) / 1000);
    return `line ${this.next - 1}: ${entity} entities, ${signal} signals, ${edge} relationships, ${this.#refused} refused, ${Math.round(rate)} lines/s`;
  }

  async print(terminal: Terminal, mode: ImportMode): Promise<void> {
    const { define, entity, signal, edge } = this.#counts;
    const counts = {
      ...(define > 0 ? { definitions: define } : {}),
      ...{ entities: entity, signals: signal, relationships: edge, known: this.#duplicates },
      ...{ unchanged: this.#unchanged, refused: this.#refused },
    };
    const reasons = [...this.#reasons.values()].sort((a, b) => b.count - a.count);
    if (terminal.json) {
      const checked = mode === 'read' ? 'form' : 'all';
      const dry = mode === 'written' ? { dryRun: false } : { dryRun: true, checked };
      await terminal.out(JSON.stringify({ ...counts, ...dry, next: this.next, reasons }));
      return;
    }
    const parts = Object.entries(counts).map(([what, count]) => `${count} ${what}`);
    await terminal.out(`${mode === 'written' ? 'imported' : 'would import'} ${parts.join(', ')}`);
    for (const { code, reason, count, examples } of reasons) {
      await terminal.out(`  ${count} × ${code}: ${reason}`);
      for (const { line, message } of examples) await terminal.out(`    line ${line}: ${code}: ${message}`);
    }
  }

  #refuse(line: number, code: string, message: string): void {
    this.#refused += 1;
    const reason = generally(message);
    const place = `${code} ${reason}`;
    let known = this.#reasons.get(place);
    if (known === undefined) {
      if (this.#reasons.size >= REASONS_MAX) return;
      known = { code, reason, count: 0, examples: [] };
      this.#reasons.set(place, known);
    }
    known.count += 1;
    if (known.examples.length < EXAMPLES_MAX) known.examples.push({ line, message });
  }
}

/** Keys, numbers and places of a message taken out, so that the same trouble is the same text. */
function generally(message: string): string {
  return message
    .replace(/^line \d+ of [^:]*?(?=: | has | is )(: )?/, '')
    .replace(/"[^"]*"/g, '"…"')
    .replace(/\d[\d:.TZ-]*/g, 'N')
    .trim();
}
