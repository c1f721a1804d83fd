/** Where virtual machines keep their things. */
import os from 'node:os';
import { join } from 'node:path';

export const REPOSITORY = join(import.meta.dirname, '../..');
export const DIST = join(REPOSITORY, 'dist');
/** Working folders of machines: logs, screendumps, overlays. */
export const VM_FOLDERS = join(DIST, 'vm');

/** A folder that survives `rm -r dist` and may vanish at any time. Not created. */
export function cacheDirectory(kind: string): string {
  return join(os.homedir(), '.cache', 'truthdb', kind);
}
