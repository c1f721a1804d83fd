/**
 * lower() and upper(): one character for one character, as Unicode 17.0 has it. The tables are written down because
 * what a row holds or a projection shows must not change when the runtime learns of new letters. A letter whose other case is
 * several letters stays as it is, as it does in PostgreSQL.
 *
 * Runs of letters: first letter and distance in base 36, then how many and how far apart where it is more than one.
 */
const TO_LOWER = [
  '5c w 23 1;60 w 7 1;74 1 24 2;8g -5j;8i 1 3 2;8p 1 8 2;96 1 23 2;ag -3d;ah 1 3 2;ap 5u;aq 1 2 2;',
  'au 5q;av 1;ax 5p 2 1;az 1;b2 27;b3 5m;b4 5n;b5 1;b7 5p;b8 5r;ba 5v;bb 5t;bc 1;bg 5v;bh 5x;bj 5y;',
  'bk 1 3 2;bq 62;br 1;bt 62;bw 1;by 62;bz 1;c1 61 2 1;c3 1 2 2;c7 63;c8 1;cc 1;ck 2;cl 1;cn 2;co 1;',
  'cq 2;cr 1 9 2;da 1 9 2;dt 2;du 1 2 2;dy -2p;dz -1k;e0 1 20 2;f4 -3m;f6 1 9 2;fu 8bv;fv 1;fx -4j;',
  'fy 8bs;g1 1;g3 -5f;g4 1x;g5 1z;g6 1 5 2;og 1 2 2;om 1;ov 38;p2 12;p4 11 3 1;p8 1s;pa 1r 2 1;',
  'pd w 17 1;pv w 9 1;r3 8;rc 1 12 2;s4 -1o;s7 1;s9 -7;sa 1;sd -3m 3 1;sg 28 16 1;sw w 32 1;v4 1 17 2;',
  'wa 1 27 2;xs f;xt 1 7 2;y8 1 48 2;10x 1c 38 1;3a8 5ls 38 1;3bb 5ls;3bh 5ls;3vk tzk 80 1;3xs 8 6 1;',
  '5mx 1;5n4 -2bk 43 1;5od -2bk 3 1;5xc 1 75 2;61q -5vj;61s 1 48 2;64o -8 8 1;654 -8 6 1;65k -8 8 1;',
  '660 -8 8 1;66g -8 6 1;66x -8 4 2;67c -8 8 1;688 -8 8 1;68o -8 8 1;694 -8 8 1;69k -8 2 1;',
  '69m -22 2 1;69o -9;6a0 -2e 4 1;6a4 -9;6ag -8 2 1;6ai -2s 2 1;6aw -8 2 1;6ay -34 2 1;6b0 -7;',
  '6bc -3k 2 1;6be -3i 2 1;6bg -9;6jq -5st;6ju -6gv;6jv -6di;6k2 s;6lc g 16 1;6mb 1;792 q 26 1;',
  '8ow 1c 48 1;8rk 1;8rm -8af;8rn -2xy;8ro -89z;8rr 1 3 2;8rx -8bg;8ry -8al;8rz -8bj;8s0 -8bi;8s2 1;',
  '8s5 1;8se -8cf 2 1;8sg 1 50 2;8vf 1 2 2;8vm 1;wu8 1 23 2;ww0 1 14 2;x0i 1 7 2;x0y 1 31 2;x2x 1 2 2;',
  'x31 -r9g;x32 1 5 2;x3f 1;x3h -wmg;x3k 1 2 2;x3q 1 10 2;x4a -wn8;x4b -wnj;x4c -wnf;x4d -wn5;',
  'x4e -wn8;x4g -wlu;x4h -wmi;x4i -wlx;x4j ps;x4k 1 8 2;x50 -1c;x51 -wn7;x52 -raw;x53 1 2 2;x57 -wo7;',
  'x58 1 8 2;x5o -wu9;x6d 1;1ee9 w 26 1;1fcw 14 40 1;1fhs 14 36 1;1fn4 13 11 1;1fng 13 15 1;',
  '1fnw 13 7 1;1fo4 13 2 1;1h1c 1s 51 1;1h74 w 22 1;1jfk w 32 1;20cg w 32 1;20f4 r 25 1;2olc y 34 1',
];
const TO_UPPER = [
  '51 kn;68 -w 23 1;6w -w 7 1;73 3d;75 -1 24 2;8h -6g;8j -1 3 2;8q -1 8 2;97 -1 23 2;ai -1 3 2;an -8c;',
  'ao 5f;ar -1 2 2;aw -1;b0 -1;b6 -1;b9 2p;bd -1;be 4j;bf wu9;bi 3m;bl -1 3 2;bs -1;bx -1;c0 -1;',
  'c4 -1 2 2;c9 -1;cd -1;cf 1k;cl -1;cm -2;co -1;cp -2;cr -1;cs -2;cu -1 8 2;d9 -27;db -1 9 2;du -1;',
  'dv -2;dx -1;e1 -1 20 2;f7 -1 9 2;fw -1;fz 8cf 2 1;g2 -1;g7 -1 5 2;gg 8bj;gh 8bg;gi 8bi;gj -5u;',
  'gk -5q;gm -5p 2 1;gp -5m;gr -5n;gs wnj;gw -5p;gx wnf;gz -5r;h0 wo7;h1 wmg;h2 wn8;h4 -5t;h5 -5v;',
  'h6 wn8;h7 8af;h8 wn5;hb -5v;hd 8al;he -5x;hh -5y;hp 89z;hs -62;hu wn7;hv -62;hz wmi;i0 -62;i1 -1x;',
  'i2 -61 2 1;i4 -1z;ia -63;il wlx;im wlu;n9 2c;oh -1 2 2;on -1;or 3m 3 1;q4 -12;q5 -11 3 1;',
  'q9 -w 17 1;qq -v;qr -w 9 1;r0 -1s;r1 -1r 2 1;r4 -1q;r5 -1l;r9 -1b;ra -1i;rb -8;rd -1 12 2;s0 -2e;',
  's1 -28;s2 7;s3 -38;s5 -2o;s8 -1;sb -1;ts -w 32 1;uo -28 16 1;v5 -1 17 2;wb -1 27 2;xu -1 7 2;y7 -f;',
  'y9 -1 48 2;129 -1c 38 1;3bk 2bk 43 1;3ct 2bk 3 1;3y0 -8 6 1;5mo -4tq;5mp -4tp;5mq -4tg;',
  '5mr -4te 2 1;5mt -4tf;5mu -4t8;5mv -4rp;5mw r7m;5my -1;5tl r9g;5tp 2xy;5u6 raw;5xd -1 75 2;61n -1n;',
  '61t -1 48 2;64g 8 8 1;64w 8 6 1;65c 8 8 1;65s 8 8 1;668 8 6 1;66p 8 4 2;674 8 8 1;67k 22 2 1;',
  '67m 2e 4 1;67q 2s 2 1;67s 3k 2 1;67u 34 2 1;67w 3i 2 1;69c 8 2 1;69q -5k5;6a8 8 2 1;6ao 8 2 1;',
  '6at 7;6ku -s;6ls -g 16 1;6mc -1;79s -q 26 1;8q8 -1c 48 1;8rl -1;8rp -8bv;8rq -8bs;8rs -1 3 2;',
  '8s3 -1;8s6 -1;8sh -1 50 2;8vg -1 2 2;8vn -1;8w0 -5ls 38 1;8x3 -5ls;8x9 -5ls;wu9 -1 23 2;',
  'ww1 -1 14 2;x0j -1 7 2;x0z -1 31 2;x2y -1 2 2;x33 -1 5 2;x3g -1;x3l -1 2 2;x3o 1c;x3r -1 10 2;',
  'x4l -1 8 2;x54 -1 2 2;x59 -1 8 2;x6e -1;xub -ps;xv4 -tzk 80 1;1ef5 -w 26 1;1fe0 -14 40 1;',
  '1fiw -14 36 1;1fo7 -13 11 1;1foj -13 15 1;1foz -13 7 1;1fp7 -13 2 1;1h34 -1s 51 1;1h80 -w 22 1;',
  '1jgg -w 32 1;20dc -w 32 1;20fv -r 25 1;2oma -y 34 1',
];
const ASCII_ONLY = /^[\0-\x7f]*$/;

export function lowerCase(text: string): string {
  return ASCII_ONLY.test(text) ? text.toLowerCase() : mapped(text, lower(), 'toLowerCase');
}

export function upperCase(text: string): string {
  return ASCII_ONLY.test(text) ? text.toUpperCase() : mapped(text, upper(), 'toUpperCase');
}

type CaseTable = ReadonlyMap<number, number>;
let lowerTable: CaseTable | null = null;
let upperTable: CaseTable | null = null;

function lower(): CaseTable {
  lowerTable ??= unfold(TO_LOWER);
  return lowerTable;
}

function upper(): CaseTable {
  upperTable ??= unfold(TO_UPPER);
  return upperTable;
}

function mapped(text: string, table: CaseTable, ascii: 'toLowerCase' | 'toUpperCase'): string {
  let result = '';
  for (const character of text) {
    const code = character.codePointAt(0)!;
    const other = table.get(code);
    if (other !== undefined) result += String.fromCodePoint(other);
    else result += code < 0x80 ? character[ascii]() : character;
  }
  return result;
}

function unfold(lines: readonly string[]): CaseTable {
  const table = new Map<number, number>();
  for (const run of lines.join('').split(';')) {
    const [first = '', distance = '', count = '1', step = '1'] = run.split(' ');
    for (let index = 0; index < Number(count); index++) {
      const code = Number.parseInt(first, 36) + index * Number(step);
      table.set(code, code + Number.parseInt(distance, 36));
    }
  }
  return table;
}
