/**
 * The settings of an appliance: `config.json` on the state partition. The installer writes it, `truthdb-appliance render` turns
 * it into files under /run at every boot, and both go through this schema, so what one writes the other understands.
 *
 * Every string here ends up in a configuration file of another program: each is held to a shape without blanks, quotes or line
 * breaks, so that rendering cannot be made to say more than the field means.
 */

import { BlockList, isIP, isIPv6 } from 'node:net';
import { z } from 'zod';

/** Longest host name Linux keeps is 64 bytes (uname(2), HOST_NAME_MAX). */
const HOSTNAME_LENGTH_MAX = 64;
const HOSTNAME_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Key types OpenSSH 9 accepts for log-in by default; the certificate types are left out, the image has no CA. */
const SSH_KEY_TYPES = [
  'ssh-ed25519',
  'ssh-rsa',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com',
];

export const hostnameSchema = z
  .string()
  .refine(
    (name) =>
      name.length <= HOSTNAME_LENGTH_MAX && name.split('.').every((label) => HOSTNAME_LABEL.test(label)),
    {
      error:
        'a host name is made of lower case letters, digits and hyphens, in labels of 1 to 63 joined by dots, 64 characters at most',
    },
  );

const ipAddressSchema = z.string().refine((address) => isIP(address) !== 0 && !address.includes('%'), {
  error: 'an IP address like 192.0.2.10 or 2001:db8::10',
});

/** Address with prefix length, like 192.0.2.10/24 or 2001:db8::10/64. */
const interfaceAddressSchema = z.string().refine((text) => parseInterfaceAddress(text) !== undefined, {
  error: 'an address with its prefix length, like 192.0.2.10/24 or 2001:db8::10/64',
});

const macAddressSchema = z.string().regex(/^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/, {
  error: 'a MAC address is six pairs of lower case hexadecimal digits joined by colons',
});

const dhcpSchema = z.strictObject({ mode: z.literal('dhcp') });

const staticSchema = z
  .strictObject({
    mode: z.literal('static'),
    /** Interface this address belongs to; absent: every Ethernet interface of the machine. */
    mac: macAddressSchema.optional(),
    address: interfaceAddressSchema,
    /** Absent on a network without a router. */
    gateway: ipAddressSchema.optional(),
    dns: z.array(ipAddressSchema).max(8),
  })
  .refine((network) => network.gateway === undefined || gatewayFits(network.address, network.gateway), {
    error:
      'the gateway must lie in the network of the address (or be link-local for IPv6), and be another address',
    path: ['gateway'],
  });

export const networkSchema = z.discriminatedUnion('mode', [dhcpSchema, staticSchema]);

/** crypt(5) hashes: `$6$` SHA-512 with optional rounds, `$y$` yescrypt. */
export const passwordHashSchema = z
  .string()
  .regex(
    /^(?:\$6\$(?:rounds=\d{4,9}\$)?[./0-9A-Za-z]{8,16}\$[./0-9A-Za-z]{86}|\$y\$[./0-9A-Za-z]+\$[./0-9A-Za-z]{1,86}\$[./0-9A-Za-z]{43})$/,
    {
      error:
        'a crypt hash that starts with $6$ (SHA-512) or $y$ (yescrypt), as `openssl passwd -6` or `mkpasswd` prints it',
    },
  );

/** One line of authorized_keys without options: type, key, comment. */
export const authorizedKeySchema = z
  .string()
  .max(16_384)
  .refine(isAuthorizedKey, {
    error: `an SSH public key in one line, "type key comment" without options, of type ${SSH_KEY_TYPES.join(', ')}`,
  });

export const applianceConfigSchema = z.strictObject({
  version: z.literal(1),
  hostname: hostnameSchema,
  network: networkSchema,
  operator: z.strictObject({ passwordHash: passwordHashSchema }),
  /** sshd runs only when there is a key, and accepts keys only. */
  ssh: z.strictObject({ authorizedKeys: z.array(authorizedKeySchema).max(32) }),
});

export type ApplianceConfig = z.infer<typeof applianceConfigSchema>;
export type NetworkConfig = ApplianceConfig['network'];

export type ApplianceConfigResult =
  | { readonly ok: true; readonly config: ApplianceConfig }
  | { readonly ok: false; readonly errors: readonly string[] };

/**
 * Reads the text of config.json. Total: whatever the bytes, the answer is a configuration or the list of what is wrong with it,
 * each as "path: rule".
 */
export function parseApplianceConfig(text: string): ApplianceConfigResult {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return {
      ok: false,
      errors: [`config.json: not JSON: ${error instanceof Error ? error.message : String(error)}`],
    };
  }
  const result = applianceConfigSchema.safeParse(json);
  if (result.success) return { ok: true, config: result.data };
  return {
    ok: false,
    errors: result.error.issues.map((issue) => `${['config', ...issue.path].join('.')}: ${issue.message}`),
  };
}

/** The text the installer writes: stable key order, one trailing line break. */
export function formatApplianceConfig(config: ApplianceConfig): string {
  return `${JSON.stringify(applianceConfigSchema.parse(config), undefined, 2)}\n`;
}

interface InterfaceAddress {
  readonly address: string;
  readonly family: 'ipv4' | 'ipv6';
  readonly prefix: number;
}

/** Splits "address/prefix"; undefined when either half is not one. */
export function parseInterfaceAddress(text: string): InterfaceAddress | undefined {
  const match = /^([0-9a-fA-F.:]+)\/(\d{1,3})$/.exec(text);
  const address = match?.[1];
  if (address === undefined || isIP(address) === 0) return undefined;
  const family = isIPv6(address) ? 'ipv6' : 'ipv4';
  const prefix = Number(match?.[2]);
  if (prefix < 1 || prefix > (family === 'ipv6' ? 128 : 32)) return undefined;
  return { address, family, prefix };
}

function gatewayFits(interfaceAddress: string, gateway: string): boolean {
  const parsed = parseInterfaceAddress(interfaceAddress);
  if (parsed === undefined || isIP(gateway) === 0) return true; // Said already by the field's own rule.
  const family = isIPv6(gateway) ? 'ipv6' : 'ipv4';
  if (family !== parsed.family) return false;
  const network = new BlockList();
  network.addSubnet(parsed.address, parsed.prefix, parsed.family);
  if (family === 'ipv6') network.addSubnet('fe80::', 10, 'ipv6');
  const self = new BlockList();
  self.addAddress(parsed.address, parsed.family);
  return network.check(gateway, family) && !self.check(gateway, family);
}

/** The base64 part repeats the type as its first field (RFC 4253 §6.6): checking it catches a key pasted only in part. */
function isAuthorizedKey(line: string): boolean {
  const match = /^(\S+) ([A-Za-z0-9+/]+={0,2})(?: [\x20-\x7e]*)?$/.exec(line);
  const type = match?.[1];
  if (type === undefined || !SSH_KEY_TYPES.includes(type)) return false;
  const fields = sshFields(Buffer.from(match?.[2] ?? '', 'base64'));
  return fields !== undefined && fields.length >= 2 && fields[0]?.toString('latin1') === type;
}

/** The length-prefixed fields of an SSH key blob; undefined when the lengths do not add up to the whole. */
function sshFields(blob: Buffer): Buffer[] | undefined {
  const fields: Buffer[] = [];
  let offset = 0;
  while (offset < blob.length) {
    if (offset + 4 > blob.length) return undefined;
    const end = offset + 4 + blob.readUInt32BE(offset);
    if (end > blob.length) return undefined;
    fields.push(blob.subarray(offset + 4, end));
    offset = end;
  }
  return fields;
}
