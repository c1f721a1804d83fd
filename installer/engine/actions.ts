/** Carries out the actions of the steps, one by one, on the machine. */

import { access, mkdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Disk } from '../disks/disk.ts';
import { InstallError } from '../errors.ts';
import type { DeviceLock, Host } from '../host.ts';
import { partitionPath, tableRanges } from '../layout.ts';
import { FILESYSTEM_LABELS, PARTITIONS, type PartitionName } from '../partition-types.ts';
import { checkWords, type InstallPlan, planInstall, type TypedWords } from '../plan.ts';
import type { Action } from '../steps/index.ts';
import { addBootEntry } from './boot-entry.ts';
import { checkUnused, compareFile, copyFile, flush, type Progress, zero } from './device.ts';
import {
  compareBootFiles,
  compareState,
  type DatabaseAccess,
  initializeDatabase,
  renameLoader,
  storeLog,
  writeBootFiles,
  writeState,
} from './files.ts';

const MKFS_TIMEOUT_MS = 900_000;
const VERITY_TIMEOUT_MS = 900_000;
const FLUSH_TIMEOUT_MS = 300_000;
const NODE_TIMEOUT_MS = 10_000;

const MOUNTS = { esp: 'vfat', state: 'ext4', data: 'xfs' } as const;
type MountedPartition = keyof typeof MOUNTS;

/** What one run of the steps remembers between its actions. */
export interface Run {
  readonly plan: InstallPlan;
  /** What was typed; undefined when an answer file named the disk and its content. */
  readonly typed: TypedWords | undefined;
  readonly host: Host;
  readonly inventory: () => Promise<readonly Disk[]>;
  readonly machineId: string;
  /** Folder for mount points. */
  readonly mountRoot: string;
  readonly logLines: () => Promise<readonly string[]>;
  lock: DeviceLock | undefined;
  /** Set right before the first byte is written: from then on a failure erases the tables. */
  writing: boolean;
  sshFingerprint: string | undefined;
  database: DatabaseAccess | undefined;
}

export async function perform(run: Run, action: Action, progress: Progress): Promise<void> {
  const { plan, host } = run;
  const path = plan.disk.path;
  switch (action.do) {
    case 'recheck':
      return recheck(run);
    case 'zero':
      run.writing = true;
      return zero(path, action.ranges, progress);
    case 'flush':
      return flushAll(run);
    case 'forget-partitions':
      return forgetPartitions(run);
    case 'write-table':
      await host.run('sfdisk', ['--wipe', 'never', '--no-reread', '--no-tell-kernel', path], {
        input: action.script,
      });
      return;
    case 'show-partitions':
      return showPartitions(run);
    case 'copy':
      return copyFile(action.file, partition(run, action.partition), progress);
    case 'make-filesystem':
      return makeFilesystem(run, action.partition);
    case 'write-boot-files':
      return mounted(run, 'esp', (root) => writeBootFiles(root, plan.payload));
    case 'write-state':
      return mounted(run, 'state', async (root) => {
        run.sshFingerprint = await writeState(root, plan.settings, run.machineId, host);
      });
    case 'initialize-database':
      return mounted(run, 'data', async (root) => {
        run.database = await initializeDatabase(root, plan, host);
      });
    case 'compare':
      await dropCache(run, partition(run, action.partition));
      return compareFile(action.file, partition(run, action.partition), progress);
    case 'verify-tree':
      return verifyTree(run);
    case 'compare-boot-files':
      return mounted(run, 'esp', (root) => compareBootFiles(root, plan.payload), 'ro');
    case 'compare-state':
      return mounted(run, 'state', (root) => compareState(root, plan.settings, run.machineId), 'ro');
    case 'store-log':
      return mounted(run, 'state', async (root) => storeLog(root, await run.logLines()));
    case 'rename-loader':
      return mounted(run, 'esp', renameLoader);
    case 'set-type':
      await host.run('sfdisk', [
        '--no-reread',
        '--no-tell-kernel',
        '--part-type',
        path,
        String(action.partition),
        action.typeGuid,
      ]);
      return;
    case 'add-boot-entry':
      return addBootEntry(path, await run.inventory(), host);
  }
}

/** The disk under the lock must be the disk that was confirmed, and what was typed must still fit it. */
async function recheck(run: Run): Promise<void> {
  const { plan, typed, host } = run;
  run.lock = await host.lock(plan.disk.path);
  const disks = await run.inventory();
  const found = disks.find(({ path }) => path === plan.disk.path);
  if (found === undefined)
    throw new InstallError(
      'DISK_CHANGED',
      `${plan.disk.path} is gone; nothing was written, rescan and choose again`,
    );
  // A disk without a name of its own was confirmed by the code of the old list; a new reading draws another.
  const same: Disk =
    plan.disk.token?.source === 'code' && found.token?.source === 'code'
      ? { ...found, token: plan.disk.token }
      : found;
  const fresh = planInstall(same, plan.payload, plan.settings);
  if (fresh.hash !== plan.hash) {
    throw new InstallError(
      'DISK_CHANGED',
      `${plan.disk.path} is not the disk that was confirmed, or its content changed; nothing was written, rescan and choose again`,
    );
  }
  if (typed !== undefined) checkWords(same, typed);
  await checkUnused(plan.disk.path);
}

async function forgetPartitions({ plan, host }: Run): Promise<void> {
  // Exit 1 says that there were none.
  await host.run('partx', ['--delete', plan.disk.path], { accept: [1] });
}

async function showPartitions(run: Run): Promise<void> {
  const { plan, host } = run;
  await host.run('partx', ['--add', plan.disk.path]);
  const deadline = Date.now() + NODE_TIMEOUT_MS;
  for (const { name } of plan.layout.partitions) {
    while (!(await exists(partition(run, name)))) {
      if (Date.now() > deadline) throw new InstallError('STALLED', `${partition(run, name)} does not appear`);
      await sleep(50);
    }
  }
}

async function makeFilesystem(run: Run, name: MountedPartition): Promise<void> {
  const device = partition(run, name);
  const options = { timeoutMs: MKFS_TIMEOUT_MS };
  const label = FILESYSTEM_LABELS[name];
  // No discard: over some USB bridges it hangs for minutes, and fstrim does it later just as well.
  if (name === 'esp') await run.host.run('mkfs.vfat', ['-F', '32', '-n', label, device], options);
  // Everything is initialized now: what mkfs leaves to the kernel's background threads would be written after the commit record.
  const extended = 'nodiscard,lazy_itable_init=0,lazy_journal_init=0';
  if (name === 'state')
    await run.host.run('mkfs.ext4', ['-q', '-F', '-L', label, '-E', extended, device], options);
  // Four allocation groups as for a disk with one head or channel; mkfs would take more only for stripes, which it cannot see here.
  const data = ['-q', '-f', '-K', '-L', label, '-m', 'crc=1,reflink=1,bigtime=1', '-d', 'agcount=4'];
  if (name === 'data') await run.host.run('mkfs.xfs', [...data, device], options);
}

async function verifyTree(run: Run): Promise<void> {
  const { payload } = run.plan;
  await run.host.run(
    'veritysetup',
    ['verify', partition(run, 'root-a'), partition(run, 'verity-a'), payload.rootHash],
    {
      timeoutMs: VERITY_TIMEOUT_MS,
    },
  );
}

/** Every node has a page cache of its own, so each is flushed. */
async function flushAll(run: Run): Promise<void> {
  for (const { name } of run.plan.layout.partitions) {
    if (await exists(partition(run, name))) await flush(partition(run, name));
  }
  await flush(run.plan.disk.path);
}

async function mounted(
  run: Run,
  name: MountedPartition,
  use: (root: string) => Promise<void>,
  mode: 'ro' | 'rw' = 'rw',
): Promise<void> {
  const device = partition(run, name);
  const root = `${run.mountRoot}/${name}`;
  await mkdir(root, { recursive: true, mode: 0o700 });
  await dropCache(run, device);
  await run.host.run('mount', ['-t', MOUNTS[name], '-o', `${mode},nosuid,nodev,noexec`, device, root]);
  try {
    await use(root);
  } finally {
    await run.host.run('umount', [root]);
  }
}

/** What is read from now on comes from the medium, not from what the kernel remembers having written (BLKFLSBUF). */
async function dropCache(run: Run, device: string): Promise<void> {
  await run.host.run('blockdev', ['--flushbufs', device], { timeoutMs: FLUSH_TIMEOUT_MS });
}

/**
 * Leaves nothing that firmware or kernel could take for a disk with partitions. Best effort by nature: it runs because something
 * failed.
 *
 * @throws InstallError when the tables could not be erased.
 */
export async function eraseTables(run: Run): Promise<void> {
  for (const name of Object.keys(MOUNTS)) {
    await run.host
      .run('umount', ['--lazy', `${run.mountRoot}/${name}`], { accept: [1, 32], quiet: true })
      .catch(() => undefined);
  }
  await zero(run.plan.disk.path, tableRanges(run.plan.layout), () => undefined);
  await flush(run.plan.disk.path);
  await run.host
    .run('partx', ['--delete', run.plan.disk.path], { accept: [1], quiet: true })
    .catch(() => undefined);
}

function partition(run: Run, name: PartitionName): string {
  const number = PARTITIONS.find((candidate) => candidate.name === name)?.number ?? 0;
  return partitionPath(run.plan.disk.path, number);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
