/** The epochs of a log with their random bytes: which key a sealed entry needs follows from its place. */
import { TruthError } from '../errors.ts';
import type { Disk } from '../io/index.ts';
import { type Epoch, type Sequence, sequence } from '../types.ts';
import { type EpochBeginning, findEpochs, type Log, readEpochs, writeEpochs } from '../wal/index.ts';

export class Epochs {
  readonly #disk: Disk;
  readonly #directory: string;
  /** The epoch that is written in. */
  readonly #begun: () => EpochBeginning | null;
  /** In the log's order. */
  #known: readonly EpochBeginning[] = [];

  constructor(disk: Disk, directory: string, begun: () => EpochBeginning | null) {
    this.#disk = disk;
    this.#directory = directory;
    this.#begun = begun;
  }

  /** Reads what is kept, and the log where that does not reach its end. */
  async load(log: Log): Promise<void> {
    const kept = readEpochs(this.#disk, this.#directory) ?? [];
    this.#known = kept;
    if (kept.some(({ epoch }) => epoch === log.epoch) || log.epoch === 0) return;
    const found = await fromTheBeginning(log);
    const first = found[0]?.after ?? log.next;
    // Of epochs that begin in pruned segments only the file knew.
    this.#keep([...kept.filter(({ after }) => after < first), ...found]);
  }

  /** From here on they are kept beside the log. To be called before anything is sealed. Errors: CLOSED before an epoch began. */
  keep(): void {
    const begun = this.writing();
    if (!this.#known.some(({ epoch }) => epoch === begun.epoch)) this.#keep([...this.#known, begun]);
  }

  /** The epoch that is written in. */
  writing(): EpochBeginning {
    const begun = this.#begun();
    if (begun !== null) return begun;
    throw new TruthError('CLOSED', 'the log has not begun an epoch: nothing can be sealed');
  }

  of(epoch: Epoch): EpochBeginning | null {
    const begun = this.#begun();
    if (begun?.epoch === epoch) return begun;
    return this.#known.find((known) => known.epoch === epoch) ?? null;
  }

  /** The one an entry was written in. */
  at(position: Sequence): EpochBeginning | null {
    const begun = this.#begun();
    if (begun !== null && position > begun.after) return begun;
    return this.#known.findLast(({ after }) => after < position) ?? null;
  }

  /** All that are known. */
  get known(): readonly EpochBeginning[] {
    const begun = this.#begun();
    const others = this.#known.filter(({ epoch }) => epoch !== begun?.epoch);
    return begun === null ? others : [...others, begun];
  }

  /** An epoch whose entry was read. */
  note(beginning: EpochBeginning): void {
    if (this.of(beginning.epoch) !== null) return;
    this.#known = [...this.#known, beginning].sort((a, b) => a.epoch - b.epoch);
  }

  #keep(epochs: readonly EpochBeginning[]): void {
    writeEpochs(this.#disk, this.#directory, epochs);
    this.#known = epochs;
  }
}

async function fromTheBeginning(log: Log): Promise<EpochBeginning[]> {
  try {
    return await findEpochs(log, 1 as Sequence);
  } catch (error) {
    if (!(error instanceof TruthError) || error.code !== 'PRUNED') throw error;
    return findEpochs(log, sequence(Number(error.details['first'])));
  }
}
