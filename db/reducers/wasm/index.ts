/**
 * `reducers/wasm/` reads WebAssembly programs and makes them safe to run inside apply: whatever is not known or not the same on
 * all machines is refused (module.ts, function-body.ts), the rest is rewritten so that it counts what it costs
 * (instrument.ts). Pure: bytes come in, bytes go out, errors name the offset. It imports errors only.
 */
export { instrument } from './instrument.ts';
export { type HostFunctions, MODULE_BYTES_MAX, type Module, readModule, VALUE } from './module.ts';
export { FUEL_EXPORT, globalExport, MEMORY_EXPORT, STACK_EXPORT } from './names.ts';
export { refused } from './refused.ts';
