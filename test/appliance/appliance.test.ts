import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findArtefacts } from '../../scripts/appliance/artefacts.ts';
import { newDisk, putDiskAside } from '../../scripts/appliance/disk.ts';
import { answerText, fingerprintFrom } from '../../scripts/appliance/install.ts';
import { findConnection, TERMINAL_RESTORED } from '../../scripts/appliance/interactive.ts';
import { parseOptions } from '../../scripts/appliance/options.ts';
import { makeSecrets, passwordHash, tokenHash } from '../../scripts/appliance/secrets.ts';
import { type InstalledState, nextStage, readState, writeState } from '../../scripts/appliance/state.ts';
import { Screen } from '../../scripts/vm/screen.ts';

const FINGERPRINT = 'ab'.repeat(32);
const state: InstalledState = {
  version: 1,
  image: 'image-1',
  secrets: { operatorPassword: 'p', adminToken: 't' },
  installed: { fingerprint: FINGERPRINT, at: '2026-01-01T00:00:00.000Z' },
};

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(os.tmpdir(), 'truthdb-appliance-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('the flags', () => {
  test('are off unless given', () => {
    expect(parseOptions([])).toEqual({ interactive: false, keep: false, fresh: false, headlessCheck: false });
    expect(parseOptions(['--keep', '--headless-check'])).toMatchObject({ keep: true, headlessCheck: true });
  });

  test.each([
    [['--kep'], '"--kep" is not a flag'],
    [['--keep', '--fresh'], 'contradict each other'],
    [['--interactive', '--headless-check'], 'nobody to install interactively'],
  ])('%j are refused', (args, message) => {
    expect(parseOptions(args)).toContain(message);
  });
});

describe('a run', () => {
  test('begins with an installation when there was none, or none that is understood', () => {
    expect(nextStage(readState(folder), 'image-1', false)).toBe('install');
    writeFileSync(join(folder, 'state.json'), '{"version": 2}');
    expect(nextStage(readState(folder), 'image-1', false)).toBe('install');
  });

  test('goes on with the import after an installation, and with serving after the import', () => {
    writeState(folder, state);
    expect(nextStage(readState(folder), 'image-1', false)).toBe('import');
    writeState(folder, { ...state, imported: { events: 1, sample: 'one' } });
    expect(nextStage(readState(folder), 'image-1', false)).toBe('serve');
  });

  test('installs anew when the image has changed, unless told to keep the disk', () => {
    expect(nextStage(state, 'image-2', false)).toBe('install');
    expect(nextStage(state, 'image-2', true)).toBe('import');
  });

  test('keeps what it remembers from other people of the machine', () => {
    writeState(folder, state);
    expect(statSync(join(folder, 'state.json')).mode & 0o777).toBe(0o600);
  });

  test('puts an old disk aside instead of deleting it', () => {
    expect(putDiskAside(folder)).toBeUndefined();
    writeFileSync(newDisk(folder).path, 'old');
    const aside = putDiskAside(folder);
    newDisk(folder);
    expect(readFileSync(aside!, 'utf8')).toBe('old');
  });
});

describe('the answer', () => {
  test('carries hashes that fit the secrets, and no secret', () => {
    const secrets = makeSecrets();
    const text = answerText({ disk: { serial: 'S1' }, secrets, hostname: 'h' });
    expect(text).not.toContain(secrets.operatorPassword);
    expect(text).not.toContain(secrets.adminToken);
    const answer = JSON.parse(text) as { operator: { passwordHash: string }; adminTokenHash: string };
    expect(answer).toMatchObject({ version: 1, disk: { serial: 'S1' }, hostname: 'h', after: 'poweroff' });
    expect(answer.adminTokenHash).toBe(tokenHash(secrets.adminToken));
    const [, , salt] = answer.operator.passwordHash.split('$');
    // A password may begin with a dash, which an argument may not.
    const again = spawnSync('openssl', ['passwd', '-6', '-salt', salt!, '-stdin'], {
      input: secrets.operatorPassword,
      encoding: 'utf8',
    });
    expect(again.stdout.trim()).toBe(answer.operator.passwordHash);
  });

  test('has a new salt and new secrets each time', () => {
    expect(passwordHash('x')).not.toBe(passwordHash('x'));
    expect(makeSecrets()).not.toEqual(makeSecrets());
  });
});

describe('what the installer shows', () => {
  test('gives the fingerprint, alone or in a connection string', () => {
    expect(fingerprintFrom(`connect: truthdb://TOKEN@host:9650?fp=${FINGERPRINT}\n`)).toBe(FINGERPRINT);
    const colons = FINGERPRINT.toUpperCase().match(/../g)!.join(':');
    expect(fingerprintFrom(`TLS fingerprint (SHA-256): ${colons}\n`.replace(' (SHA-256)', ''))).toBe(
      FINGERPRINT,
    );
    expect(() => fingerprintFrom('nothing')).toThrow('without printing the fingerprint');
  });

  test('gives token and fingerprint from a screen that breaks the line within a frame', () => {
    const token = 'T'.repeat(43);
    const lines = `truthdb://${token}@truthdb.local:9650?fp=${FINGERPRINT}`.match(/.{1,70}/g)!;
    const text = ['┌──┐', ...lines.map((line) => `│ ${line.padEnd(74)} │`), '└──┘'].join('\n');
    expect(findConnection({ text: () => text })).toEqual({ adminToken: token, fingerprint: FINGERPRINT });
    expect(findConnection({ text: () => 'Welcome' })).toBeUndefined();
  });
});

describe('a terminal that is taken from the installer', () => {
  test('goes on below what was drawn, in plain letters', async () => {
    const screen = new Screen(80, 24, () => undefined);
    const drawing = '\x1b[1;20r\x1b[?25l\x1b[?1h\x1b=\x1b[24;1Hlast line\x1b[3;5H\x1b[7m\x1b(0';
    await screen.write(Buffer.from(`${drawing}${TERMINAL_RESTORED}said next`));
    expect(screen.line(22)).toBe('last line');
    expect(screen.line(23)).toBe('said next');
    expect(screen.cell(23, 0)).toMatchObject({ inverse: false, plain: true });
  });
});

describe('the artefacts', () => {
  const files = [
    'truthdb',
    'truthdb-0.1.0.iso',
    'truthdb-0.1.0-unattended.iso',
    'root.squashfs',
    'vmlinuz-runtime',
    'truthdb_0.1.0.efi',
  ];

  test('are found by what they are for', () => {
    for (const file of files) writeFileSync(join(folder, file), '');
    expect(findArtefacts(folder)).toMatchObject({
      iso: join(folder, 'truthdb-0.1.0.iso'),
      unattendedIso: join(folder, 'truthdb-0.1.0-unattended.iso'),
    });
  });

  test('of two versions side by side are refused, and so is a missing one', () => {
    expect(() => findArtefacts(folder)).toThrow('run `npm run build`');
    for (const file of [...files, 'truthdb-0.2.0.iso']) writeFileSync(join(folder, file), '');
    expect(() => findArtefacts(folder)).toThrow('holds several (truthdb-0.1.0.iso, truthdb-0.2.0.iso)');
  });
});
