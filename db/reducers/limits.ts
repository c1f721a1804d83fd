/**
 * What one call of a reducer may use. These numbers decide where a reducer fails, hence what is in the tables: they never change
 * for a reducer that has been deployed. Other numbers are other rules, with a number of their own in the deployment.
 */
export const RULES = 1;

/** Instructions, roughly: the weights are in wasm/operations.ts. */
export const FUEL_PER_CALL = 20_000_000;
/** Slots of eight bytes that all frames of a call together may take. */
export const STACK_SLOTS = 24_576;
export const KEY_BYTES_MAX = 1_024;
export const VALUE_BYTES_MAX = 65_536;
/** Keys that one call may write, and bytes of keys and values. */
export const WRITES_PER_CALL = 1_024;
export const WRITTEN_BYTES_PER_CALL = 1_048_576;
export const LOG_LINES = 20;
export const LOG_LINE_BYTES = 256;

/** Fuel for calls of the host, beside one for each eight bytes that go over. */
export const HOST_FUEL = { get: 500, put: 1_000, delete: 1_000, scan: 2_000, log: 200 } as const;
