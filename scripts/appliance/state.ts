/**
 * What `npm run appliance` remembers between runs: which stages are done, on which image, so that an interrupted run
 * goes on where it stopped. One file, replaced as a whole; it holds the secrets of a machine that only this computer
 * can reach, readable by its owner alone.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const stateSchema = z.strictObject({
  version: z.literal(1),
  /** SHA-256 of the ISO the disk was installed from. */
  image: z.string(),
  /** The password is empty when a person chose it in the installer. */
  secrets: z.strictObject({ operatorPassword: z.string(), adminToken: z.string() }),
  /** The certificate's fingerprint that the installer showed, and when it was done. */
  installed: z.strictObject({ fingerprint: z.string(), at: z.string() }),
  /** Present once the sample has been imported. */
  imported: z.strictObject({ events: z.number(), sample: z.string() }).optional(),
});

/** A disk that holds a complete installation. */
export type InstalledState = z.infer<typeof stateSchema>;

/** Undefined when no installation was completed, or nothing that can be understood was remembered. */
export function readState(folder: string): InstalledState | undefined {
  try {
    const parsed = stateSchema.safeParse(JSON.parse(readFileSync(stateFile(folder), 'utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

export function writeState(folder: string, state: InstalledState): void {
  mkdirSync(folder, { recursive: true });
  const temporary = `${stateFile(folder)}.new`;
  writeFileSync(temporary, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  renameSync(temporary, stateFile(folder));
}

export type NextStage = 'install' | 'import' | 'serve';

/** Where to go on. `image` is the SHA-256 of the ISO as built now; with `keep` a disk of another image will do. */
export function nextStage(state: InstalledState | undefined, image: string, keep: boolean): NextStage {
  if (state === undefined || (state.image !== image && !keep)) return 'install';
  return state.imported === undefined ? 'import' : 'serve';
}

function stateFile(folder: string): string {
  return join(folder, 'state.json');
}
