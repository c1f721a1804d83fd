/** What a TPM answers, in shapes that a real one hardly gives. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TruthError } from '../../../db/errors.ts';
import type { Channel } from '../../../db/io/index.ts';
import { readKekSource } from '../../../db/tenancy/keys/index.ts';
import { parseTpmAddress } from '../../../db/tenancy/keys/tpm/index.ts';
import {
  checkFamily,
  createPrimary,
  createSealed,
  policyDigest,
  startSession,
  unseal,
} from '../../../db/tenancy/keys/tpm/tpm-commands.ts';
import { TpmDevice } from '../../../db/tenancy/keys/tpm/tpm-device.ts';
import { MemoryDisk } from '../wal/memory-disk.ts';

const SECRET = Buffer.from('a key of thirty-two whole bytes!');

/** Gives these answers in turn, in pieces of so many bytes. */
function answering(answers: readonly Uint8Array[], piece = 4096): { channel: Channel; commands: Buffer[] } {
  const commands: Buffer[] = [];
  let left: Uint8Array = new Uint8Array();
  return {
    commands,
    channel: {
      write: (bytes) => {
        left = answers[commands.length] ?? new Uint8Array();
        commands.push(Buffer.from(bytes));
      },
      read: (target, at) => {
        const part = left.subarray(0, Math.min(piece, target.length - at));
        target.set(part, at);
        left = left.subarray(part.length);
        return part.length;
      },
      close: () => {},
    },
  };
}

function answer(tag: number, response: number, body = ''): Buffer {
  const bytes = Buffer.from(body, 'hex');
  const head = Buffer.alloc(10);
  head.writeUInt16BE(tag, 0);
  head.writeUInt32BE(10 + bytes.length, 2);
  head.writeUInt32BE(response, 6);
  return Buffer.concat([head, bytes]);
}

const refused = (code: number) => answer(0x8001, code);

describe('a command', () => {
  test('goes out as the specification has it, and its answer may come in pieces', () => {
    // Handle, length of the parameters, what they are.
    const made = answer(0x8002, 0, '80000001 00000002 0000'.replaceAll(' ', ''));
    const { channel, commands } = answering([made], 3);
    expect(createPrimary(new TpmDevice(channel, 'tpm'))).toBe(0x8000_0001);
    const zeros = '00'.repeat(32);
    expect(commands[0]?.toString('hex')).toBe(
      [
        ...['8002', '00000083', '00000131', '40000001', '00000009', '40000009', '0000', '00', '0000'],
        ...[
          '0004',
          '0000',
          '0000',
          '005a',
          '0023',
          '000b',
          '00030472',
          '0000',
          '0006',
          '0080',
          '0043',
          '0010',
        ],
        ...['0003', '0010', '0020', zeros, '0020', zeros, '0000', '00000000'],
      ].join(''),
    );
  });

  test('that the TPM wants to hear again is sent again, not for ever', () => {
    const retry = refused(0x922);
    const session = answer(0x8001, 0, '03000000');
    const { channel, commands } = answering([retry, retry, session]);
    expect(startSession(new TpmDevice(channel, 'tpm'), 3, new Uint8Array(16))).toBe(0x0300_0000);
    expect(commands).toHaveLength(3);
    expect(commands[2]).toEqual(commands[0]);
    const never = answering(Array.from({ length: 40 }, () => retry));
    expect(() => startSession(new TpmDevice(never.channel, 'tpm'), 3, new Uint8Array(16))).toThrow(
      /stayed so/,
    );
    expect(never.commands.length).toBeLessThan(40);
  });

  test.each([
    [0x921, /locked out.*wait/],
    [0x99d, /PCRs.*key import/],
    [0x128, /measured/],
    [0x1df, /cleared since.*key import/],
    [0x9a2, /owner hierarchy has a password/],
    [0x985, /switched off in the firmware/],
    [0x100, /not started/],
    [0x101, /failure mode/],
    [0x902, /resource manager/],
    [0x1c4, /specification/],
  ])('that is refused with 0x%s says what to do', (code, words) => {
    const { channel } = answering([refused(code)]);
    const asked = () => createPrimary(new TpmDevice(channel, '/dev/tpmrm0'));
    expect(asked).toThrow(expect.objectContaining({ code: 'KEY_UNAVAILABLE' }));
    expect(asked).not.toThrow(/undefined/);
    const again = answering([refused(code)]);
    expect(() => createPrimary(new TpmDevice(again.channel, '/dev/tpmrm0'))).toThrow(words);
  });

  test('to something that is no TPM 2.0 is refused', () => {
    const one = answering([answer(0x00c4, 0x1e)]);
    expect(() => checkFamily(new TpmDevice(one.channel, 'tpm'))).toThrow(/no TPM 2\.0/);
    const other = answering([
      answer(0x8001, 0, ['00', '00000006', '00000001', '00000100', '312e3200'].join('')),
    ]);
    expect(() => checkFamily(new TpmDevice(other.channel, 'tpm'))).toThrow(/not of the family 2\.0/);
  });
});

test('whatever comes back, errors are of the family, within bounds, and say nothing of the secret', () => {
  const asks = [
    (device: TpmDevice) => checkFamily(device),
    (device: TpmDevice) => createPrimary(device),
    (device: TpmDevice) => createSealed(device, 1, SECRET, null),
    (device: TpmDevice) => unseal(device, 1, null),
    (device: TpmDevice) => policyDigest(device, 1),
  ];
  const tag = fc.constantFrom(0x8001, 0x8002, 0x00c4, 0);
  const code = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 0xffff_ffff }));
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.constant(SECRET),
    fc.uint8Array({ maxLength: 5000 }),
  );
  const size = fc.option(fc.integer({ min: 0, max: 0xffff_ffff }));
  fc.assert(
    fc.property(
      tag,
      code,
      body,
      size,
      fc.nat(asks.length - 1),
      fc.integer({ min: 1, max: 4096 }),
      (...given) => {
        const [tagged, response, bytes, said, which, piece] = given;
        const whole = answer(tagged, response, Buffer.from(bytes).toString('hex'));
        if (said !== null) whole.writeUInt32BE(said, 2);
        const { channel } = answering(
          Array.from({ length: 2 }, () => whole),
          piece,
        );
        try {
          asks[which]!(new TpmDevice(channel, 'tpm'));
        } catch (error) {
          expect(error).toBeInstanceOf(TruthError);
          expect(error).toMatchObject({ code: 'KEY_UNAVAILABLE' });
          expect(
            JSON.stringify([(error as TruthError).message, (error as TruthError).details]),
          ).not.toContain('thirty-two');
        }
      },
    ),
    { numRuns: 400 },
  );
});

test.each(['tpmrm0', 'unix:socket', 'tcp:0', 'tcp:70000', 'tcp:10.0.0.1:5', 'unix:', ''])(
  '"%s" names no TPM',
  (text) => {
    expect(() => parseTpmAddress(text)).toThrow(expect.objectContaining({ code: 'CONFIG' }));
  },
);

test('settings name one place for the key, and PCRs only with a TPM', () => {
  const none = { keyFile: '', passphraseFile: '', tpm: '', tpmPcrs: [] };
  const disk = new MemoryDisk();
  expect(readKekSource(disk, none)).toBeNull();
  expect(readKekSource(disk, { ...none, tpm: '/dev/tpmrm0', tpmPcrs: [7, 0, 7] })).toMatchObject({
    from: 'tpm',
    pcrs: [0, 7],
  });
  for (const wrong of [
    { ...none, keyFile: '/kek', tpm: '/dev/tpmrm0' },
    { ...none, keyFile: '/kek', passphraseFile: '/p' },
    { ...none, tpmPcrs: [7] },
    { ...none, tpm: 'tpm0' },
  ]) {
    expect(() => readKekSource(disk, wrong)).toThrow(expect.objectContaining({ code: 'CONFIG' }));
  }
});
