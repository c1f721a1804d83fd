/** Every proof of every size up to some hundred, against a tree that is computed in the plainest way. */
import { describe, expect, test } from 'vitest';
import {
  consistencyPath,
  Frontier,
  MemoryTree,
  nodesOf,
  positionOf,
  rangePath,
  rootOf,
} from '../../../db/audit/merkle.ts';
import {
  EMPTY_ROOT,
  hex,
  nodeHash,
  sha256,
  verifyConsistency,
  verifyRange,
} from '../../../db/audit/verifier.ts';

const SIZE_MAX = 260;
const leaves = Array.from({ length: SIZE_MAX }, (_, at) => sha256(Buffer.from(`leaf ${at}`)));
const tree = new MemoryTree(leaves);
const roots = Array.from({ length: SIZE_MAX + 1 }, (_, size) => hex(naiveRoot(leaves.slice(0, size))));

/** RFC 6962, section 2.1, word for word. */
function naiveRoot(list: readonly Uint8Array[]): Uint8Array {
  if (list.length === 0) return Buffer.from(EMPTY_ROOT, 'hex');
  if (list.length === 1) return list[0]!;
  let split = 1;
  while (split * 2 < list.length) split *= 2;
  return nodeHash(naiveRoot(list.slice(0, split)), naiveRoot(list.slice(split)));
}

describe('a tree', () => {
  test('has the root of the naive one at every size, growing and stored', () => {
    const growing = new Frontier();
    for (const [size, root] of roots.entries()) {
      expect(hex(growing.root())).toBe(root);
      expect(hex(rootOf(tree, size))).toBe(root);
      if (size < SIZE_MAX) growing.append(leaves[size]!);
    }
  });

  test('stores each complete subtree once, in the order in which they come into being', () => {
    const frontier = new Frontier();
    let written = 0;
    for (const [at, leaf] of leaves.entries()) {
      expect(nodesOf(at)).toBe(written);
      frontier.append(leaf, 0, (_hash, level) => {
        const index = Math.floor(at / 2 ** level);
        expect(positionOf(level, index)).toBe(written);
        written += 1;
      });
    }
    expect(positionOf(40, 2)).toBe(nodesOf(3 * 2 ** 40 - 1) + 40);
  });

  test('grows by complete subtrees as by leaves, and refuses one that does not fit', () => {
    for (const start of [0, 8, 16, 96]) {
      const whole = Frontier.of(tree, start);
      const single = whole.copy();
      whole.append(rootOf(new MemoryTree(leaves.slice(start, start + 8)), 8), 3);
      for (const leaf of leaves.slice(start, start + 8)) single.append(leaf);
      expect(hex(whole.root())).toBe(hex(single.root()));
    }
    expect(() => Frontier.of(tree, 4).append(leaves[0]!, 3)).toThrow('does not fit');
  });
});

describe('a proof of consistency', () => {
  test('holds from every size to every later one, and for no other root', () => {
    for (let size = 0; size <= SIZE_MAX; size += size < 40 ? 1 : 61) {
      for (let old = 0; old <= size; old++) {
        const path = consistencyPath(tree, old, size);
        verifyConsistency([old, roots[old]!], [size, roots[size]!], path);
        const other = hex(sha256(Buffer.from('another')));
        expect(() => verifyConsistency([old, other], [size, roots[size]!], path)).toThrow();
        if (old > 0) expect(() => verifyConsistency([old, roots[old]!], [size, other], path)).toThrow();
        if (path.length === 0) continue;
        expect(() => verifyConsistency([old, roots[old]!], [size, roots[size]!], path.slice(1))).toThrow();
        expect(() =>
          verifyConsistency([old, roots[old]!], [size, roots[size]!], [...path, path[0]!]),
        ).toThrow();
      }
    }
  });

  test('is not given by a later tree for an earlier one', () => {
    expect(() => verifyConsistency([9, roots[9]!], [8, roots[8]!], [])).toThrow('does not extend');
  });
});

describe('a proof of a range', () => {
  test('holds for every range of every size', () => {
    for (let size = 1; size <= 40; size++) {
      for (let first = 0; first < size; first++) {
        for (let count = 1; first + count <= size; count++) {
          const path = rangePath(tree, first, count, size);
          verifyRange(first, leaves.slice(first, first + count), size, path, roots[size]!);
        }
      }
    }
  });

  test('of one leaf holds for each of hundreds, and is as short as the tree is deep', () => {
    for (let size = 1; size <= SIZE_MAX; size += 37) {
      for (let at = 0; at < size; at++) {
        const path = rangePath(tree, at, 1, size);
        verifyRange(at, [leaves[at]!], size, path, roots[size]!);
        expect(path.length).toBeLessThanOrEqual(Math.ceil(Math.log2(size)));
      }
    }
  });

  test('fails with a leaf changed, left out, added, moved, or with a hash too few or too many', () => {
    const [first, count, size] = [37, 20, 230];
    const shown = leaves.slice(first, first + count);
    const path = rangePath(tree, first, count, size);
    const check = (at: number, list: readonly Uint8Array[], by = path) =>
      verifyRange(at, list, size, by, roots[size]!);
    check(first, shown);
    for (let at = 0; at < count; at++) {
      expect(() => check(first, shown.with(at, leaves[0]!))).toThrow('do not lead to the root');
      expect(() => check(first, shown.toSpliced(at, 1))).toThrow();
      expect(() => check(first, shown.toSpliced(at, 0, leaves[0]!))).toThrow();
    }
    expect(() => check(first + 1, shown)).toThrow();
    expect(() => check(first, shown, path.slice(1))).toThrow('too short');
    expect(() => check(first, shown, [...path, path[0]!])).toThrow('too long');
    expect(() => check(first, [])).toThrow('does not lie in the tree');
  });
});
