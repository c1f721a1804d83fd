/** The real database in a directory of its own. */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Engine, initDatabase, openEngine } from '../../../db/engine.ts';
import { RealDisk } from '../../../db/io/index.ts';
import { temporaryDirectory } from './serving.ts';

export interface RealEngine {
  readonly engine: Engine;
  /** Closes it, if nobody has, and removes the directory. */
  readonly stop: () => Promise<void>;
}

/** `keyed`: it has a key-encryption key, in a file beside it. */
export async function openRealEngine({ keyed = false } = {}): Promise<RealEngine> {
  const parent = temporaryDirectory();
  const directory = join(parent, 'data');
  const disk = new RealDisk();
  initDatabase({ directory, disk, random: randomBytes });
  const keys = keyed ? ({ from: 'file', path: join(parent, 'kek') } as const) : null;
  const engine = await openEngine({ directory, disk, keys });
  const stop = async () => {
    await engine.close();
    rmSync(parent, { recursive: true, force: true });
  };
  return { engine, stop };
}
