import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { main } from '../../image/appliance.ts';
import { renderAppliance } from '../../image/render.ts';
import {
  type ApplianceConfig,
  applianceConfigSchema,
  parseApplianceConfig,
} from '../../installer/appliance-config.ts';

const HASH = `$6$saltsalt$${'a'.repeat(86)}`;
const KEY = `ssh-ed25519 ${Buffer.concat([lengthed('ssh-ed25519'), lengthed('x'.repeat(32))]).toString('base64')} me@here`;

function lengthed(text: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  return Buffer.concat([length, Buffer.from(text)]);
}

function config(change: Partial<ApplianceConfig> = {}): ApplianceConfig {
  return {
    version: 1,
    hostname: 'db-one',
    network: { mode: 'dhcp' },
    operator: { passwordHash: HASH },
    ssh: { authorizedKeys: [] },
    ...change,
  };
}

function rendered(settings: ApplianceConfig): Map<string, string> {
  return new Map(renderAppliance(settings).map(({ path, content }) => [path, content]));
}

const NETWORK = '/run/systemd/network/10-truthdb.network';

describe('settings become files', () => {
  test('DHCP asks on every Ethernet interface that is hardware', () => {
    expect(rendered(config()).get(NETWORK)).toBe('[Match]\nType=ether\nKind=!*\n\n[Network]\nDHCP=yes\n');
  });

  test('a static address names its interface, gateway and name servers', () => {
    const network = {
      mode: 'static',
      mac: '52:54:00:12:34:56',
      address: '192.0.2.10/24',
      gateway: '192.0.2.1',
      dns: ['192.0.2.53', '2001:db8::53'],
    } as const;
    const text = rendered(config({ network: { ...network, dns: [...network.dns] } })).get(NETWORK);
    expect(text).toContain('MACAddress=52:54:00:12:34:56\n');
    expect(text).toContain('Address=192.0.2.10/24\nGateway=192.0.2.1\nDNS=192.0.2.53\nDNS=2001:db8::53\n');
    expect(text).toContain('DHCP=no\n');
    expect(text).toContain('LinkLocalAddressing=no\n');
  });

  test('an IPv6 address keeps link-local addressing, which it needs', () => {
    const network = { mode: 'static', address: '2001:db8::10/64', dns: [] as string[] } as const;
    expect(rendered(config({ network: { ...network, dns: [] } })).get(NETWORK)).toContain(
      'LinkLocalAddressing=ipv6\n',
    );
  });

  test('without a key there is no door for SSH, with one there is', () => {
    const closed = rendered(config());
    const open = rendered(config({ ssh: { authorizedKeys: [KEY] } }));
    expect([...closed.keys()].some((path) => path.includes('/ssh/'))).toBe(false);
    expect(closed.get('/run/appliance/nftables.conf')).toContain('tcp dport { 9650, 9651, 9652 } accept');
    expect(open.get('/run/appliance/nftables.conf')).toContain('tcp dport { 22, 9650, 9651, 9652 } accept');
    expect(open.get('/run/appliance/ssh/operator')).toBe(`${KEY}\n`);
  });

  test('the password hash lies in files only root reads, and nowhere else', () => {
    const holding = renderAppliance(config()).filter(({ content }) => content.includes(HASH));
    expect(holding.map(({ path, mode }) => [path, mode])).toEqual([
      ['/run/userdb/operator.user-privileged', 0o600],
      ['/run/userdb/1000.user-privileged', 0o600],
    ]);
  });

  test('the operator is one account under name and number', () => {
    const files = rendered(config());
    expect(JSON.parse(files.get('/run/userdb/operator.user')!)).toMatchObject({
      userName: 'operator',
      uid: 1000,
      gid: 1000,
    });
    expect(files.get('/run/userdb/1000.user')).toBe(files.get('/run/userdb/operator.user'));
    expect(files.has('/run/userdb/operator:sudo.membership')).toBe(true);
  });
});

describe('whatever a settings file says', () => {
  const anything = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[ -~\n"'\\$`;{}]{0,40}$/));
  const label = fc.stringMatching(/^[a-z0-9-]{1,20}$/);
  const ip = fc.oneof(fc.ipV4(), fc.ipV6());
  const settings = fc.record({
    version: fc.constant(1),
    hostname: fc.oneof(label, anything),
    network: fc.oneof(
      fc.constant({ mode: 'dhcp' }),
      fc.record(
        {
          mode: fc.constant('static'),
          mac: fc.oneof(fc.constant('52:54:00:12:34:56'), anything),
          address: fc.oneof(
            fc.ipV4().map((address) => `${address}/24`),
            fc.ipV6().map((address) => `${address}/64`),
            anything,
          ),
          gateway: fc.oneof(ip, anything),
          dns: fc.array(fc.oneof(ip, anything), { maxLength: 3 }),
        },
        { requiredKeys: ['mode', 'address', 'dns'] },
      ),
    ),
    operator: fc.record({ passwordHash: fc.oneof(fc.constant(HASH), anything) }),
    ssh: fc.record({ authorizedKeys: fc.array(fc.oneof(fc.constant(KEY), anything), { maxLength: 2 }) }),
  });

  test('what the schema lets through adds no line of its own to any file', () => {
    const counts = { accepted: 0 };
    fc.assert(
      fc.property(settings, (candidate) => {
        const parsed = parseApplianceConfig(JSON.stringify(candidate));
        if (!parsed.ok) return;
        counts.accepted += 1;
        const files = rendered(parsed.config);
        const known =
          /^(\[(Match|Network)\]|(Type|Kind|DHCP|MACAddress|IPv6AcceptRA|LinkLocalAddressing|Address|Gateway|DNS)=[0-9a-zA-Z.:/!*]+|)$/;
        expect(
          files
            .get(NETWORK)!
            .split('\n')
            .filter((line) => !known.test(line)),
        ).toEqual([]);
        expect(files.get('/run/appliance/hostname')).toMatch(/^[a-z0-9.-]+\n$/);
        expect(
          (files.get('/run/appliance/ssh/operator') ?? '').split('\n').filter((line) => line !== ''),
        ).toEqual(parsed.config.ssh.authorizedKeys);
        expect(
          JSON.parse(files.get('/run/userdb/operator.user-privileged')!).privileged.hashedPassword,
        ).toEqual([parsed.config.operator.passwordHash]);
      }),
      { numRuns: 2000 },
    );
    expect(counts.accepted).toBeGreaterThan(20);
  });

  test('every path lies below /run', () => {
    const paths = renderAppliance(
      applianceConfigSchema.parse(config({ ssh: { authorizedKeys: [KEY] } })),
    ).map(({ path }) => path);
    expect(paths.filter((path) => !path.startsWith('/run/') || path.includes('..'))).toEqual([]);
    expect(new Set(paths).size).toBe(paths.length);
  });
});

describe('truthdb-appliance', () => {
  test('refuses an unknown command and an unknown option', async () => {
    expect(await main(['rendre'])).toBe(64);
    expect(await main(['render', '--force'])).toBe(64);
    expect(await main([])).toBe(64);
    expect(await main(['--help'])).toBe(0);
  });
});
