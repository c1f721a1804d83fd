/** `truthdb wal followers`: who copies the log, what is kept for each, and letting go of one. */
import { resolve } from 'node:path';
import { TruthError } from '../errors.ts';
import { type Disk, RealDisk } from '../io/index.ts';
import type { Sequence } from '../types.ts';
import { dropLease, type FollowerStatus, SegmentFiles, storedFollowers } from '../wal/index.ts';
import type { Command, Terminal } from './command.ts';
import { giveTo, ownerOf } from './ownership.ts';
import { connectTo, TARGET_OPTIONS } from './target.ts';

export const walFollowers: Command = {
  name: 'wal followers',
  summary: 'Lists the followers of a log and what is kept of it for each, or lets go of one.',
  detail:
    'A follower holds back `wal prune` from where its copy ends, also while it is away, until more than ' +
    'followers.keepBytes\nwould be kept; then it is lost. --drop lets go of one for good: one that is still there is known ' +
    'again when it\nconnects anew. With --data on the files of a stopped server, otherwise through the server.',
  positionals: [],
  options: [
    { flag: 'drop', value: 'NAME', help: 'keep nothing for this follower any more' },
    { flag: 'data', value: 'DIR', help: 'directory of a database: its files, without a server' },
    ...TARGET_OPTIONS,
  ],
  example: 'truthdb wal followers --drop copy-3f9c01d2a47be680',
  run: async (args, terminal) => {
    const data = args.text('data');
    const drop = args.text('drop');
    const directory = data === undefined ? null : resolve(data);
    const followers = directory === null ? await throughServer(drop) : inFiles(directory, drop);
    if (terminal.json) {
      await terminal.out(JSON.stringify(drop === undefined ? { followers } : { dropped: followers[0] }));
    } else if (drop !== undefined) {
      await terminal.out(`dropped ${drop}: nothing is kept for it any more`);
    } else {
      await list(terminal, followers);
    }
    return 0;

    async function throughServer(name: string | undefined): Promise<readonly FollowerStatus[]> {
      const db = await connectTo(args, terminal);
      try {
        if (name === undefined) {
          return (await db.administer({ command: 'follower-list' }))['followers'] as FollowerStatus[];
        }
        return [(await db.administer({ command: 'follower-drop', name }))['dropped'] as FollowerStatus];
      } finally {
        await db.close();
      }
    }
  },
};

async function list(terminal: Terminal, followers: readonly FollowerStatus[]): Promise<void> {
  if (followers.length === 0) terminal.say('no follower is known');
  for (const { name, token, next, bytes, connected, lost, heardAt } of followers) {
    const kept = bytes === null ? 'pruned behind it' : `${bytes} bytes behind it`;
    const state = lost ? 'LOST: nothing is kept for it' : connected ? 'connected' : 'away';
    await terminal.out(`${name}  (token ${token})  next ${next}  ${kept}  ${state}  last heard ${heardAt}`);
  }
}

function inFiles(directory: string, drop: string | undefined): readonly FollowerStatus[] {
  const disk = new RealDisk();
  if (drop === undefined) return storedFollowers(disk, directory, bytesFromIn(disk, directory));
  const lock = disk.lock(directory);
  if (lock === null) {
    throw new TruthError('LOCKED', `a server has ${directory} open: leave out --data to ask it`);
  }
  try {
    return [dropLease(disk, directory, drop)];
  } finally {
    lock.release();
    giveTo(ownerOf(directory), directory);
  }
}

function bytesFromIn(disk: Disk, directory: string): (from: Sequence) => number | null {
  const files = new SegmentFiles(disk, directory);
  const { handle, header } = files.first();
  disk.close(handle);
  const { segmentBytes } = header.identity;
  return (from) => files.bytesFrom(from, segmentBytes);
}
