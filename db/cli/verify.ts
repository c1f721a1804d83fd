/** `truthdb verify`: a data directory or a bundle, checked without a server. */
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { type KeptCheckpoint, momentText, parseCheckpointText } from '../audit/checkpoint.ts';
import { decodeCheckpoint, unhex } from '../audit/verifier.ts';
import { type BundleReport, checkBundle } from '../audit/verify-bundle.ts';
import { type CertificateReport, checkCertificate } from '../audit/verify-erasures.ts';
import { type DataReport, threadsFor, verifyData } from '../audit/verify-log.ts';
import { ERROR_CODES, TruthError } from '../errors.ts';
import { RealDisk } from '../io/index.ts';
import { type Arguments, type Command, misused, type Terminal } from './command.ts';

/** The log is whole, but not the one that was expected. */
const NOT_AS_EXPECTED = 3;

export const verify: Command = {
  name: 'verify',
  summary: 'Verifies a data directory, an exported bundle or a certificate of erasure, offline.',
  detail:
    'A directory: structure, checksums, hash chain, trees, signatures, certificates of erasure; says what no signature covers.\n' +
    'Names the first bad byte. A certificate by itself: that the key of the log has signed it as it stands.\n' +
    'Pin the root key (truthdb signing show) with --public-key: whoever can write the files can replace a key that lies beside\n' +
    'them. With --expect also that everything extends a checkpoint that was kept (truthdb checkpoint show): finds a log that\n' +
    `was rolled back or replaced. Exit code ${ERROR_CODES.CORRUPT.exit} when something is wrong, ${NOT_AS_EXPECTED} when only the expected checkpoint is not met.`,
  positionals: [{ name: 'DIR|FILE', required: true }],
  options: [
    { flag: 'public-key', value: 'KEY', help: 'public root key: 64 hexadecimal digits, or a file with them' },
    { flag: 'expect', value: 'FILE', help: 'a checkpoint that was kept' },
    { flag: 'quick', value: null, help: 'leave the trees out: chain and signatures alone' },
    { flag: 'threads', value: 'N', help: 'segments checked at once; as many as there are processors' },
  ],
  example: 'truthdb verify /var/lib/truthdb --public-key root.public --expect monday.checkpoint',
  run: async (args, terminal) => {
    const path = resolve(args.positional(0) as string);
    const rootKey = rootKeyFrom(args);
    const expected = expectedFrom(args);
    if (!statSync(path).isDirectory()) {
      if (rootKey === null)
        throw misused(verify, 'a bundle or certificate is verified with --public-key and nothing else');
      const bytes = readFileSync(path);
      if (bytes[0] === BRACE) return showCertificate(checkCertificate(bytes.toString(), rootKey), terminal);
      const kept = expected === null ? null : decodeCheckpoint(expected.checkpoint);
      const report = checkBundle(bytes, rootKey, kept);
      if (terminal.json) await terminal.out(JSON.stringify(report));
      else for (const line of bundleLines(report)) await terminal.out(line);
      return exitOf(report);
    }
    const disk = new RealDisk();
    const report = await verifyData({
      directory: path,
      disk,
      rootKey,
      expected,
      trees: !args.switch('quick'),
      threads: args.number('threads', 1) ?? threadsFor(disk),
      progress: (line) => terminal.progress(line),
    });
    if (terminal.json) await terminal.out(JSON.stringify(report));
    else for (const line of dataLines(report)) await terminal.out(line);
    return exitOf(report);
  },
};

/** What a certificate of erasure begins with, and no bundle. */
const BRACE = 0x7b;

async function showCertificate(report: CertificateReport, terminal: Terminal): Promise<number> {
  if (terminal.json) await terminal.out(JSON.stringify(report));
  else for (const line of certificateLines(report)) await terminal.out(line);
  return exitOf(report);
}

function certificateLines({ erasure, problems }: CertificateReport): string[] {
  const lines = problems.map(({ problem }) => `PROBLEM ${problem}`);
  if (erasure === null) return [...lines, 'NOT OK: the certificate proves nothing'];
  const { logId, of, tenant, name, handle, position, at, size, destroyed, unconfirmed } = erasure;
  return [
    `log ${logId}`,
    of === 'tenant'
      ? `erased: tenant ${tenant} "${name}", by the entry at ${position}, ${at}`
      : `erased: the person ${handle} of tenant ${tenant} "${name}", by the entry at ${position}, ${at}`,
    `destroyed: ${destroyed.keys.length} keys; the key-encryption key was ${destroyed.keyEncryptionKey}`,
    `signed when the log ended at ${size}`,
    ...unconfirmed.map(({ holder, why }) => `UNCONFIRMED ${holder}: ${why}`),
    'ok',
  ];
}

function exitOf({
  ok,
  problems,
}: Pick<BundleReport | DataReport | CertificateReport, 'ok' | 'problems'>): number {
  if (ok) return 0;
  return problems.every(({ kind }) => kind === 'expected') ? NOT_AS_EXPECTED : ERROR_CODES.CORRUPT.exit;
}

function rootKeyFrom(args: Arguments): Uint8Array | null {
  const given = args.text('public-key');
  if (given === undefined) return null;
  const text = /^[0-9a-f]{64}$/i.test(given) ? given : readFileSync(resolve(given), 'utf8').trim();
  if (/^[0-9a-f]{64}$/i.test(text)) return unhex(text);
  throw new TruthError('INVALID_ARGUMENT', `--public-key: ${given} holds no key of 64 hexadecimal digits`);
}

function expectedFrom(args: Arguments): KeptCheckpoint | null {
  const path = args.text('expect');
  return path === undefined ? null : parseCheckpointText(readFileSync(resolve(path), 'utf8'));
}

function bundleLines({ ok, shown, unproven, problems }: BundleReport): string[] {
  const lines = problems.map(({ problem }) => `PROBLEM ${problem}`);
  if (shown === null) return [...lines, 'NOT OK: the bundle proves nothing'];
  const { kind, tenant, from, to, entries, payloads, signed, recordedAt, logId } = shown;
  const whose = kind === 'tenant' ? `every entry of tenant ${tenant}` : 'every entry';
  return [
    `log ${logId}`,
    `${whose} from ${from} to ${to}: ${entries}, ${payloads} of them with what they hold`,
    `signed: checkpoint of size ${signed}, ${recordedAt}`,
    ...(shown.extends === null ? [] : [`which extends the checkpoint of size ${shown.extends}`]),
    ...unproven.map((each) => `UNPROVEN ${each}`),
    ...lines,
    ok ? 'ok' : 'NOT OK',
  ];
}

function dataLines(report: DataReport): string[] {
  const { log, rootKey, pinned, signed, unsigned, unproven, problems, checkpoints, erasures } = report;
  return [
    `log ${log.logId}: ${log.segments.length} segments, ${log.commits} commits, sequences ${log.firstSequence} to ${log.lastSequence}`,
    ...(rootKey === null ? [] : [keyLine(rootKey, pinned)]),
    signed === null
      ? 'signed: nothing'
      : `signed: up to sequence ${signed.size} (${momentText(BigInt(signed.recordedAt))}), ${checkpoints} checkpoints`,
    ...(erasures.inLog + erasures.certificates === 0
      ? []
      : [
          `erasures: ${erasures.inLog} in the log, ${erasures.certificates} certificates, ${erasures.signed} of them signed`,
        ]),
    ...(unsigned === null
      ? []
      : [`UNSIGNED sequences ${unsigned.from} to ${unsigned.to}: behind the last checkpoint`]),
    ...(log.tornTail === null
      ? []
      : [`torn tail of ${log.tornTail.bytes} bytes, which a start will cut off`]),
    ...unproven.map((each) => `UNPROVEN ${each}`),
    ...problems.map(
      ({ segment, offset, sequence, problem }) =>
        `PROBLEM ${[
          ...(segment === null ? [] : [`segment ${segment}`]),
          ...(offset === null ? [] : [`offset ${offset}`]),
          ...(sequence === null ? [] : [`sequence ${sequence}`]),
        ].join(' ')}: ${problem}`,
    ),
    report.ok ? 'ok' : `NOT OK: ${problems.length} problems`,
  ];
}

function keyLine(rootKey: string, pinned: boolean): string {
  if (pinned) return `root key ${rootKey}, as given`;
  return `root key ${rootKey}, which lies beside the data: NOT PINNED, whoever can write the files can replace it (--public-key)`;
}
