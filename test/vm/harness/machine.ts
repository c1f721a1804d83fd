/** Machines of tests: in a folder named after the test, ended with it, explained when it fails. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFailed, onTestFinished } from 'vitest';
import { type Artefacts, findArtefacts } from '../../../scripts/appliance/artefacts.ts';
import { DIST, startVm, VM_FOLDERS, type Vm, type VmOptions } from '../../../scripts/vm/index.ts';

const { TRUTHDB_VM_ALL: all } = process.env;

/** True for `npm run test:vm -- --all`: larger versions of the tests. */
export const ALL = all === '1';

let found: Artefacts | undefined;

/** What was built, from dist/. */
export function artefacts(): Artefacts {
  found ??= findArtefacts(DIST);
  return found;
}

/** An empty folder of that name for logs and disks of one test. */
export function testFolder(name: string): string {
  const folder = join(VM_FOLDERS, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Starts a machine that ends with the test at the latest; when the test fails, the machine is shown first. */
export async function testVm(options: VmOptions): Promise<Vm> {
  const vm = await startVm(options);
  onTestFailed(async () => {
    // A failed wait has shown the machine already; a failed comparison has not.
    process.stderr.write(
      `${(await vm.failure('the test failed; this is how the machine looked')).message}\n`,
    );
  });
  onTestFinished(async () => {
    await vm.kill();
    tell(`${vm.name}: ran ${vm.seconds().toFixed(0)} s`);
  });
  return vm;
}

/** A line of progress in the test's output. */
export function tell(line: string): void {
  process.stderr.write(`  vm: ${line}\n`);
}
