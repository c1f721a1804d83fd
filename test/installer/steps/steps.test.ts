import { describe, expect, it } from 'vitest';
import { ESP_TYPE_GUID } from '../../../installer/partition-types.ts';
import { planInstall } from '../../../installer/plan.ts';
import { type Action, overallProgress, planSteps } from '../../../installer/steps/index.ts';
import { diskOf } from '../disks/machines.ts';
import { config, payload } from '../examples.ts';

const steps = planSteps(
  planInstall(diskOf('nvme', 'nvme0n1'), payload, { config, adminTokenHash: undefined }),
);
const actions: readonly Action[] = steps.flatMap((step) => step.actions);
const first = (wanted: Action['do']) => actions.findIndex((action) => action.do === wanted);
const last = (wanted: Action['do']) => actions.findLastIndex((action) => action.do === wanted);
const kinds = (from: number, to: number) => actions.slice(from, to).map((action) => action.do);

describe('the order of writing', () => {
  it('looks at the disk once more before the first write', () => {
    expect(actions[0]).toEqual({ do: 'recheck' });
    expect(actions.filter((action) => action.do === 'recheck').length).toBe(1);
  });

  it('erases both tables, flushes, then erases the edges of the partitions, and flushes again', () => {
    expect(kinds(1, 6)).toEqual(['zero', 'flush', 'forget-partitions', 'zero', 'flush']);
    expect(actions[1]).toMatchObject({ ranges: [{ startBytes: 0 }, {}] });
  });

  it('writes a table in which nothing is an ESP', () => {
    const table = actions[first('write-table')];
    expect(table?.do === 'write-table' && table.script.includes(ESP_TYPE_GUID)).toBe(false);
  });

  it('flushes and reads everything back before the loader gets its name', () => {
    expect(actions[first('compare') - 1]).toEqual({ do: 'flush' });
    for (const check of ['compare', 'verify-tree', 'compare-boot-files', 'compare-state'] as const) {
      expect(last(check)).toBeLessThan(first('rename-loader'));
    }
    for (const write of [
      'copy',
      'make-filesystem',
      'write-boot-files',
      'write-state',
      'initialize-database',
    ] as const) {
      expect(last(write)).toBeLessThan(first('compare'));
    }
  });

  it('ends with loader, flush, the type of the ESP, flush: the commit record', () => {
    const start = first('rename-loader');
    expect(kinds(start, start + 4)).toEqual(['rename-loader', 'flush', 'set-type', 'flush']);
    expect(actions[start + 2]).toEqual({ do: 'set-type', partition: 1, typeGuid: ESP_TYPE_GUID });
    expect(kinds(start + 4, actions.length)).toEqual(['add-boot-entry']);
  });

  it('lets only the boot entry fail', () => {
    expect(steps.filter(({ optional }) => optional).map(({ name }) => name)).toEqual(['firmware']);
  });

  it('copies and compares both parts of the slot', () => {
    for (const kind of ['copy', 'compare'] as const) {
      expect(actions.flatMap((action) => (action.do === kind ? [action.partition] : []))).toEqual([
        'root-a',
        'verity-a',
      ]);
    }
  });
});

describe('progress', () => {
  it('never goes back and ends at one', () => {
    const values = steps.flatMap((_, index) =>
      [0, 0.5, 1].map((fraction) => overallProgress(steps, index, fraction)),
    );
    expect(values).toEqual([...values].sort((a, b) => a - b));
    expect([values[0], values.at(-1)]).toEqual([0, 1]);
  });
});
