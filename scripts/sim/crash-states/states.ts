/**
 * Every state of the disk that a power cut may leave behind, from a trace: what a file system owes to nobody is taken to be
 * as bad as it can be (docs/simulation.md, Crash states).
 *
 * Whatever a completed sync covers is there. Of the rest, each write is there, is missing or is torn, and each change of a
 * name is there or is missing, in all combinations. It is enough to look right before each sync takes effect and at the end:
 * a cut earlier on leaves what a cut there leaves when the later changes are missing.
 */
import { dirname } from 'node:path';
import { xxh64 } from '../../../db/hash/index.ts';
import { type Content, changed, digestOf, EMPTY, tornParts } from './content.ts';
import type { Operation } from './strace-log.ts';

/** What is on the disk: names with what they lead to. */
export type Image = ReadonlyMap<string, Content | 'directory'>;

/** What must be true of the database in a state: the most that was said before any cut that leaves it. */
export interface Claims {
  /** Highest number of an event that was acknowledged. */
  readonly acknowledged: number;
  /** Highest number of an event that was sent. */
  readonly sent: number;
  /** Epoch that was written in; no other start may get it. */
  readonly epoch: number;
  readonly snapshot: string | null;
  readonly archived: boolean;
  /** Whether segments may be missing because they are being pruned. */
  readonly pruning: boolean;
}

export interface CrashState {
  readonly image: Image;
  readonly claims: Claims;
  /** Of the first cut that leaves it. */
  readonly phase: string;
}

export interface CrashStates {
  /** By their content. */
  readonly distinct: ReadonlyMap<string, CrashState>;
  /** Combinations, phase by phase, equal ones counted each time. */
  readonly combinations: ReadonlyMap<string, number>;
  readonly cuts: number;
  /** Cuts with more combinations than COMBINATIONS_MAX, of which only those near to nothing and to everything were taken. */
  readonly bounded: number;
}

export interface EnumerateOptions {
  readonly operations: readonly Operation[];
  /** Files at the beginning with their numbers. */
  readonly files: ReadonlyMap<string, { readonly file: number; readonly content: Content }>;
  readonly directories: readonly string[];
  /** Number of events that are there at the beginning. */
  readonly events: number;
  readonly thorough: boolean;
  /** Only cuts in these phases; all when empty. */
  readonly phases?: readonly string[];
}

const COMBINATIONS_MAX = 20_000;

type NameChange = Extract<Operation, { kind: 'create' | 'mkdir' | 'rename' | 'unlink' }>;
type DataChange = Extract<Operation, { kind: 'write' | 'size' }>;
type Node = number | 'directory';

export function enumerateStates(options: EnumerateOptions): CrashStates {
  const { operations, phases = [] } = options;
  const cuts = new Cuts(options);
  for (const operation of operations) {
    const syncs = operation.kind === 'sync' || operation.kind === 'sync-directory';
    if (syncs && (phases.length === 0 || phases.includes(cuts.phase))) cuts.cut();
    cuts.follow(operation);
  }
  if (phases.length === 0 || phases.includes(cuts.phase)) cuts.cut();
  return cuts;
}

class Cuts implements CrashStates {
  readonly distinct = new Map<string, CrashState>();
  readonly combinations = new Map<string, number>();
  cuts = 0;
  bounded = 0;
  phase = '';
  readonly #thorough: boolean;
  readonly #names: Map<string, Node>;
  readonly #contents = new Map<number, Content>();
  /** Names as the process sees them. */
  readonly #shown: Map<string, Node>;
  #nameChanges: { readonly change: NameChange; readonly node: Node }[] = [];
  #dataChanges: DataChange[] = [];
  #claims: Claims;

  constructor({ files, directories, thorough, events }: EnumerateOptions) {
    this.#claims = {
      acknowledged: events,
      sent: events,
      epoch: 0,
      snapshot: null,
      archived: false,
      pruning: false,
    };
    this.#thorough = thorough;
    this.#names = new Map<string, Node>(directories.map((path) => [path, 'directory'] as const));
    for (const [path, { file, content }] of files) {
      this.#names.set(path, file);
      this.#contents.set(file, content);
    }
    this.#shown = new Map(this.#names);
  }

  follow(operation: Operation): void {
    switch (operation.kind) {
      case 'say':
        this.#said(operation.line);
        return;
      case 'write':
      case 'size':
        this.#dataChanges.push(operation);
        return;
      case 'sync':
        this.#dataChanges = this.#dataChanges.filter((change) => {
          if (change.file !== operation.file || change.ended > operation.began) return true;
          this.#contents.set(change.file, changed(this.#contents.get(change.file) ?? EMPTY, change));
          return false;
        });
        return;
      case 'sync-directory':
        this.#nameChanges = this.#nameChanges.filter((each) => {
          const covered =
            dirname(each.change.path) === operation.path && each.change.ended <= operation.began;
          if (covered) apply(this.#names, each);
          return !covered;
        });
        return;
      default: {
        const each = { change: operation, node: nodeOf(operation, this.#shown) };
        apply(this.#shown, each);
        this.#nameChanges.push(each);
      }
    }
  }

  /** All that may be found when power fails now. */
  cut(): void {
    this.cuts += 1;
    const contentsOf = new Map<number, Content[]>();
    for (const names of this.#namesPossible()) {
      const nodes = [...new Set(names.values())].filter((node) => node !== 'directory');
      const possible = nodes.map((node) => {
        const contents = contentsOf.get(node) ?? this.#contentsPossible(node);
        contentsOf.set(node, contents);
        return contents;
      });
      for (const contents of this.#combined(possible)) {
        const byNode = new Map(nodes.map((node, at) => [node, contents[at]!]));
        this.#found(
          new Map([...names].map(([path, node]) => [path, node === 'directory' ? node : byNode.get(node)!])),
        );
      }
    }
  }

  #found(image: Image): void {
    this.combinations.set(this.phase, (this.combinations.get(this.phase) ?? 0) + 1);
    const text = [...image]
      .map(([path, content]) => `${path} ${content === 'directory' ? content : digestOf(content)}`)
      .sort()
      .join('\n');
    const key = xxh64(Buffer.from(text)).toString(36);
    const known = this.distinct.get(key);
    const claims = known === undefined ? this.#claims : strictest(known.claims, this.#claims);
    this.distinct.set(key, { image: known?.image ?? image, phase: known?.phase ?? this.phase, claims });
  }

  /** Every subset of the changes that no sync covered, in their order. */
  #namesPossible(): Map<string, Node>[] {
    const changes = this.#nameChanges;
    const subsets = changes.length <= 8 ? allSubsets(changes) : nearSubsets(changes);
    if (changes.length > 8) this.bounded += 1;
    return subsets.map((subset) => {
      const names = new Map(this.#names);
      for (const each of subset) apply(names, each);
      for (const path of names.keys()) if (!reachable(names, path)) names.delete(path);
      return names;
    });
  }

  #contentsPossible(file: number): Content[] {
    const changes = this.#dataChanges.filter((change) => change.file === file);
    const base = this.#contents.get(file) ?? EMPTY;
    let possible = new Map([[digestOf(base), base]]);
    for (const change of changes) {
      const next = new Map(possible);
      const ways = [(content: Content) => changed(content, change), ...tornParts(change, this.#thorough)];
      for (const content of possible.values()) {
        for (const way of ways) {
          const one = way(content);
          next.set(digestOf(one), one);
        }
      }
      possible = next;
      if (possible.size > COMBINATIONS_MAX) throw new Error(`file ${file} may hold too many things`);
    }
    return [...possible.values()];
  }

  #combined(possible: readonly Content[][]): Content[][] {
    const all = possible.reduce((product, each) => product * each.length, 1);
    if (all <= COMBINATIONS_MAX) return product(possible);
    this.bounded += 1;
    // One file anywhere while the others have nothing, or everything.
    const corners = [0, -1].map((at) => possible.map((each) => each.at(at)!));
    return corners.flatMap((corner) =>
      possible.flatMap((each, at) => each.map((content) => corner.with(at, content))),
    );
  }

  #said(line: string): void {
    const [what = '', word = ''] = line.split(' ');
    const claims = this.#claims;
    if (what === 'phase') {
      this.phase = word;
      if (word === 'prune') this.#claims = { ...claims, pruning: true };
    } else if (what === 'sent') this.#claims = { ...claims, sent: Math.max(claims.sent, Number(word)) };
    else if (what === 'acknowledged')
      this.#claims = { ...claims, acknowledged: Math.max(claims.acknowledged, Number(word)) };
    else if (what === 'epoch') this.#claims = { ...claims, epoch: Number(word) };
    else if (what === 'snapshot') this.#claims = { ...claims, snapshot: word };
    else if (what === 'archived') this.#claims = { ...claims, archived: true };
  }
}

function strictest(a: Claims, b: Claims): Claims {
  return {
    acknowledged: Math.max(a.acknowledged, b.acknowledged),
    sent: Math.min(a.sent, b.sent),
    epoch: Math.max(a.epoch, b.epoch),
    snapshot: a.snapshot ?? b.snapshot,
    archived: a.archived || b.archived,
    pruning: a.pruning && b.pruning,
  };
}

function nodeOf(change: NameChange, names: ReadonlyMap<string, Node>): Node {
  if (change.kind === 'create') return change.file;
  if (change.kind === 'mkdir') return 'directory';
  const node = names.get(change.kind === 'rename' ? change.from : change.path);
  if (node === undefined) throw new Error(`${change.kind} of ${change.path}, which is not there`);
  return node;
}

/** A name that leads elsewhere by now, because a change between was lost, is left alone. */
function apply(
  names: Map<string, Node>,
  { change, node }: { readonly change: NameChange; readonly node: Node },
): void {
  const old = change.kind === 'rename' ? change.from : change.kind === 'unlink' ? change.path : null;
  if (old !== null && names.get(old) === node) names.delete(old);
  if (change.kind !== 'unlink') names.set(change.path, node);
}

function reachable(names: ReadonlyMap<string, Node>, path: string): boolean {
  for (let up = dirname(path); up !== '/'; up = dirname(up)) if (names.get(up) !== 'directory') return false;
  return true;
}

function allSubsets<T>(items: readonly T[]): T[][] {
  return items.reduce<T[][]>(
    (subsets, item) => subsets.flatMap((subset) => [subset, [...subset, item]]),
    [[]],
  );
}

/** Every beginning, every one with one change missing from it, every single change. */
function nearSubsets<T>(items: readonly T[]): T[][] {
  const beginnings = Array.from({ length: items.length + 1 }, (_, end) => items.slice(0, end));
  return [
    ...beginnings,
    ...beginnings.flatMap((some) => some.map((_, missing) => some.filter((_item, at) => at !== missing))),
    ...items.map((item) => [item]),
  ];
}

function product<T>(lists: readonly (readonly T[])[]): T[][] {
  return lists.reduce<T[][]>((rows, list) => rows.flatMap((row) => list.map((item) => [...row, item])), [[]]);
}
