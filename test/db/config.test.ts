import { expect, test } from 'vitest';
import {
  CONFIG_DEFAULTS,
  isLoopback,
  resolveConfig,
  SETTINGS,
  unknownVariables,
  variableOf,
} from '../../db/config.ts';

const NOTHING = { file: null, environment: {}, flags: {} };

test('without anything the defaults hold', () => {
  expect(resolveConfig(NOTHING)).toEqual(CONFIG_DEFAULTS);
});

test('file, environment and flags win in that order', () => {
  const file = { name: 'f', content: { listen: { port: 1 } } };
  expect(resolveConfig({ ...NOTHING, file }).listen).toEqual({ host: '*', port: 1, tls: 'on' });
  const environment = { TRUTHDB_LISTEN_PORT: '2' };
  expect(resolveConfig({ ...NOTHING, file, environment }).listen.port).toBe(2);
  expect(resolveConfig({ file, environment, flags: { port: '3' } }).listen.port).toBe(3);
});

test.each([
  [{ prot: 1 }, 'unknown key prot'],
  [{ listen: { prot: 1 } }, 'unknown key listen.prot'],
  [{ listen: { port: 70_000 } }, 'listen.port'],
  [{ listen: { port: '1' } }, 'listen.port'],
  [{ limits: { inFlight: 0 } }, 'limits.inFlight'],
  [{ http: 'no' }, 'http'],
  [{ log: { durability: 'never' } }, 'log.durability'],
  [{ snapshots: { keep: 0 } }, 'snapshots.keep'],
  [{ snapshots: { everyBytes: -1 } }, 'snapshots.everyBytes'],
  [{ snapshots: { every: 1 } }, 'snapshots.every'],
  [[], 'expected object'],
])('the file %j is refused and the key named', (content, named) => {
  const resolve = () => resolveConfig({ ...NOTHING, file: { name: 'truthdb.json', content } });
  expect(resolve).toThrow(expect.objectContaining({ code: 'CONFIG' }));
  expect(resolve).toThrow(named);
  expect(resolve).toThrow('truthdb.json');
});

test('a wrong value of a flag or variable is refused and the flag or variable named', () => {
  expect(() => resolveConfig({ ...NOTHING, flags: { port: 'x' } })).toThrow(/--port is "x"/);
  expect(() => resolveConfig({ ...NOTHING, environment: { TRUTHDB_LISTEN_PORT: '-1' } })).toThrow(
    /TRUTHDB_LISTEN_PORT is "-1"/,
  );
});

test('TLS cannot be turned off where others could listen', () => {
  expect(() => resolveConfig({ ...NOTHING, flags: { tls: 'off' } })).toThrow(/readable/);
  expect(resolveConfig({ ...NOTHING, flags: { tls: 'off', host: '127.0.0.1' } }).listen.tls).toBe('off');
  expect(() => resolveConfig({ ...NOTHING, flags: { 'http-tls': 'off' } })).toThrow(/readable/);
  expect(resolveConfig({ ...NOTHING, flags: { 'http-tls': 'off', 'http-host': '::1' } }).http.tls).toBe(
    'off',
  );
});

test('roles is reserved: all of them or none', () => {
  const roles = (list: string[]) => ({ ...NOTHING, file: { name: 'f', content: { roles: list } } });
  expect(() => resolveConfig(roles(['ingest']))).toThrow(/roles is reserved/);
  expect(() => resolveConfig(roles(['cook']))).toThrow(/roles/);
  expect(resolveConfig(roles(['ingest', 'compute', 'query', 'replay'])).roles).toHaveLength(4);
});

test('every setting has a flag or variable of its own and stands in the defaults', () => {
  const names = SETTINGS.flatMap((setting) => [
    variableOf(setting),
    ...(setting.flag === null ? [] : [setting.flag]),
  ]);
  expect(new Set(names).size).toBe(names.length);
  expect(variableOf(SETTINGS.find(({ key }) => key === 'limits.inFlight')!)).toBe('TRUTHDB_LIMITS_IN_FLIGHT');
});

test('variables that mean nothing are found', () => {
  const environment = { TRUTHDB_LISTEN_PROT: '1', TRUTHDB_URL: 'x', TRUTHDB_DATA: 'd', PATH: 'p' };
  expect(unknownVariables(environment, ['TRUTHDB_URL'])).toEqual(['TRUTHDB_LISTEN_PROT']);
});

test.each([
  ['localhost', true],
  ['127.0.0.1', true],
  ['127.1.2.3', true],
  ['::1', true],
  ['*', false],
  ['0.0.0.0', false],
  ['127.example.org', false],
])('%s is a loopback address: %s', (host, loopback) => {
  expect(isLoopback(host)).toBe(loopback);
});
