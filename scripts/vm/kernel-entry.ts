/** When does the kernel begin? Seen from outside, the same way for any kernel. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Vm } from './vm.ts';

const POLL_MS = 20;
/** Linux on x86-64 links its text at the top of the address space; firmware, loaders and the decompressor run at low addresses. */
const KERNEL_TEXT = /^RIP=ffffffff[89a-f]/m;

/** Resolves with `performance.now()` of the moment the processor is first seen in the kernel's own text, good to 20 ms. */
export async function kernelEntry(vm: Vm, seconds: number): Promise<number> {
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end && vm.running) {
    const registers = await vm.qmp.execute('human-monitor-command', { 'command-line': 'info registers' });
    if (KERNEL_TEXT.test(registers)) return performance.now();
    await sleep(POLL_MS);
  }
  throw await vm.failure(`waited ${seconds} s for the kernel to begin`);
}
