/**
 * What a machine without UEFI runs when it is started from our medium: 16-bit code that prints one sentence through the BIOS and,
 * at a key press, lets the BIOS try its next device. Used as the master boot record (a USB stick) and as the El Torito image of
 * the CD. It runs wherever it is loaded, at 0000:7C00 or 07C0:0000.
 */

const SENTENCE =
  '\r\n\r\nTruthDB needs UEFI firmware, and this machine started it in BIOS (legacy) mode.\r\n' +
  'Please switch the firmware to UEFI (legacy boot or CSM off) and start again.\r\n' +
  'Press any key to try the next boot device.\r\n';

/** A master boot record may use this much before the partition table. */
const CODE_BYTES_MAX = 440;

/** El Torito's "sector" is 512 bytes; four of them fill one of the CD's. */
const CD_SECTOR_BYTES = 2048;

const CODE: readonly (readonly [bytes: number[], meaning: string])[] = [
  [[0xfa], 'cli'],
  [[0x31, 0xc0], 'xor  ax, ax'],
  [[0x8e, 0xd0], 'mov  ss, ax'],
  [[0xbc, 0x00, 0x7c], 'mov  sp, 7C00h        ; stack below the code'],
  [[0x8c, 0xc8], 'mov  ax, cs'],
  [[0x8e, 0xd8], 'mov  ds, ax           ; data lie behind the code, in its segment'],
  [[0xfb], 'sti'],
  [[0xfc], 'cld'],
  [[0xe8, 0x00, 0x00], 'call here             ; pushes the address of here'],
  [[0x5e], 'here: pop si'],
  [[0x83, 0xc6, 0x18], 'add  si, text - here  ; 18h = bytes from here to the end of this table'],
  [[0xac], 'next: lodsb'],
  [[0x84, 0xc0], 'test al, al'],
  [[0x74, 0x09], 'jz   wait'],
  [[0xb4, 0x0e], 'mov  ah, 0Eh          ; BIOS teletype output'],
  [[0xbb, 0x07, 0x00], 'mov  bx, 0007h        ; page 0, light grey'],
  [[0xcd, 0x10], 'int  10h'],
  [[0xeb, 0xf2], 'jmp  next'],
  [[0x31, 0xc0], 'wait: xor ax, ax'],
  [[0xcd, 0x16], 'int  16h              ; wait for a key'],
  [[0xcd, 0x18], 'int  18h              ; this device does not boot: try the next'],
];

/** The code followed by the sentence. */
export function bootSector(): Buffer {
  const code = Buffer.from(CODE.flatMap(([bytes]) => bytes));
  const sector = Buffer.concat([code, Buffer.from(`${SENTENCE}\0`, 'latin1')]);
  if (sector.length > CODE_BYTES_MAX)
    throw new RangeError(`boot sector of ${sector.length} bytes does not fit`);
  return sector;
}

/** The same as an El Torito boot image of one CD sector. */
export function bootImage(): Buffer {
  const image = Buffer.alloc(CD_SECTOR_BYTES);
  bootSector().copy(image);
  image.writeUInt16LE(0xaa55, 510); // Some BIOSes look for the signature of a boot sector.
  return image;
}
