import type { SimDisk } from './disk.ts';
import { SimFile } from './file.ts';
import type { Random } from './random.ts';
import { DIRECTORY } from './subject.ts';

/**
 * Views as a start may find them besides what the disk did to them: gone, or as they were some lives ago, as an operator
 * or a copy from elsewhere leaves them. Both are fine: a view can always be made again from the log.
 */
export class ViewSwap {
  readonly #random: Random;
  #kept: readonly (readonly [string, SimFile])[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  /** Perhaps swaps the views of a database that is not running. Returns what was done. */
  apply(disk: SimDisk): 'none' | 'gone' | 'older' {
    const found = disk.files().filter(([path]) => isOfViews(path));
    const action = this.#random.weighted({ none: 6, gone: 1, older: this.#kept.length > 0 ? 2 : 0 });
    if (action !== 'none') for (const [path] of found) disk.place(path, null);
    if (action === 'older') for (const [path, file] of this.#kept) disk.place(path, copyOf(file));
    if (action === 'none' && this.#random.chance(0.6)) {
      this.#kept = found.map(([path, file]) => [path, copyOf(file)] as const);
    }
    return action;
  }
}

function isOfViews(path: string): boolean {
  return path.startsWith(`${DIRECTORY}/views/`) || path === `${DIRECTORY}/metadata/views.json`;
}

function copyOf(file: SimFile): SimFile {
  return new SimFile(new Map(file.pages().map((page) => [page, file.page(page)])), file.size);
}
