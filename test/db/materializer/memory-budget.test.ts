/** Views that take more and more, within a budget. */
import { beforeEach, expect, test } from 'vitest';
import {
  type CheckpointReader,
  CheckpointStore,
  type CheckpointWriter,
  inlineRunner,
  type Materializer,
  MemoryBudget,
  Registry,
  ScratchFiles,
  type ScratchPiece,
  type ViewCommit,
  type ViewContext,
  type ViewDefinition,
} from '../../../db/materializer/index.ts';
import type { RecordedAt, Sequence, TenantId } from '../../../db/types.ts';
import { MemoryLog } from '../support/memory-log.ts';
import { MemoryDisk } from '../wal/memory-disk.ts';

const KIB = 1024;
const PAYLOAD = 100 * KIB;
const SCRATCH = '/data/views/scratch';

/** Keeps every payload; those behind the first `fixed` can be spilled. */
class Hoard implements Materializer {
  readonly payloads: (Uint8Array | ScratchPiece)[] = [];
  ready = 10 * KIB;
  readonly #fixed: number;
  readonly #context: ViewContext;

  constructor(fixed: number, context: ViewContext) {
    this.#fixed = fixed;
    this.#context = context;
  }

  onCommit({ entries }: ViewCommit): void {
    for (const { payload } of entries) this.payloads.push(new Uint8Array(payload));
  }

  checkpoint(writer: CheckpointWriter): void {
    for (const [at, kept] of this.payloads.entries())
      writer.part(`p${at}`, () => [kept instanceof Uint8Array ? kept : kept.read()]);
  }

  restore(reader: CheckpointReader): void {
    for (const [at] of reader.parts.entries()) this.payloads.push(reader.read(`p${at}`));
  }

  digest(): string {
    return this.payloads.map((kept) => (kept instanceof Uint8Array ? kept : kept.read())[0]).join();
  }

  memory() {
    const resident = this.payloads.filter((kept) => kept instanceof Uint8Array);
    return { kept: resident.reduce((sum, { length }) => sum + length, 0), ready: this.ready };
  }

  spill(bytes: number): number {
    let freed = 0;
    for (const [at, kept] of this.payloads.entries()) {
      if (at < this.#fixed || !(kept instanceof Uint8Array) || freed >= bytes) continue;
      const piece = this.#context.scratch?.put(kept) ?? null;
      if (piece === null) break;
      this.payloads[at] = piece;
      freed += kept.length;
    }
    return freed;
  }

  dropReady(): void {
    this.ready = 0;
  }
}

let disk: MemoryDisk;
let log: MemoryLog;

beforeEach(() => {
  disk = new MemoryDisk();
  for (const folder of ['/data', '/data/metadata', '/data/views']) disk.mkdir(folder);
  log = new MemoryLog({ stability: 'manual', groups: 'manual' });
});

async function open(bytesMax: number | null, fixed = 0) {
  const pause = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const report = (): void => {};
  const logId = Buffer.from(log.identity.logId).toString('hex');
  const store = new CheckpointStore({ disk, directory: '/data', logId, report });
  const scratch = new ScratchFiles({ disk, folder: SCRATCH, report });
  const memory = new MemoryBudget({ bytesMax, scratch });
  const made: Hoard[] = [];
  const create = (context: ViewContext): Hoard => {
    const hoard = new Hoard(fixed, context);
    made.push(hoard);
    return hoard;
  };
  const hoard: ViewDefinition = { name: 'hoard', version: 1, scope: 'global', required: true, create };
  const saver = inlineRunner(disk, pause);
  const registry = new Registry({ log, definitions: [hoard], store, saver, memory, pause, report });
  await registry.open();
  return { registry, memory, made };
}

/** Writes payloads, numbered from `first` on, and hands them to the views. */
async function write(registry: Registry, first: number, count: number): Promise<void> {
  for (let at = first; at < first + count; at++) {
    const payload = new Uint8Array(PAYLOAD).fill(at);
    log.append([{ type: 20, tenant: 0 as TenantId, partitionKey: 0n, flags: 0, payload }], 1n as RecordedAt);
    log.closeGroup(true);
    log.stabilise();
  }
  for await (const commit of log.read({ from: (registry.position + 1) as Sequence, follow: false }))
    registry.apply(commit);
}

function numbered(count: number): string {
  return Array.from({ length: count }, (_, at) => at).join();
}

function scratchFiles(): string[] {
  return disk.paths().filter((path) => path.startsWith(SCRATCH));
}

test('what can be spilled is, so that views take no more than they may', async () => {
  const { registry, memory, made } = await open(4_000 * KIB);
  await write(registry, 0, 30);
  expect(memory.status()).toEqual({
    ...{ budget: 4_000 * KIB, kept: 30 * PAYLOAD, ready: 10 * KIB, spilled: 0, problem: null },
  });
  await write(registry, 30, 70);
  const { kept, spilled } = memory.status();
  expect(kept).toBeLessThanOrEqual(4_000 * KIB + 1024 * KIB);
  expect(kept + spilled).toBe(100 * PAYLOAD);
  expect(memory.isExceeded).toBe(false);
  expect(made[0]!.digest()).toBe(numbered(100));
  expect(made[0]!.ready).toBeGreaterThan(0);
});

test('what is ready for answers is dropped before anything is refused', async () => {
  const { registry, memory, made } = await open(4_000 * KIB, 1_000);
  await write(registry, 0, 39);
  memory.look();
  expect(made[0]!.ready).toBeGreaterThan(0);
  made[0]!.ready = 1_000 * KIB;
  memory.look();
  expect(memory.status().ready).toBe(0);
  expect(memory.isExceeded).toBe(false);
  await write(registry, 39, 20);
  expect(memory.isExceeded).toBe(true);
  made[0]!.payloads.length = 10;
  memory.taken(1);
  expect(memory.isExceeded).toBe(false);
});

test('a checkpoint is read within the budget too, and one of what is spilled is whole', async () => {
  const first = await open(4_000 * KIB);
  await write(first.registry, 0, 100);
  await first.registry.checkpoint();
  first.registry.close();
  const { memory, made } = await open(2_000 * KIB);
  const { kept, spilled } = memory.status();
  expect(kept).toBeLessThanOrEqual(2_000 * KIB);
  expect(kept + spilled).toBe(100 * PAYLOAD);
  expect(made[0]!.digest()).toBe(numbered(100));
});

test('nothing of what was spilled is left when views are computed again, nor when they are closed', async () => {
  const { registry, memory, made } = await open(2_000 * KIB);
  await write(registry, 0, 100);
  const [before] = scratchFiles();
  expect(before).toBeDefined();
  await registry.rebuild();
  expect(scratchFiles()).not.toContain(before);
  expect(memory.status().kept + memory.status().spilled).toBe(100 * PAYLOAD);
  expect(made.map((hoard) => hoard.payloads.length)).toEqual([100, 100]);
  expect(made[1]!.digest()).toBe(numbered(100));
  expect(() => made[0]!.digest()).toThrow(expect.objectContaining({ code: 'IO' }));
  registry.close();
  expect(scratchFiles()).toEqual([]);
});

test('without bounds nothing is spilled', async () => {
  const { registry, memory } = await open(null);
  await write(registry, 0, 60);
  expect(memory.status()).toMatchObject({ budget: null, kept: 60 * PAYLOAD, spilled: 0 });
  expect(memory.isExceeded).toBe(false);
});
