import { type Disk, isNotFound } from '../io/index.ts';

export function listIfThere(disk: Disk, folder: string): string[] {
  try {
    return disk.list(folder);
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

export function removeIfThere(disk: Disk, path: string): void {
  try {
    disk.unlink(path);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
