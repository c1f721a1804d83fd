import { file, type Tree } from './tree.ts';

/**
 * The account files of the image: what Debian's packages made, without the accounts nobody uses, with the database's own.
 * Everybody's password is locked; the operator comes from the settings through /run/userdb.
 */

/** Fixed, because data partitions outlive images. */
export const DATABASE_ACCOUNT = { name: 'truthdb', id: 991 } as const;

const UNUSED_USERS = new Set([
  '_apt',
  'backup',
  'games',
  'irc',
  'list',
  'lp',
  'mail',
  'man',
  'news',
  'proxy',
  'sync',
  'uucp',
  'www-data',
]);

/** "operator" is Debian's group 37, unused, and would hide the operator's own group. Others are named by udev's rules and stay. */
const UNUSED_GROUPS = new Set([
  'games',
  'irc',
  'list',
  'news',
  'proxy',
  'uucp',
  'www-data',
  'operator',
  'fax',
  'voice',
  'floppy',
  'sasl',
  'src',
  'staff',
]);

export function writeAccounts(tree: Tree): void {
  const { name, id } = DATABASE_ACCOUNT;
  edit(tree, 'etc/passwd', UNUSED_USERS, `${name}:x:${id}:${id}:TruthDB:/var/lib/truthdb:/usr/sbin/nologin`);
  edit(tree, 'etc/shadow', UNUSED_USERS, `${name}:!*:::::::`);
  edit(tree, 'etc/group', UNUSED_GROUPS, `${name}:x:${id}:`);
  edit(tree, 'etc/gshadow', UNUSED_GROUPS, `${name}:!*::`);
}

function edit(tree: Tree, path: string, unused: ReadonlySet<string>, added: string): void {
  const entry = tree.get(path);
  if (entry?.type !== 'file') throw new Error(`the base has no ${path}`);
  const lines = entry.data
    .toString()
    .split('\n')
    .filter((line) => line !== '' && !unused.has(line.split(':')[0] ?? ''));
  tree.set(path, { ...entry, data: file(`${[...lines, added].join('\n')}\n`).data });
}
