/** Choosing the disk: the list of all disks, and what lies on the chosen one. */

import { type Disk, formatDiskSize, printable } from '../../disks/disk.ts';
import { InstallError } from '../../errors.ts';
import { ERASE_DATA_WORDS, requiredWords } from '../../plan.ts';
import { ABORT, action, BACK, go, noSuchAction, type Page } from '../page.ts';
import { chosenDisk, type SessionState } from '../state.ts';
import type { ViewRow } from '../view.ts';

export const disk: Page = {
  view: (state) => {
    const rows = (state.disks ?? []).map((candidate) => rowOf(state.scan, candidate));
    const eligible = rows.filter(({ enabled }) => enabled);
    return {
      title: 'Which disk?',
      text: [headline(state, eligible.length)],
      // A single disk may stand selected; among several the hand must choose.
      list: { columns: COLUMNS, rows, selected: eligible.length === 1 ? (eligible[0]?.key ?? '') : '' },
      actions: [
        action('next', '[N]ext', eligible.length > 0),
        action('rescan', '[R]escan', state.disks !== undefined),
        BACK,
        ABORT,
      ],
      ...(eligible.length > 0 ? { enter: 'next' } : {}),
      help: [
        'Every disk is listed. Below one that cannot be chosen stands the reason.',
        'Rescan after plugging a disk in.',
      ],
    };
  },
  act: (state, input) => {
    if (input.action === 'back') return go(state, { page: 'hardware', diskName: '' });
    if (input.action === 'rescan')
      return { ...go(state, { disks: undefined, diskName: '' }), effects: [{ type: 'scan' }] };
    if (input.action !== 'next' || state.disks === undefined) throw noSuchAction(input);
    return go(state, { page: 'contents', diskName: chooseDisk(state, input.choice).name });
  },
};

/** 78 characters beside the row's number: the end of the serial is what must not be cut. */
const COLUMNS = [
  { title: 'size', width: 8, keep: 'start' as const },
  { title: 'model', width: 22, keep: 'start' as const },
  { title: 'serial', width: 20, keep: 'end' as const },
  { title: 'bus', width: 6, keep: 'start' as const },
  { title: 'path', width: 13, keep: 'start' as const },
];

function headline(state: SessionState, eligible: number): string {
  if (state.disks === undefined) return 'Reading the disks ...';
  if (state.disks.length === 0) return 'This machine has no disk. Connect one and rescan.';
  return eligible === 0
    ? 'None of the disks can be chosen; the reason stands below each.'
    : 'The chosen disk will be erased.';
}

function rowOf(scan: number, candidate: Disk): ViewRow {
  const { ineligible, contents, token } = candidate;
  const code = token?.source === 'code' ? `code ${token.text}; ` : '';
  return {
    key: `${scan}:${candidate.name}`,
    cells: [
      formatDiskSize(candidate.bytes),
      candidate.model,
      candidate.serial || '(no serial)',
      candidate.bus,
      candidate.path,
    ],
    detail:
      ineligible.length > 0
        ? `not eligible: ${printable(ineligible.map(({ text }) => text).join('; '))}`
        : `${code}${contents.summary}`,
    enabled: ineligible.length === 0,
  };
}

function chooseDisk(state: SessionState, choice: string): Disk {
  if (choice === '') throw new InstallError('NO_DISK', 'no disk is chosen; choose one of the list');
  const found = state.disks?.find(({ name }) => `${state.scan}:${name}` === choice);
  if (found === undefined)
    throw new InstallError('NO_DISK', 'the chosen disk is not in the list any more; choose again');
  if (found.ineligible.length > 0) {
    throw new InstallError(
      'NOT_ELIGIBLE',
      `${found.path} cannot be chosen: ${found.ineligible.map(({ text }) => text).join('; ')}`,
    );
  }
  return found;
}

export const contents: Page = {
  view: (state) => {
    const chosen = chosenDisk(state);
    return {
      title: 'What is on it',
      text: chosen === undefined ? [] : contentLines(chosen),
      actions: [action('next', '[N]ext'), BACK, ABORT],
      enter: 'next',
      help: ['All of this is lost when the installation is confirmed later. Nothing is written yet.'],
    };
  },
  act: (state, input) => {
    if (input.action === 'back') return go(state, { page: 'disk', diskName: '' });
    if (input.action !== 'next') throw noSuchAction(input);
    return go(state, { page: 'network' });
  },
};

/** Longer lists would not fit the screen. */
const PARTITION_LINES_MAX = 8;

function contentLines(chosen: Disk): string[] {
  const { contents: found } = chosen;
  const lines = [`${describeDisk(chosen)}: ${found.summary}.`];
  for (const partition of found.partitions.slice(0, PARTITION_LINES_MAX)) {
    const what = partition.signatures
      .map(({ type, label }) => printable(label === '' ? type : `${type} '${label}'`))
      .join(', ');
    lines.push(
      `  ${partition.node}  ${formatDiskSize(partition.bytes)}  ${printable(partition.label)}  ${what || 'nothing known'}`,
    );
  }
  const more = found.partitions.length - PARTITION_LINES_MAX;
  if (more > 0) lines.push(`  and ${more} more`);
  return [...lines, ...warnings(chosen)];
}

function warnings(chosen: Disk): string[] {
  const { array } = requiredWords(chosen);
  const lines: string[] = [];
  if (chosen.contents.state === 'empty') lines.push('The disk is empty.');
  if (array !== undefined) {
    lines.push(`It is a part of ${array}, which may need it. To erase it you will be asked for that name.`);
  }
  if (chosen.contents.truthdb === 'data') {
    lines.push(`It holds a TruthDB database. To erase it you will be asked to type ${ERASE_DATA_WORDS}.`);
  }
  if (chosen.shared) lines.push(`It is reached over ${chosen.bus}: other machines may be using it now.`);
  return lines;
}

/** "480.1 GB SAMSUNG MZ7LH480, serial S45PNA0M812345, /dev/sda". */
export function describeDisk(chosen: Disk): string {
  const name =
    chosen.serial !== ''
      ? `serial ${chosen.serial}`
      : chosen.wwn !== ''
        ? `WWN ${chosen.wwn}`
        : `code ${chosen.token?.text}`;
  return `${formatDiskSize(chosen.bytes)} ${chosen.model}, ${name}, ${chosen.path}`;
}
