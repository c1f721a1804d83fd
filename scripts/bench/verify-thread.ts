/** A bare hash loop over files, for `bench verify`: what reading and hashing the same bytes takes and nothing else. */
import { createHash, hash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';

/** `hashes`: so many short ones besides, as the trees need them: of a payload, a leaf, a node in each of two trees. */
export interface HashTask {
  readonly path: string;
  readonly hashes: number;
  readonly payloadBytes: number;
}

const block = Buffer.alloc(256 * 1024);
const [leaf, node] = [Buffer.alloc(73), Buffer.alloc(65)];

parentPort?.on('message', ({ path, hashes, payloadBytes }: HashTask) => {
  const whole = createHash('sha256');
  const file = openSync(path, 'r');
  for (let count = readSync(file, block); count > 0; count = readSync(file, block))
    whole.update(block.subarray(0, count));
  closeSync(file);
  const payload = block.subarray(0, payloadBytes);
  for (let at = 0; at < hashes; at++) {
    hash('sha256', payload, 'latin1');
    hash('sha256', leaf, 'latin1');
    hash('sha256', node, 'latin1');
    hash('sha256', node, 'latin1');
  }
  parentPort?.postMessage(whole.digest('hex'));
});
