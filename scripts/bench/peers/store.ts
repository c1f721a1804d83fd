/**
 * What was measured last, kept in dist/: a whole run takes more than half an hour, so parts and shapes may be measured one by
 * one and written to the page together.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchAim } from '../bench.ts';
import type { Finding } from './outcome.ts';

const FILE = join(import.meta.dirname, '../../../dist/bench-peers.json');

export interface Stored {
  readonly findings: readonly Finding[];
  readonly aims: readonly BenchAim[];
}

/** Adds what was just measured to what is kept, and returns all of it. */
export function keep(measured: Stored): Stored {
  const before = existsSync(FILE)
    ? restored(JSON.parse(readFileSync(FILE, 'utf8')) as Stored)
    : { findings: [], aims: [] };
  const all = merge(before, measured);
  writeFileSync(FILE, JSON.stringify(all));
  return all;
}

/** JSON has no NaN, which is what an aim measured when one side dropped out. */
function restored({ findings, aims }: Stored): Stored {
  return { findings, aims: aims.map((aim) => ({ ...aim, value: aim.value ?? Number.NaN })) };
}

/** A load that was measured again replaces all that was known of it; an aim replaces the one of its name. */
export function merge(before: Stored, measured: Stored): Stored {
  const load = ({ part, load, bytes }: Finding) => `${part} ${load} ${bytes}`;
  const again = new Set(measured.findings.map(load));
  const named = new Set(measured.aims.map(({ name }) => name));
  return {
    findings: [...before.findings.filter((finding) => !again.has(load(finding))), ...measured.findings],
    aims: [...before.aims.filter(({ name }) => !named.has(name)), ...measured.aims],
  };
}
