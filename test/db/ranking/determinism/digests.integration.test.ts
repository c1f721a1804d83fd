/**
 * The ranking views of a database on real files are the same whatever they were made of: live, the log alone, checkpoints or a
 * snapshot and the log behind them, any of them lost or damaged.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RANKING_VIEWS } from '../../../../db/engine/ranking-views.ts';
import { Random } from '../../../../db/sim/random.ts';
import { type Digests, StoredLife } from './stored-life.ts';

const SEED = 3;
const COMMANDS = 200;
const NAMES = RANKING_VIEWS.map(({ name }) => name);

let life: StoredLife;

beforeAll(async () => {
  life = await StoredLife.of(SEED, COMMANDS);
});

afterAll(() => life.remove());

const DAMAGES = {
  'its files are gone': (view: string) => {
    for (const file of life.filesOf(view)) rmSync(file);
  },
  'a file is gone': (view: string, random: Random) => rmSync(fileOf(view, random)),
  'a bit has flipped': (view: string, random: Random) => flipBit(fileOf(view, random), random),
  'a file is cut off': (view: string, random: Random) => {
    const file = fileOf(view, random);
    writeFileSync(file, readFileSync(file).subarray(0, -1));
  },
  'it is of another version': (view: string) =>
    life.editManifest((views) => {
      const record = views.find(({ name }) => name === view);
      if (record !== undefined) record.version += 1;
    }),
} satisfies Record<string, (view: string, random: Random) => void>;
type Damage = keyof typeof DAMAGES;
const DAMAGE_NAMES = Object.keys(DAMAGES) as [Damage, ...Damage[]];

function fileOf(view: string, random: Random): string {
  return random.pick(life.filesOf(view) as [string, ...string[]]);
}

function flipBit(file: string, random: Random): void {
  const bytes = readFileSync(file);
  const at = random.below(bytes.length);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
  writeFileSync(file, bytes);
}

/** Views that were said to be made again. */
function rebuilt(): string[] {
  return NAMES.filter((name) => life.said.some((line) => line.includes(`view "${name}" is rebuilt`)));
}

test('a life has something in every view', () => {
  expect(new Set(Object.values(life.live.digests)).size).toBe(NAMES.length);
  for (const hits of life.live.answers) expect((hits as unknown[]).length).toBeGreaterThan(0);
});

describe('the same digests', () => {
  test('behind checkpoints of the middle and what the log has since, and of the log alone', async () => {
    life.rewind('middle');
    expect(await life.restore()).toEqual(life.live.digests);
    expect(rebuilt()).toEqual([]);
    life.rewind('middle');
    life.editManifest((views) => views.splice(0));
    expect(await life.restore()).toEqual(life.live.digests);
  });

  test(`with each of the ${2 ** NAMES.length} subsets of views lost or damaged`, async () => {
    const wrong: { lost: readonly string[]; how: Damage; digests: Digests }[] = [];
    for (let subset = 0; subset < 2 ** NAMES.length; subset++) {
      const random = new Random(subset, 'damage');
      const lost = NAMES.filter((_, at) => ((subset >>> at) & 1) === 1);
      const how = random.pick(DAMAGE_NAMES);
      life.rewind(subset % 2 === 0 ? 'middle' : 'end');
      for (const view of lost) DAMAGES[how](view, random);
      const digests = await life.restore();
      expect(rebuilt(), how).toEqual(lost);
      if (NAMES.some((name) => digests[name] !== life.live.digests[name])) wrong.push({ lost, how, digests });
    }
    expect(wrong).toEqual([]);
  });

  test.each(DAMAGE_NAMES)('of each view alone when %s', async (how) => {
    for (const [at, view] of NAMES.entries()) {
      life.rewind('middle');
      DAMAGES[how](view, new Random(at, how));
      expect(await life.restore(), view).toEqual(life.live.digests);
      expect(rebuilt()).toEqual([view]);
    }
  });
});

describe('an open database answers the same', () => {
  test('when it was closed and opened, twice', async () => {
    life.rewind('end');
    for (let time = 0; time < 2; time++) expect(await life.look()).toEqual(life.live);
  });

  test('when it was closed in the middle, and when its views are gone', async () => {
    life.rewind('middle');
    expect(await life.look()).toEqual(life.live);
    for (const view of NAMES) DAMAGES['its files are gone'](view);
    expect(await life.look()).toEqual(life.live);
    expect(rebuilt()).toEqual(NAMES);
  });

  test('when it begins from a snapshot of the middle', async () => {
    life.rewind('middle', 'snapshot');
    expect(await life.look()).toEqual(life.live);
    for (const view of NAMES)
      expect(life.said).toContainEqual(expect.stringMatching(`view "${view}" begins from snapshot`));
  });

  test('when that snapshot is damaged, and is not believed', async () => {
    for (let time = 0; time < 2; time++) {
      life.rewind('middle', 'snapshot');
      for (const file of life.filesOf('snapshots')) flipBit(file, new Random(time, 'snapshot'));
      expect(await life.look()).toEqual(life.live);
      expect(life.said.join('\n')).toMatch(/an older one or the log takes its place|cannot be used for view/);
    }
  });
});
