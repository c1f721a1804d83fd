import type { StoreReader } from '../store/contract.ts';

/** What is read where nothing was ever written. */
export const EMPTY_STORE: StoreReader = Object.freeze({
  position: null,
  get: () => null,
  getAt: () => null,
  scan: () => [],
  scanAt: () => [],
  versions: () => [],
  changedSince: () => false,
  count: () => 0,
  commitAtPosition: () => null,
  commitAtTime: () => null,
  writeAt: () => null,
});
