/** The machine a benchmark ran on, as far as numbers depend on it. */
import { readFileSync, statfsSync } from 'node:fs';
import os from 'node:os';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  /** File system of the directory the benchmark works in, with the device it is on. */
  readonly fileSystem: string;
  readonly freeGiB: number;
}

const GIB = 2 ** 30;

/** `directory` is where the benchmark writes. */
export function describeMachine(directory: string): Machine {
  const free = statfsSync(directory);
  return {
    cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
    cores: os.availableParallelism(),
    memoryGiB: Math.round(os.totalmem() / GIB),
    kernel: `${os.type()} ${os.release()}`,
    node: process.versions.node,
    fileSystem: fileSystemOf(directory, readFileSync('/proc/self/mounts', 'utf8')),
    freeGiB: Math.round((free.bavail * free.bsize) / GIB),
  };
}

/** Type and device of the deepest mount point above `directory`; `mounts` is the text of /proc/self/mounts. */
export function fileSystemOf(directory: string, mounts: string): string {
  let best = { point: '', text: 'unknown' };
  for (const line of mounts.split('\n')) {
    const [device, point, type] = line.split(' ');
    if (device === undefined || point === undefined || type === undefined) continue;
    const inside = point === '/' || directory === point || directory.startsWith(`${point}/`);
    if (inside && point.length >= best.point.length) best = { point, text: `${type} on ${device}` };
  }
  return best.text;
}
