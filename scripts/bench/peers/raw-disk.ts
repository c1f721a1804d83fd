/**
 * The ceiling: a bare loop of write + fdatasync that puts as many bytes under each sync as the shape has under way. Once
 * appending to a growing file, as fio would; once overwriting a file whose blocks were all written before.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import { eventsInFlight, type Peer, payload, type Shape } from './peer.ts';

const FILE_BYTES = 256 * 1024 * 1024;
/** More than this under one sync does not make a disk faster. */
const BYTES_A_SYNC_MAX = 8 * 1024 * 1024;

export const RAW_APPENDING = 'raw disk, appending';
export const RAW_OVERWRITING = 'raw disk, overwriting';

export const rawDisk: Peer = {
  name: 'raw disk',
  setting: 'pwrite + fdatasync of the payload alone',
  durable: true,
  checksums: 'none',
  load: 'a loop',
  absent: () => null,
  version: () => '',
  entrants: (shape) => [
    { name: RAW_APPENDING, open: (directory) => openRaw(directory, shape, false) },
    { name: RAW_OVERWRITING, open: (directory) => openRaw(directory, shape, true) },
  ],
};

async function openRaw(directory: string, shape: Shape, filled: boolean) {
  fs.mkdirSync(directory);
  const fd = fs.openSync(join(directory, 'raw'), 'wx');
  if (filled) fill(fd);
  const bytes = bytesASync(shape);
  const source = payload(bytes);
  let at = 0;
  return {
    run: async (seconds: number) => {
      const began = performance.now();
      const until = began + seconds * 1000;
      let written = 0;
      while (performance.now() < until) {
        if (filled && at + bytes > FILE_BYTES) at = 0;
        fs.writeSync(fd, source, 0, bytes, at);
        fs.fdatasyncSync(fd);
        at += bytes;
        written += bytes;
      }
      return (written / shape.bytes / (performance.now() - began)) * 1000;
    },
    close: async () => fs.closeSync(fd),
  };
}

/** Bytes under each fdatasync: all that the shape has under way, within reason. */
export function bytesASync(shape: Shape): number {
  const wanted = eventsInFlight(shape) * shape.bytes;
  return Math.min(wanted, BYTES_A_SYNC_MAX);
}

function fill(fd: number): void {
  const zeros = Buffer.alloc(1024 * 1024);
  for (let at = 0; at < FILE_BYTES; at += zeros.length) fs.writeSync(fd, zeros, 0, zeros.length, at);
  fs.fdatasyncSync(fd);
}
