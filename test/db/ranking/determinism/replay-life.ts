/**
 * Run by itself: a history is decided and applied, and what comes of it is printed as one line of JSON, with something that tells
 * processors apart.
 */
import { createHash, type Hash } from 'node:crypto';
import * as numeric from '../../../../db/numeric/index.ts';
import { Random } from '../../../../db/sim/random.ts';
import { historyOf } from '../../../../db/sim/ranking-life.ts';
import { answersOf } from './questions.ts';
import { applyTo, commitsOf, digestsOf, freshViews, nowOf } from './views.ts';

const ASKED_EVERY = 40;
const NUMBERS = 5_000;

function ranking(seed: number, commands: number): Record<string, string> {
  const commits = commitsOf(historyOf(seed, commands));
  const [entries, answers] = [createHash('sha256'), createHash('sha256')];
  const views = freshViews();
  for (const [at, commit] of commits.entries()) {
    for (const { type, payload } of commit.entries)
      entries.update(`${type} ${payload.length} `).update(payload);
    applyTo(views, commit);
    if (at % ASKED_EVERY !== 0 && at !== commits.length - 1) continue;
    for (const answer of answersOf(views, commit.sequence, nowOf(commit))) answers.update(answer);
  }
  return { entries: entries.digest('hex'), ...digestsOf(views), answers: answers.digest('hex') };
}

/** Of every elementary function, at numbers of every size. */
function elementary(): string {
  const { exp, exp2, expm1, log, log1p, log2, power, sigmoid, tanh, halfLifeFactor } = numeric;
  const hash = createHash('sha256');
  const random = new Random(1, 'elementary');
  for (let each = 0; each < NUMBERS; each++) {
    const scale = 2 ** random.between(-40, 12);
    const x = (random.next() / 2 ** 31 - 1) * scale;
    const y = random.next() / 2 ** 30 - 2;
    add(hash, exp(x), exp2(x), expm1(x), log(x), log1p(x), log2(x), power(Math.abs(x), y));
    add(hash, sigmoid(x), tanh(x), halfLifeFactor(Math.abs(x), Math.abs(y)));
  }
  return hash.digest('hex');
}

/** V8's power function, which the ranking layer must not use: it comes out otherwise on a processor that multiplies and adds at once. */
function powers(): string {
  const hash = createHash('sha256');
  for (let each = 0; each < 4 * NUMBERS; each++) add(hash, 0.5 ** (each / 1_237 + 1e-3));
  return hash.digest('hex');
}

function add(hash: Hash, ...values: readonly number[]): void {
  hash.update(Float64Array.from(values));
}

const [seed = 1, commands = 100] = process.argv.slice(2).map(Number);
console.log(
  JSON.stringify({ same: { ...ranking(seed, commands), elementary: elementary() }, powers: powers() }),
);
