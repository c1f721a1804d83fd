import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const compiler = join(import.meta.dirname, '../../../../node_modules/assemblyscript/bin/asc.js');

/** An example as a file to be deployed, made by the AssemblyScript that is installed. */
export async function compiled(example: string): Promise<Uint8Array> {
  const source = join(import.meta.dirname, '../example', `${example}.ts`);
  const folder = await mkdtemp(join(tmpdir(), 'truthdb-reducer-'));
  try {
    const file = join(folder, `${example}.wasm`);
    const options = ['--outFile', file, '--runtime', 'stub', '--exportStart', 'initialize', '-O'];
    await promisify(execFile)(process.execPath, [compiler, source, ...options]);
    return new Uint8Array(await readFile(file));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
