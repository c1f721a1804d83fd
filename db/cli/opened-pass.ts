/** A pass over the files of a data directory for a command: whose entries, up to where, and what may end it. */
import { resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { PassOptions } from '../engine.ts';
import { RealDisk } from '../io/index.ts';
import { findTenant, tenantsInLog } from '../tenancy/index.ts';
import { TENANT_DEFAULT, type TenantId } from '../types.ts';
import { openReader } from '../wal/index.ts';
import { type Arguments, type Command, misused, type Terminal } from './command.ts';

const BYTES_PER_MEBIBYTE = 1024 * 1024;

export interface OpenedPass {
  readonly pass: PassOptions;
  readonly logId: Uint8Array;
  close(): void;
}

/** Reads `--data`, `--tenant` and `--memory`. Errors: those of opening the log and of finding the tenant. */
export function openPass(
  command: Command,
  memoryMebibytes: number,
  args: Arguments,
  terminal: Terminal,
): OpenedPass {
  const data = args.text('data');
  if (data === undefined) throw misused(command, '--data is missing');
  const [disk, directory] = [new RealDisk(), resolve(data)];
  const reader = openReader({ disk, directory });
  const until = reader.stable;
  const bytesMax = (args.number('memory', 1) ?? memoryMebibytes) * BYTES_PER_MEBIBYTE;
  const pass = {
    ...{ reader, until, signal: terminal.signal },
    tenant: tenantOf(
      args.text('tenant'),
      (name) => findTenant(tenantsInLog(disk, directory, until), name).id,
    ),
    memory: { bytesMax, used: () => process.memoryUsage.rss() },
    millis: () => performance.now(),
    pause: () => setImmediate(),
  };
  return { pass, logId: reader.identity.logId, close: () => reader.close() };
}

function tenantOf(given: string | undefined, find: (name: string) => TenantId): TenantId {
  if (given === undefined) return TENANT_DEFAULT;
  return /^\d{1,10}$/.test(given) ? (Number(given) as TenantId) : find(given);
}
