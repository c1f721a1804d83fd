/**
 * The installation as data: named steps in their order, each a list of actions, made from a plan without touching anything.
 * engine/ interprets the actions one by one; here is decided what is written, in which order, and when it is flushed. This folder
 * imports only plan, layout and the partition table.
 *
 * The order is the safety argument. Until the last action partition 1 has another type than an ESP's, and until right before it
 * the loader another name, for firmware that asks for no type; so a machine that loses power at any moment holds an untouched
 * disk, a disk nothing boots from, or a complete installation.
 */

import { type ByteRange, edgeRanges, sfdiskScript, tableRanges } from '../layout.ts';
import { ESP_TYPE_GUID, type PartitionName, UNCOMMITTED_TYPE_GUID } from '../partition-types.ts';
import type { PayloadFile } from '../payload.ts';
import type { InstallPlan } from '../plan.ts';

export type StepName =
  | 'check'
  | 'erase'
  | 'partition'
  | 'root'
  | 'verity'
  | 'format'
  | 'boot'
  | 'state'
  | 'database'
  | 'verify'
  | 'log'
  | 'commit'
  | 'firmware';

export type Action =
  /** Take the lock, read the disk again, compare it with the plan. The only action before the first write. */
  | { readonly do: 'recheck' }
  | { readonly do: 'zero'; readonly ranges: readonly ByteRange[] }
  | { readonly do: 'flush' }
  /** Make the kernel forget all partitions of the disk, and with them what it has cached of them. */
  | { readonly do: 'forget-partitions' }
  | { readonly do: 'write-table'; readonly script: string }
  | { readonly do: 'show-partitions' }
  | { readonly do: 'copy'; readonly file: PayloadFile; readonly partition: PartitionName }
  | { readonly do: 'make-filesystem'; readonly partition: 'esp' | 'state' | 'data' }
  | { readonly do: 'write-boot-files' }
  | { readonly do: 'write-state' }
  | { readonly do: 'initialize-database' }
  | { readonly do: 'compare'; readonly file: PayloadFile; readonly partition: PartitionName }
  | { readonly do: 'verify-tree' }
  | { readonly do: 'compare-boot-files' }
  | { readonly do: 'compare-state' }
  | { readonly do: 'store-log' }
  | { readonly do: 'rename-loader' }
  | { readonly do: 'set-type'; readonly partition: number; readonly typeGuid: string }
  | { readonly do: 'add-boot-entry' };

export interface Step {
  readonly name: StepName;
  readonly title: string;
  /** Share of the whole in progress display; roughly seconds on a SATA SSD. */
  readonly weight: number;
  readonly actions: readonly Action[];
  /** A failure is a warning only. */
  readonly optional: boolean;
}

export function planSteps(plan: InstallPlan): readonly Step[] {
  const { layout, payload } = plan;
  const step = (name: StepName, title: string, weight: number, actions: readonly Action[]): Step => ({
    name,
    title,
    weight,
    actions,
    optional: false,
  });
  return [
    step('check', 'Lock the disk and look at it once more', 1, [{ do: 'recheck' }]),
    step('erase', 'Erase the old partition tables', 4, [
      // Alone and flushed before anything else: whoever loses power now has the old disk or no table, never a mix.
      { do: 'zero', ranges: tableRanges(layout) },
      { do: 'flush' },
      { do: 'forget-partitions' },
      { do: 'zero', ranges: edgeRanges(layout) },
      { do: 'flush' },
    ]),
    step('partition', 'Write the new partition table', 1, [
      { do: 'write-table', script: sfdiskScript(layout, UNCOMMITTED_TYPE_GUID) },
      { do: 'flush' },
      { do: 'show-partitions' },
    ]),
    step('root', 'Write the system', 6, [{ do: 'copy', file: payload.root, partition: 'root-a' }]),
    step('verity', "Write the system's hash tree", 1, [
      { do: 'copy', file: payload.verity, partition: 'verity-a' },
    ]),
    step('format', 'Make the file systems', 3, [
      { do: 'make-filesystem', partition: 'esp' },
      { do: 'make-filesystem', partition: 'state' },
      { do: 'make-filesystem', partition: 'data' },
    ]),
    step('boot', 'Write the boot files', 2, [{ do: 'write-boot-files' }]),
    step('state', 'Write the settings', 1, [{ do: 'write-state' }]),
    step('database', 'Initialize the database', 3, [{ do: 'initialize-database' }]),
    step('verify', 'Read everything back', 8, [
      { do: 'flush' },
      { do: 'compare', file: payload.root, partition: 'root-a' },
      { do: 'compare', file: payload.verity, partition: 'verity-a' },
      { do: 'verify-tree' },
      { do: 'compare-boot-files' },
      { do: 'compare-state' },
    ]),
    step('log', 'Store the log', 1, [{ do: 'store-log' }, { do: 'flush' }]),
    step('commit', 'Make the disk bootable', 1, [
      { do: 'rename-loader' },
      { do: 'flush' },
      { do: 'set-type', partition: 1, typeGuid: ESP_TYPE_GUID },
      { do: 'flush' },
    ]),
    { ...step('firmware', 'Tell the firmware', 1, [{ do: 'add-boot-entry' }]), optional: true },
  ];
}

/** Part of the whole, 0 to 1, that is done when a step is done to `fraction`. */
export function overallProgress(steps: readonly Step[], index: number, fraction: number): number {
  const total = steps.reduce((sum, { weight }) => sum + weight, 0);
  const before = steps.slice(0, index).reduce((sum, { weight }) => sum + weight, 0);
  return (before + (steps[index]?.weight ?? 0) * fraction) / total;
}
