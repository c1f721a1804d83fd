/**
 * The one line a person carries from server to client: `truthdb://TOKEN@host:port?fp=FINGERPRINT`.
 *
 * With `fp` the server must show exactly that certificate; its name and issuer do not matter then. Without it the
 * certificate must be valid for the host name by the machine's own authorities. `?tls=off` is for benchmarks on the
 * loopback. `truthdb+unix:/path` is the local socket, where file permissions stand in for the token.
 */
import { isIP } from 'node:net';
import { TruthError } from '../errors.ts';
import { DEFAULT_PORT } from './constants.ts';

export type Address =
  | {
      readonly kind: 'tls';
      readonly host: string;
      readonly port: number;
      readonly token: string;
      /** SHA-256 of the certificate's DER, 64 lowercase hexadecimal digits; null: the machine's authorities decide. */
      readonly fingerprint: string | null;
    }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly token: string }
  | { readonly kind: 'unix'; readonly path: string };

const FORM = 'truthdb://TOKEN@host:port?fp=FINGERPRINT (or truthdb+unix:/path/to/truthdb.sock)';
const FINGERPRINT = /^[0-9a-f]{64}$/;

/** Errors: INVALID_ARGUMENT, never showing the token. */
export function parseConnectionString(text: string): Address {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null) throw refused('it is not a URL');
  if (url.protocol === 'truthdb+unix:') return unixAddress(url);
  if (url.protocol !== 'truthdb:') throw refused(`its scheme is "${url.protocol.slice(0, -1)}"`);
  if (url.hostname === '') throw refused('it names no host');
  if (url.pathname !== '' && url.pathname !== '/')
    throw refused('it has a path; there is nothing to name by it yet');
  if (url.password !== '') throw refused('it has a ":" before the "@"; the token stands there alone');
  for (const name of url.searchParams.keys()) {
    if (name !== 'fp' && name !== 'tls') throw refused(`it has the unknown parameter "${name}"`);
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = url.port === '' ? DEFAULT_PORT : Number(url.port);
  const token = decodeURIComponent(url.username);
  return networkAddress({ host, port, token }, url.searchParams);
}

function networkAddress(
  base: { readonly host: string; readonly port: number; readonly token: string },
  parameters: URLSearchParams,
): Address {
  const tls = parameters.get('tls') ?? 'on';
  const fingerprint = parameters.get('fp')?.toLowerCase().replaceAll(':', '') ?? null;
  if (tls !== 'on' && tls !== 'off') throw refused(`tls is "${tls}"; on or off are allowed`);
  if (tls === 'off') {
    if (fingerprint !== null) throw refused('it has both tls=off and a fingerprint');
    return { kind: 'tcp', ...base };
  }
  if (fingerprint !== null && !FINGERPRINT.test(fingerprint)) {
    throw refused('its fp is not a SHA-256 fingerprint of 64 hexadecimal digits');
  }
  return { kind: 'tls', ...base, fingerprint };
}

function unixAddress(url: URL): Address {
  const path = decodeURIComponent(url.pathname);
  if (url.host !== '' || !path.startsWith('/')) throw refused('the path of a local socket must be absolute');
  return { kind: 'unix', path };
}

export function formatConnectionString(address: Address): string {
  if (address.kind === 'unix') return `truthdb+unix:${encodeURI(address.path)}`;
  const host = isIP(address.host) === 6 ? `[${address.host}]` : address.host;
  const token = address.token === '' ? '' : `${encodeURIComponent(address.token)}@`;
  const base = `truthdb://${token}${host}:${address.port}`;
  if (address.kind === 'tcp') return `${base}?tls=off`;
  return address.fingerprint === null ? base : `${base}?fp=${address.fingerprint}`;
}

function refused(why: string): TruthError {
  return new TruthError(
    'INVALID_ARGUMENT',
    `the connection string cannot be used: ${why}. Its form is ${FORM}`,
  );
}
