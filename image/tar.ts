import { BuildError } from './exec.ts';
import { put, sortedPaths, type Tree, type TreeEntry } from './tree.ts';

/** POSIX.1-2001 "ustar" and pax; the GNU extensions for long names. Blocks of 512 bytes. */
const BLOCK_BYTES = 512;
const NAME_BYTES = 100;

const FIELD = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  linkName: [157, 100],
  magic: [257, 8],
  prefix: [345, 155],
} as const;

interface Header {
  readonly name: string;
  readonly type: string;
  readonly linkName: string;
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/**
 * Reads an archive into a tree. Hard links become files that share their bytes; device nodes and extended attributes are
 * dropped, the image has neither. File data are views into the given buffer, not copies.
 *
 * @throws BuildError when the archive is cut short or a header's checksum is wrong.
 */
export function readTar(archive: Buffer): Tree {
  const tree: Tree = new Map();
  let offset = 0;
  let long: Partial<Pick<Header, 'name' | 'linkName'>> & { size?: number } = {};
  while (offset + BLOCK_BYTES <= archive.length) {
    const block = archive.subarray(offset, offset + BLOCK_BYTES);
    offset += BLOCK_BYTES;
    if (block.every((byte) => byte === 0)) break;
    const header = { ...readHeader(block, offset - BLOCK_BYTES), ...long };
    const data = archive.subarray(offset, offset + header.size);
    if (data.length < header.size) throw new BuildError(`tar archive ends within "${header.name}"`);
    offset += Math.ceil(header.size / BLOCK_BYTES) * BLOCK_BYTES;
    if ('xLK'.includes(header.type)) {
      long = { ...long, ...readExtension(header.type, data) };
      continue;
    }
    long = {};
    addEntry(tree, header, data);
  }
  return tree;
}

function addEntry(tree: Tree, header: Header, data: Buffer): void {
  const path = plainPath(header.name);
  const { mode, uid, gid } = header;
  if (path === '') return;
  switch (header.type) {
    case '0':
    case '\0':
      put(tree, path, { type: 'file', data, mode, uid, gid });
      break;
    case '1': {
      const original = tree.get(plainPath(header.linkName));
      if (original === undefined)
        throw new BuildError(`tar: "${path}" links to unknown "${header.linkName}"`);
      put(tree, path, original);
      break;
    }
    case '2':
      put(tree, path, { type: 'link', target: header.linkName });
      break;
    case '5':
      put(tree, path, { type: 'directory', mode, uid, gid });
      break;
    default:
      break; // Device nodes and FIFOs: devtmpfs makes the first, nothing needs the second.
  }
}

function plainPath(name: string): string {
  return name
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}

function readHeader(block: Buffer, offset: number): Header {
  const sum = checksum(block);
  if (octal(block, FIELD.checksum) !== sum) throw new BuildError(`tar header at byte ${offset} is damaged`);
  const prefix = text(block, FIELD.prefix);
  const name = text(block, FIELD.name);
  const isPosix = block.toString('latin1', 257, 263) === 'ustar\0';
  return {
    name: isPosix && prefix !== '' ? `${prefix}/${name}` : name,
    type: String.fromCharCode(block[FIELD.type[0]] ?? 0),
    linkName: text(block, FIELD.linkName),
    size: octal(block, FIELD.size),
    mode: octal(block, FIELD.mode) & 0o7777,
    uid: octal(block, FIELD.uid),
    gid: octal(block, FIELD.gid),
  };
}

function readExtension(type: string, data: Buffer): { name?: string; linkName?: string; size?: number } {
  if (type === 'L') return { name: trimNul(data.toString()) };
  if (type === 'K') return { linkName: trimNul(data.toString()) };
  const found: { name?: string; linkName?: string; size?: number } = {};
  let offset = 0;
  while (offset < data.length) {
    const space = data.indexOf(0x20, offset);
    const length = Number(data.toString('latin1', offset, space));
    if (space < 0 || !(length > 0)) throw new BuildError('tar: malformed pax record');
    const record = data.toString('utf8', space + 1, offset + length - 1);
    const equals = record.indexOf('=');
    const [key, value] = [record.slice(0, equals), record.slice(equals + 1)];
    if (key === 'path') found.name = value;
    if (key === 'linkpath') found.linkName = value;
    if (key === 'size') found.size = Number(value);
    offset += length;
  }
  return found;
}

/** The tree as an archive in path order, every time stamp at `epoch` seconds since 1970. Yields it piece by piece. */
export function* writeTar(tree: Tree, epoch: number): Generator<Buffer> {
  for (const path of sortedPaths(tree)) {
    const entry = tree.get(path) as TreeEntry;
    const name = entry.type === 'directory' ? `${path}/` : path;
    const linkName = entry.type === 'link' ? entry.target : '';
    if (Buffer.byteLength(linkName) > NAME_BYTES) yield* gnuLongName('K', linkName);
    if (Buffer.byteLength(name) > NAME_BYTES) yield* gnuLongName('L', name);
    yield headerBlock(name, entry, linkName, epoch);
    if (entry.type === 'file') yield* padded(entry.data);
  }
  yield Buffer.alloc(2 * BLOCK_BYTES);
}

function* gnuLongName(type: string, name: string): Generator<Buffer> {
  const data = Buffer.from(`${name}\0`);
  const block = Buffer.alloc(BLOCK_BYTES);
  block.write('././@LongLink', FIELD.name[0]);
  putOctal(block, FIELD.mode, 0o644);
  finishHeader(block, { type, size: data.length, uid: 0, gid: 0, epoch: 0 });
  yield block;
  yield* padded(data);
}

function headerBlock(name: string, entry: TreeEntry, linkName: string, epoch: number): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  block.write(name.slice(0, NAME_BYTES), FIELD.name[0]);
  block.write(linkName.slice(0, NAME_BYTES), FIELD.linkName[0]);
  const owner = entry.type === 'link' ? { uid: 0, gid: 0, mode: 0o777 } : entry;
  putOctal(block, FIELD.mode, owner.mode);
  const type = { file: '0', link: '2', directory: '5' }[entry.type];
  const size = entry.type === 'file' ? entry.data.length : 0;
  finishHeader(block, { type, size, uid: owner.uid, gid: owner.gid, epoch });
  return block;
}

function finishHeader(
  block: Buffer,
  fields: { type: string; size: number; uid: number; gid: number; epoch: number },
): void {
  putOctal(block, FIELD.uid, fields.uid);
  putOctal(block, FIELD.gid, fields.gid);
  putOctal(block, FIELD.size, fields.size);
  putOctal(block, FIELD.mtime, fields.epoch);
  block.write(fields.type, FIELD.type[0]);
  block.write('ustar  \0', FIELD.magic[0], 'latin1'); // GNU's magic, which announces its long names.
  putOctal(block, FIELD.checksum, checksum(block));
}

function* padded(data: Buffer): Generator<Buffer> {
  yield data;
  const over = data.length % BLOCK_BYTES;
  if (over !== 0) yield Buffer.alloc(BLOCK_BYTES - over);
}

/** Sum of all bytes with the checksum field itself read as blanks. */
function checksum(block: Buffer): number {
  const [start, length] = FIELD.checksum;
  let sum = 0x20 * length;
  for (let index = 0; index < BLOCK_BYTES; index += 1) {
    if (index < start || index >= start + length) sum += block[index] ?? 0;
  }
  return sum;
}

function text(block: Buffer, [start, length]: readonly [number, number]): string {
  return trimNul(block.toString('utf8', start, start + length));
}

function trimNul(value: string): string {
  const end = value.indexOf('\0');
  return end < 0 ? value : value.slice(0, end);
}

function octal(block: Buffer, [start, length]: readonly [number, number]): number {
  const digits = trimNul(block.toString('latin1', start, start + length)).trim();
  return digits === '' ? 0 : Number.parseInt(digits, 8);
}

function putOctal(block: Buffer, [start, length]: readonly [number, number], value: number): void {
  block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, start, 'latin1');
}
