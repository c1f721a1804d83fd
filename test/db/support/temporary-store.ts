/** A store of tables in a file of its own, closed and removed when the test is over. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { SqliteStore } from '../../../db/sql/store/index.ts';

export const STORE_LOG_ID: Uint8Array = Buffer.from('00112233445566778899aabbccddeeff', 'hex');

export function temporaryStore(): SqliteStore {
  const folder = mkdtempSync(join(tmpdir(), 'truthdb-store-'));
  const store = new SqliteStore({ path: join(folder, 'store.sqlite'), logId: STORE_LOG_ID });
  onTestFinished(() => {
    store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return store;
}
