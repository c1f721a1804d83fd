import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ApplianceConfig,
  formatApplianceConfig,
  parseApplianceConfig,
} from '../../installer/appliance-config.ts';

const HASH = `$6$saltsaltsalt$${'A'.repeat(86)}`;

function sshKey(type = 'ssh-ed25519', ...fields: Buffer[]): string {
  const parts = [Buffer.from(type), ...(fields.length === 0 ? [Buffer.alloc(32, 7)] : fields)];
  const blob = Buffer.concat(
    parts.map((part) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(part.length);
      return Buffer.concat([length, part]);
    }),
  );
  return `${type} ${blob.toString('base64')} somebody@example.org`;
}

function config(changes: Record<string, unknown> = {}): unknown {
  return {
    version: 1,
    hostname: 'db1',
    network: { mode: 'dhcp' },
    operator: { passwordHash: HASH },
    ssh: { authorizedKeys: [] },
    ...changes,
  };
}

function errorsOf(value: unknown): readonly string[] {
  const result = parseApplianceConfig(JSON.stringify(value));
  return result.ok ? [] : result.errors;
}

describe('config.json', () => {
  it('comes back as it was written', () => {
    const written: ApplianceConfig = {
      version: 1,
      hostname: 'db1.example.org',
      network: {
        mode: 'static',
        mac: '52:54:00:12:34:56',
        address: '192.0.2.10/24',
        gateway: '192.0.2.1',
        dns: ['192.0.2.53'],
      },
      operator: { passwordHash: HASH },
      ssh: { authorizedKeys: [sshKey()] },
    };
    expect(parseApplianceConfig(formatApplianceConfig(written))).toEqual({ ok: true, config: written });
  });

  it('accepts a yescrypt hash, IPv6, a link-local gateway and a network without a router', () => {
    expect(
      errorsOf(config({ operator: { passwordHash: `$y$j9T$saltsaltsaltsalt$${'b'.repeat(43)}` } })),
    ).toEqual([]);
    const ipv6 = { mode: 'static', address: '2001:db8::10/64', dns: [] };
    expect(errorsOf(config({ network: { ...ipv6, gateway: 'fe80::1' } }))).toEqual([]);
    expect(errorsOf(config({ network: ipv6 }))).toEqual([]);
  });

  it.each([
    ['a line break in the host name', { hostname: 'db1\nroot' }, 'config.hostname'],
    ['a host name of 65 characters', { hostname: `${'a'.repeat(63)}.b` }, 'config.hostname'],
    [
      'an address without its prefix length',
      { network: { mode: 'static', address: '192.0.2.10', dns: [] } },
      'config.network.address',
    ],
    [
      'a prefix length past the family',
      { network: { mode: 'static', address: '192.0.2.10/33', dns: [] } },
      'config.network.address',
    ],
    [
      'a gateway outside the network',
      { network: { mode: 'static', address: '192.0.2.10/24', gateway: '198.51.100.1', dns: [] } },
      'config.network.gateway',
    ],
    [
      'a gateway that is the machine itself',
      { network: { mode: 'static', address: '192.0.2.10/24', gateway: '192.0.2.10', dns: [] } },
      'config.network.gateway',
    ],
    [
      'a clear-text password',
      { operator: { passwordHash: 'correct horse' } },
      'config.operator.passwordHash',
    ],
    [
      'an MD5 hash',
      { operator: { passwordHash: '$1$abc$0123456789012345678901' } },
      'config.operator.passwordHash',
    ],
    [
      'an SSH key with options',
      { ssh: { authorizedKeys: [`command="sh" ${sshKey()}`] } },
      'config.ssh.authorizedKeys.0',
    ],
    [
      'an SSH key cut short',
      { ssh: { authorizedKeys: [sshKey().slice(0, 60)] } },
      'config.ssh.authorizedKeys.0',
    ],
    [
      'an SSH key followed by another line',
      { ssh: { authorizedKeys: [`${sshKey()}\nssh-rsa`] } },
      'config.ssh.authorizedKeys.0',
    ],
    [
      'an SSH key of another type than it says',
      { ssh: { authorizedKeys: [sshKey().replace('ssh-ed25519', 'ssh-rsa')] } },
      'config.ssh',
    ],
    ['a key nobody knows', { timezone: 'UTC' }, 'config'],
    ['another version', { version: 2 }, 'config.version'],
  ])('refuses %s and names where', (_name, changes, path) => {
    const errors = errorsOf(config(changes));
    expect(errors.length).toBeGreaterThan(0);
    expect(errors[0]).toContain(path);
  });

  it('answers any text at all without throwing', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const result = parseApplianceConfig(text);
        expect(result.ok || result.errors.length > 0).toBe(true);
      }),
    );
  });
});
