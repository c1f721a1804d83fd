/** What a reducer may import, by `module.name`. Pointers and lengths are i32; so is what comes back. */
import { type HostFunctions, VALUE } from './wasm/index.ts';

const { i32 } = VALUE;

function taking(count: number, results: readonly number[]) {
  return { params: new Array<number>(count).fill(i32), results };
}

export const HOST_FUNCTIONS: HostFunctions = new Map([
  /** space, key, key bytes, into, bytes there → bytes of the value (written if they fit), -1: no such key */
  ['truthdb.get', taking(5, [i32])],
  /** space, key, key bytes, value, value bytes */
  ['truthdb.put', taking(5, [])],
  /** space, key, key bytes */
  ['truthdb.delete', taking(3, [])],
  /** space, prefix, prefix bytes, after, after bytes, into, bytes there → bytes of the next key and value, -1: none */
  ['truthdb.scan', taking(7, [i32])],
  /** text, bytes */
  ['truthdb.log', taking(2, [])],
  /** What AssemblyScript calls where something cannot go on: message, file, line, column. */
  ['env.abort', taking(4, [])],
]);
