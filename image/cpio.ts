import { sortedPaths, type Tree, type TreeEntry } from './tree.ts';

/**
 * The initramfs archive as the kernel reads it (Documentation/driver-api/early-userspace/buffer-format.rst): "newc" headers of
 * eight-digit hexadecimal fields, names and data padded to four bytes, closed by an entry called TRAILER!!!.
 */
const MAGIC = '070701';
const TRAILER = 'TRAILER!!!';
const ALIGNMENT = 4;
const FILE_TYPE_BITS = { file: 0o100000, directory: 0o040000, link: 0o120000 } as const;

/**
 * The tree as a cpio archive in path order: all owned by root, all times at 0, inode numbers counted from 1, so that the same
 * tree is always the same bytes. Yields it piece by piece; file data are not copied.
 */
export function* writeCpio(tree: Tree): Generator<Buffer> {
  let inode = 0;
  for (const path of sortedPaths(tree)) {
    inode += 1;
    const entry = tree.get(path) as TreeEntry;
    const data = contentOf(entry);
    const permissions = entry.type === 'link' ? 0o777 : entry.mode;
    yield header({ path, inode, mode: FILE_TYPE_BITS[entry.type] | permissions, size: data.length });
    if (data.length > 0) {
      yield data;
      yield padding(data.length);
    }
  }
  yield header({ path: TRAILER, inode: 0, mode: 0, size: 0 });
}

function contentOf(entry: TreeEntry): Buffer {
  switch (entry.type) {
    case 'file':
      return entry.data;
    case 'link':
      return Buffer.from(entry.target);
    case 'directory':
      return Buffer.alloc(0);
  }
}

function header(entry: { path: string; inode: number; mode: number; size: number }): Buffer {
  const name = Buffer.from(`${entry.path}\0`);
  // ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor, namesize, check
  const fields = [entry.inode, entry.mode, 0, 0, 1, 0, entry.size, 0, 0, 0, 0, name.length, 0];
  const head = Buffer.from(MAGIC + fields.map((value) => value.toString(16).padStart(8, '0')).join(''));
  return Buffer.concat([head, name, padding(head.length + name.length)]);
}

function padding(length: number): Buffer {
  return Buffer.alloc((ALIGNMENT - (length % ALIGNMENT)) % ALIGNMENT);
}
