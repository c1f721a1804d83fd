import { describe, expect, test } from 'vitest';
import { overBudget, vmTestRun } from '../../scripts/vm-tests.ts';

describe('a run of the tests on virtual machines', () => {
  test('is limited in time when it is the set that CI runs', () => {
    expect(vmTestRun([])).toEqual({ args: [], environment: {}, limited: true });
    expect(overBudget(20 * 60)).toBeUndefined();
    expect(overBudget(20 * 60 + 1)).toContain('took 1201 s; their limit is 1200 s');
  });

  test('takes its time with --all or when single tests are chosen', () => {
    expect(vmTestRun(['--all'])).toEqual({ args: [], environment: { TRUTHDB_VM_ALL: '1' }, limited: false });
    expect(vmTestRun(['test/vm/boot.vm.test.ts', '--all'])).toMatchObject({
      args: ['test/vm/boot.vm.test.ts'],
      limited: false,
    });
  });
});
