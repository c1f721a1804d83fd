/** One way to have a database with encrypted tenants for a test. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Engine, type EngineOptions, initDatabase, openEngine } from '../../../db/engine.ts';
import type { StreamName } from '../../../db/kernel/event.ts';
import type { KekSource } from '../../../db/tenancy/index.ts';
import type { TenantId } from '../../../db/types.ts';
import { eventDraft } from '../support/event-drafts.ts';

export interface TestDatabase {
  readonly directory: string;
  readonly keys: KekSource;
  open(options?: Partial<EngineOptions>): Promise<Engine>;
}

/** An empty database with a key file beside it; everything is removed when the test is over. */
export function newDatabase(): TestDatabase {
  const folder = mkdtempSync(join(tmpdir(), 'truthdb-tenancy-'));
  const directory = join(folder, 'data');
  const keys: KekSource = { from: 'file', path: join(folder, 'kek') };
  initDatabase({ directory, segmentBytes: 1 << 20 });
  const engines: Engine[] = [];
  onTestFinished(async () => {
    await Promise.all(engines.map((engine) => engine.close()));
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    directory,
    keys,
    open: async (options = {}) => {
      const engine = await openEngine({ directory, keys, ringBytes: 1 << 22, ...options });
      engines.push(engine);
      return engine;
    },
  };
}

export async function write(
  engine: Engine,
  tenant: TenantId,
  stream: string,
  text: string,
  subject: string | null = null,
): Promise<number> {
  const events = [eventDraft(text)];
  const request = { stream: stream as StreamName, expected: 'any', events, ack: 'applied', subject } as const;
  return (await engine.tenant(tenant).append(request)).position;
}

export async function texts(engine: Engine, tenant: TenantId, stream?: string): Promise<string[]> {
  const streams = engine.tenant(tenant);
  const common = { direction: 'forwards', from: 'start', limit: 10_000 } as const;
  const page =
    stream === undefined
      ? await streams.readAll(common)
      : await streams.readStream({ ...common, stream: stream as StreamName });
  return page.events.map(({ data }) => Buffer.from(data).toString());
}

/** Files below a folder that have the text somewhere in them, as they are or in hexadecimal or base64. */
export function filesWith(folder: string, text: string): string[] {
  const needles = [
    text,
    Buffer.from(text).toString('hex'),
    Buffer.from(text).toString('base64').replace(/=+$/, ''),
  ];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => {
      const bytes = readFileSync(path);
      return needles.some((needle) => bytes.includes(needle));
    });
}
