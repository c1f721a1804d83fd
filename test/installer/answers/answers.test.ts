import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import publishedSchema from '../../../installer/answer.schema.json' with { type: 'json' };
import { answerJsonSchema, parseAnswer } from '../../../installer/answers/index.ts';
import { matchDisk } from '../../../installer/answers/match.ts';
import { type AnswerVolume, chooseSource, parseVolumes } from '../../../installer/answers/source.ts';
import { planUnattended } from '../../../installer/engine/unattended.ts';
import { disksOf, machineNames } from '../disks/machines.ts';
import { payload } from '../examples.ts';

const FOLDER = new URL('../fixtures/answers/', import.meta.url);

interface Expected {
  readonly machine: string;
  readonly disk?: string;
  readonly code?: string;
  readonly error?: string;
}

function loadAnswer(name: string): { readonly text: string; readonly expected: Expected } {
  const read = (file: string) => readFileSync(new URL(`${name}/${file}`, FOLDER), 'utf8');
  return { text: read('answer.json'), expected: JSON.parse(read('expected.json')) as Expected };
}

const names = readdirSync(FOLDER).sort();
const plan = (text: string, machine: string) =>
  planUnattended({ source: 'fixture', text }, disksOf(machine), payload);

describe('an answer that is good', () => {
  it.each(names.filter((name) => name.startsWith('good-')))('%s names its disk', (name) => {
    const { text, expected } = loadAnswer(name);
    expect(plan(text, expected.machine).plan.disk.path).toBe(expected.disk);
  });

  it('needs nothing but disk, password hash, token hash and what follows', () => {
    const { text } = loadAnswer('good-empty-disk-by-serial');
    expect(plan(text, 'nvme')).toMatchObject({
      after: 'poweroff',
      plan: {
        settings: { config: { hostname: 'truthdb', network: { mode: 'dhcp' }, ssh: { authorizedKeys: [] } } },
      },
    });
  });

  it('carries its settings over', () => {
    const { text } = loadAnswer('good-everything-given');
    expect(plan(text, 'nvme')).toMatchObject({
      after: 'reboot',
      plan: { settings: { config: { hostname: 'db1.example.org', network: { address: '192.0.2.10/24' } } } },
    });
  });
});

describe('an answer that is bad', () => {
  it.each(names.filter((name) => name.startsWith('bad-')))('%s is refused with the exact error', (name) => {
    const { text, expected } = loadAnswer(name);
    expect(() => plan(text, expected.machine)).toThrow(
      expect.objectContaining({ code: expected.code, message: expected.error }),
    );
  });

  it('never has its values repeated where a secret may have slipped in', () => {
    const { text } = loadAnswer('good-empty-disk-by-serial');
    const secret = 'hunter2hunter2';
    const slips = [
      text.replace(/"passwordHash": "[^"]*"/, `"passwordHash": "${secret}"`),
      text.replace('{', `{ ${secret}`),
    ];
    for (const slip of slips) {
      expect(() => parseAnswer(slip)).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining(secret) }),
      );
    }
  });

  it('is refused whatever its bytes, never by another error', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(() => parseAnswer(text)).toThrow(expect.objectContaining({ code: 'ANSWER_INVALID' }));
      }),
    );
  });
});

describe('matching', () => {
  it('only ever yields an eligible disk of this machine alone, empty or named by its content', () => {
    const { text } = loadAnswer('good-empty-disk-by-serial');
    const answer = parseAnswer(text);
    for (const machine of machineNames) {
      const disks = disksOf(machine);
      for (const disk of disks) {
        const keys = {
          ...(disk.serial === '' ? {} : { serial: disk.serial }),
          ...(disk.wwn === '' ? {} : { wwn: disk.wwn }),
        };
        for (const contentFingerprint of [undefined, disk.contents.fingerprint]) {
          const wanted = {
            ...answer,
            disk: contentFingerprint === undefined ? keys : { ...keys, contentFingerprint },
          };
          try {
            const found = matchDisk(wanted, disks);
            expect(found).toBe(disk);
            expect(found.ineligible).toEqual([]);
            expect(found.shared).toBe(false);
            expect(found.contents.state === 'empty' || contentFingerprint !== undefined).toBe(true);
          } catch (error) {
            expect(error).toMatchObject({ code: 'ANSWER_DISK' });
          }
        }
      }
    }
  });
});

describe('the source of an answer', () => {
  const stick: AnswerVolume = { device: '/dev/sdb1', fileSystem: 'vfat' };

  it('is the one volume with our label, or fw_cfg', () => {
    expect(chooseSource([stick], false)).toBe(stick);
    expect(chooseSource([], true)).toBe('fw_cfg');
  });

  it.each([
    [
      'two volumes',
      [stick, { device: '/dev/sr1', fileSystem: 'iso9660' }],
      false,
      /^2 volumes are labelled TRUTHDB-ANS: \/dev\/sdb1 and \/dev\/sr1/,
    ],
    ['a volume and fw_cfg', [stick], true, /^an answer is on \/dev\/sdb1 and another in fw_cfg/],
    ['neither', [], false, /^no volume is labelled TRUTHDB-ANS/],
    [
      'a file system we do not read',
      [{ device: '/dev/sdb1', fileSystem: 'ntfs' }],
      false,
      /^\/dev\/sdb1 carries ntfs/,
    ],
  ] as const)('is refused for %s', (_name, volumes, firmware, message) => {
    expect(() => chooseSource(volumes, firmware)).toThrow(
      expect.objectContaining({ code: 'ANSWER_SOURCE', message: expect.stringMatching(message) }),
    );
  });

  it('is read out of what blkid prints', () => {
    const text =
      'DEVNAME=/dev/sdb1\nLABEL_FATBOOT=TRUTHDB-ANS\nLABEL=TRUTHDB-ANS\nUUID=1234-5678\nTYPE=vfat\n\nDEVNAME=/dev/sdc\nLABEL=OTHER\nTYPE=ext4\n';
    expect(parseVolumes(text)).toEqual([stick]);
  });
});

describe('the published schema', () => {
  it('is the one the installer checks by', () => {
    expect(publishedSchema).toEqual(JSON.parse(JSON.stringify(answerJsonSchema())));
  });
});
