/**
 * `npm run release -- vX.Y.Z`: what is shipped, from the locked inputs, tested as it is shipped, and signed.
 *
 * One version everywhere: the tag given, the tag in git, package.json, package-lock.json and the image must agree, the
 * tree must be clean, and nothing may have drifted from image/inputs.lock.json; otherwise it stops with the difference.
 * There is no "latest". The Ed25519 key comes from TRUTHDB_RELEASE_KEY (PEM, PKCS#8); without it a development key made
 * on the spot signs, says so inside the signature file, and every file name ends in `-dev`.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto';
import { copyFileSync, createReadStream, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { $ } from 'zx/core';
import { buildAll, cacheRoot } from './build.ts';
import { printProgress } from './progress.ts';
import { compareVersions, type VersionFacts } from './release-version.ts';
import { runScript } from './run.ts';
import { buildCommit, packageVersion, repositoryRoot } from './version.ts';
import { visibly } from './visibly.ts';

const dist = join(repositoryRoot, 'dist');
const testScript = join(repositoryRoot, 'scripts', 'test.ts');
const progress = printProgress('release');

interface SigningKey {
  readonly key: KeyObject;
  readonly development: boolean;
}

async function main([tag]: readonly string[]): Promise<number> {
  const differences = compareVersions(await gatherFacts(tag ?? ''));
  if (differences.length > 0) {
    process.stderr.write(`release: stopped.\n${differences.map((line) => `  - ${line}\n`).join('')}`);
    return 65;
  }
  await buildAll({ dist, cacheDir: cacheRoot, progress: printProgress, strict: true });
  progress('running the virtual machine tests on what was built');
  const tested = await visibly({ nothrow: true })`${process.execPath} ${testScript} vm`;
  if (!tested.ok) {
    process.stderr.write('release: the virtual machine tests failed; nothing was released\n');
    return 1;
  }
  await writeRelease(signingKey());
  return 0;
}

async function gatherFacts(tag: string): Promise<VersionFacts> {
  const lock = JSON.parse(readFileSync(join(repositoryRoot, 'package-lock.json'), 'utf8')) as {
    version?: string;
  };
  return {
    tag,
    packageVersion: packageVersion(),
    lockVersion: lock.version ?? '(none)',
    head: buildCommit(),
    tagCommit: await commitOfTag(tag),
  };
}

async function commitOfTag(tag: string): Promise<string | null> {
  const git = $({ cwd: repositoryRoot, nothrow: true });
  const asked = await git`git rev-parse --verify --quiet refs/tags/${tag}^{commit}`;
  return asked.ok ? asked.text().trim() : null;
}

function signingKey(): SigningKey {
  const pem = process.env['TRUTHDB_RELEASE_KEY'];
  if (pem === undefined || pem === '')
    return { key: generateKeyPairSync('ed25519').privateKey, development: true };
  const key = createPrivateKey(pem);
  if (key.asymmetricKeyType !== 'ed25519') {
    throw new Error(
      `TRUTHDB_RELEASE_KEY holds a key of type ${key.asymmetricKeyType}; an Ed25519 key (PKCS#8 PEM) is needed`,
    );
  }
  return { key, development: false };
}

/** Everything in manifest.json goes out, under names that say so when the key is not the real one. */
async function writeRelease({ key, development }: SigningKey): Promise<void> {
  const output = join(dist, 'release');
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output, { recursive: true });
  const manifest = JSON.parse(readFileSync(join(dist, 'manifest.json'), 'utf8')) as {
    files: Record<string, unknown>;
  };
  const lines: string[] = [];
  for (const name of [...Object.keys(manifest.files).sort(), 'manifest.json']) {
    const released = development ? developmentName(name) : name;
    copyFileSync(join(dist, name), join(output, released));
    lines.push(`${await sha256(join(output, released))}  ${released}\n`);
  }
  const sums = Buffer.from(lines.join(''));
  const suffix = development ? '-dev' : '';
  writeFileSync(join(output, `SHA256SUMS${suffix}`), sums);
  const signature = {
    algorithm: 'ed25519',
    signedFile: `SHA256SUMS${suffix}`,
    key: development ? 'DEVELOPMENT KEY, made for this build, vouches for nothing' : 'release',
    publicKey: createPublicKey(key).export({ type: 'spki', format: 'der' }).toString('base64'),
    signature: sign(null, sums, key).toString('base64'),
  };
  writeFileSync(join(output, `SHA256SUMS${suffix}.sig.json`), `${JSON.stringify(signature, null, 2)}\n`);
  progress(`dist/release: ${lines.length} files${development ? ', signed with a development key' : ''}`);
}

function developmentName(name: string): string {
  const extension = extname(name);
  return `${name.slice(0, name.length - extension.length)}-dev${extension}`;
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

await runScript('release', main);
