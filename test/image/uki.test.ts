import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bootImage, bootSector } from '../../image/boot-sector.ts';
import { installerCommandLine, runtimeCommandLine } from '../../image/command-line.ts';
import { espGeometry } from '../../image/esp.ts';
import { type PeFile, placeSections, readPe } from '../../image/pe.ts';
import { drawSplash } from '../../image/splash.ts';
import { buildUki } from '../../image/uki.ts';

const stub: PeFile = {
  imageBase: 0x10000,
  sectionAlignment: 4096,
  sections: [
    { name: '.text', address: 0x4000, size: 0xbff0 },
    { name: '.sdmagic', address: 0x19100, size: 0x34 },
  ],
};

describe('places of sections in a kernel image', () => {
  test('they start on pages behind the stub, in order, and never overlap', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 300_000_000 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(sizes, (bytes) => {
        const wanted = bytes.map((size, index) => ({ name: `.s${index}`, size }));
        const placed = placeSections(stub, wanted);
        let free = stub.imageBase + 0x19134;
        for (const [index, { address }] of placed.entries()) {
          expect(address % 4096).toBe(0);
          expect(address).toBeGreaterThanOrEqual(free);
          free = address + bytes[index]!;
        }
      }),
    );
  });

  test('a file that is no PE is refused', () => {
    expect(() => readPe(Buffer.alloc(512))).toThrow('not a 64-bit PE file');
  });
});

describe('a kernel image', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'truthdb-uki-test-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('carries its parts byte by byte, and is the same bytes every time', async () => {
    const parts = {
      stub: minimalPe(),
      osRelease: 'ID=truthdb\n',
      commandLine: 'quiet roothash=00',
      splash: Buffer.from('BM'),
      initrd: [Buffer.alloc(5000, 1), Buffer.alloc(3, 2)],
      kernel: Buffer.alloc(20_000, 3),
    };
    const first = readFileSync(await buildUki({ directory: join(folder, 'a') }, 'test', parts));
    const second = readFileSync(await buildUki({ directory: join(folder, 'b') }, 'test', parts));
    expect(second).toEqual(first);
    writeFileSync(join(folder, 'image'), first);
    const section = (name: string) => {
      execFileSync('objcopy', [
        '-O',
        'binary',
        `--only-section=${name}`,
        join(folder, 'image'),
        join(folder, 'part'),
      ]);
      return readFileSync(join(folder, 'part'));
    };
    expect(section('.cmdline').toString()).toBe(parts.commandLine);
    expect(section('.initrd')).toEqual(Buffer.concat(parts.initrd));
    expect(section('.linux')).toEqual(parts.kernel);
  });
});

describe('command lines', () => {
  const rootHash = 'ab'.repeat(32);

  test('the runtime is bound to its root hash and looks for nothing else', () => {
    const words = runtimeCommandLine({ rootHash, version: '1.2.3' }).split(' ');
    expect(words).toContain(`roothash=${rootHash}`);
    expect(words).toContain('systemd.gpt_auto=0');
    expect(words).toContain('systemd.verity=0');
    expect(words).toContain('ro');
  });

  test('the screen is /dev/console and serial lines see everything too', () => {
    const consoles = installerCommandLine('interactive', '1')
      .split(' ')
      .filter((word) => word.startsWith('console='));
    expect(consoles).toEqual(['console=ttyS0,115200', 'console=tty0']);
  });

  test('the unattended medium adds one word', () => {
    const interactive = installerCommandLine('interactive', '1');
    expect(installerCommandLine('unattended', '1')).toBe(`${interactive} truthdb.unattended=1`);
    expect(interactive).not.toContain('unattended');
  });
});

describe('the ESP of a medium', () => {
  test('is FAT32 with the largest clusters its files allow, and holds them', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 900_000_000 }), (bytes) => {
        const { clusterSectors, bytes: size } = espGeometry([bytes]);
        const clusters = size / (clusterSectors * 512);
        expect(clusters).toBeGreaterThanOrEqual(65_525);
        expect(size).toBeGreaterThan(bytes);
        expect(size % (1024 * 1024)).toBe(0);
        const larger = Math.ceil(bytes / (clusterSectors * 1024));
        if (clusterSectors < 64) expect(larger).toBeLessThan(65_525 + 32);
      }),
    );
  });
});

describe('the sentence for BIOS machines', () => {
  test('fits a master boot record and ends its text with a zero', () => {
    expect(bootSector().length).toBeLessThanOrEqual(440);
    expect(bootSector().at(-1)).toBe(0);
    expect(bootSector().toString('latin1')).toContain('TruthDB needs UEFI firmware');
    expect(bootImage()).toHaveLength(2048);
    expect(bootImage().readUInt16LE(510)).toBe(0xaa55);
  });

  test('breaks its lines before the screen does', () => {
    const lines = bootSector().toString('latin1').split('TruthDB needs')[1]?.split('\r\n') ?? [];
    expect(lines.map((line) => line.length).filter((length) => length > 79)).toEqual([]);
    expect(lines.length).toBeGreaterThan(3);
  });

  test('adds the right distance to find its text', () => {
    const sector = bootSector();
    const here = sector.indexOf(Buffer.from([0xe8, 0, 0])) + 3;
    const add = sector.indexOf(Buffer.from([0x83, 0xc6]));
    expect(here + sector[add + 2]!).toBe(sector.indexOf('\r\n\r\nTruthDB'));
  });

  test('is the code its table says', () => {
    const folder = mkdtempSync(join(tmpdir(), 'truthdb-mbr-'));
    writeFileSync(join(folder, 'sector'), bootSector());
    const listing = execFileSync(
      'objdump',
      ['-D', '-b', 'binary', '-m', 'i8086', '-M', 'intel', join(folder, 'sector')],
      { encoding: 'utf8' },
    );
    rmSync(folder, { recursive: true });
    const code = listing
      .split('\n')
      .map((line) => line.split('\t').slice(2).join(' ').trim())
      .filter((line) => line !== '')
      .slice(0, 21);
    expect(code).toEqual([
      'cli',
      'xor    ax,ax',
      'mov    ss,ax',
      'mov    sp,0x7c00',
      'mov    ax,cs',
      'mov    ds,ax',
      'sti',
      'cld',
      'call   0x11',
      'pop    si',
      'add    si,0x18',
      'lods   al,BYTE PTR ds:[si]',
      'test   al,al',
      'je     0x23',
      'mov    ah,0xe',
      'mov    bx,0x7',
      'int    0x10',
      'jmp    0x15',
      'xor    ax,ax',
      'int    0x16',
      'int    0x18',
    ]);
  });
});

describe('the splash', () => {
  test('is a 24-bit bitmap of its own size with something drawn on black', () => {
    const bitmap = drawSplash();
    expect(bitmap.toString('latin1', 0, 2)).toBe('BM');
    expect(bitmap.readUInt32LE(2)).toBe(bitmap.length);
    expect([bitmap.readInt32LE(18), bitmap.readInt32LE(22), bitmap.readUInt16LE(28)]).toEqual([480, 128, 24]);
    expect(bitmap.subarray(54).some((byte) => byte > 200)).toBe(true);
    expect(bitmap.subarray(54, 54 + 480 * 3).every((byte) => byte === 0)).toBe(true);
  });
});

/** The smallest EFI program: one instruction, linked as PE. */
function minimalPe(): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'truthdb-pe-'));
  const at = (name: string) => join(folder, name);
  try {
    writeFileSync(at('code.s'), '.globl _start\n_start: ret\n');
    execFileSync('as', ['-o', at('code.o'), at('code.s')]);
    execFileSync('objcopy', ['-O', 'pe-x86-64', at('code.o'), at('code.obj')]);
    execFileSync('ld', [
      '-m',
      'i386pep',
      '--subsystem',
      '10',
      '-e',
      '_start',
      '-o',
      at('code.efi'),
      at('code.obj'),
    ]);
    return readFileSync(at('code.efi'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
