import {
  type ApplianceConfig,
  type NetworkConfig,
  parseInterfaceAddress,
} from '../installer/appliance-config.ts';

/**
 * The settings of one machine as files other programs read: a pure function from config.json to texts. The caller writes them
 * below /run at every boot; nothing else on the machine is configured by hand, and /etc stays as the image has it.
 */
export interface RenderedFile {
  /** Absolute path. */
  readonly path: string;
  readonly mode: number;
  readonly content: string;
}

/** Fixed ids: home directories on the state partition outlive images. */
const OPERATOR = { name: 'operator', id: 1000, home: '/state/home/operator', shell: '/bin/bash' } as const;

/** sudo: act as root. adm and systemd-journal: read logs. truthdb: talk to the database's local socket. */
const OPERATOR_GROUPS = ['adm', 'sudo', 'systemd-journal', 'truthdb'];

/** The wire protocol and HTTP; away from loopback the database speaks TLS on both. */
/** Wire protocol, HTTP. */
const DATABASE_PORTS = [9650, 9651, 9652];
const SSH_PORT = 22;

export const HOSTNAME_FILE = '/run/appliance/hostname';

export function renderAppliance(config: ApplianceConfig): RenderedFile[] {
  const hasSsh = config.ssh.authorizedKeys.length > 0;
  return [
    text(HOSTNAME_FILE, `${config.hostname}\n`),
    text('/run/systemd/network/10-truthdb.network', renderNetwork(config.network)),
    text(
      '/run/appliance/nftables.conf',
      renderFirewall(hasSsh ? [SSH_PORT, ...DATABASE_PORTS] : DATABASE_PORTS),
    ),
    ...renderOperator(config.operator.passwordHash),
    ...(hasSsh ? [text(`/run/appliance/ssh/${OPERATOR.name}`, lines(config.ssh.authorizedKeys))] : []),
  ];
}

/** systemd.network(5). */
function renderNetwork(network: NetworkConfig): string {
  if (network.mode === 'dhcp') {
    return lines(['[Match]', ...EVERY_ETHERNET, '', '[Network]', 'DHCP=yes']);
  }
  const isIpv6 = parseInterfaceAddress(network.address)?.family === 'ipv6';
  return lines([
    '[Match]',
    ...(network.mac === undefined ? EVERY_ETHERNET : [`MACAddress=${network.mac}`, ...EVERY_ETHERNET]),
    '',
    '[Network]',
    'DHCP=no',
    // One static address was asked for: no router adds another, and IPv6 stays link-local beside an IPv4 address.
    'IPv6AcceptRA=no',
    `LinkLocalAddressing=${isIpv6 ? 'ipv6' : 'no'}`,
    `Address=${network.address}`,
    ...(network.gateway === undefined ? [] : [`Gateway=${network.gateway}`]),
    ...network.dns.map((server) => `DNS=${server}`),
  ]);
}

/** Hardware only: bridges, tunnels and the like have a kind. */
const EVERY_ETHERNET = ['Type=ether', 'Kind=!*'];

/** nft(8). In: what we asked for, pings, and the given TCP ports. Out: everything. */
function renderFirewall(ports: readonly number[]): string {
  return lines([
    'flush ruleset',
    'table inet appliance {',
    '  chain input {',
    '    type filter hook input priority filter; policy drop;',
    '    ct state established,related accept',
    '    ct state invalid drop',
    '    iif lo accept',
    // By number (icmp, ipv6-icmp): the image has no /etc/protocols to look names up in.
    '    meta l4proto { 1, 58 } accept',
    '    ip6 saddr fe80::/10 udp dport 546 accept comment "answers of DHCPv6 servers"',
    `    tcp dport { ${ports.join(', ')} } accept`,
    '  }',
    '  chain forward {',
    '    type filter hook forward priority filter; policy drop;',
    '  }',
    '}',
  ]);
}

/** JSON user records (https://systemd.io/USER_RECORD/), found by nss-systemd in /run/userdb under name and number. */
function renderOperator(passwordHash: string): RenderedFile[] {
  const { name, id, home, shell } = OPERATOR;
  const user = json({
    userName: name,
    uid: id,
    gid: id,
    realName: 'Operator',
    homeDirectory: home,
    shell,
    disposition: 'regular',
  });
  const group = json({ groupName: name, gid: id, disposition: 'regular' });
  const secrets = json({ privileged: { hashedPassword: [passwordHash] } });
  return [
    ...[name, String(id)].flatMap((key) => [
      text(`/run/userdb/${key}.user`, user),
      text(`/run/userdb/${key}.group`, group),
      { path: `/run/userdb/${key}.user-privileged`, mode: 0o600, content: secrets },
    ]),
    // An empty object and not an empty file, which would mean the opposite.
    ...OPERATOR_GROUPS.map((other) => text(`/run/userdb/${name}:${other}.membership`, json({}))),
  ];
}

function text(path: string, content: string): RenderedFile {
  return { path, mode: 0o644, content };
}

function json(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

function lines(list: readonly string[]): string {
  return `${list.join('\n')}\n`;
}
