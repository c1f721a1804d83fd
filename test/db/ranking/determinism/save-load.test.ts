/** A view that is saved and goes on as another instance, at any commits, is the view that never stopped: in its digest and in every answer. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Random } from '../../../../db/sim/random.ts';
import { historyOf } from '../../../../db/sim/ranking-life.ts';
import { answersOf } from './questions.ts';
import {
  applyTo,
  commitsOf,
  digestsOf,
  freshViews,
  nowOf,
  reloaded,
  VIEW_NAMES,
  type Views,
} from './views.ts';

const COMMANDS = 160;
/** Commits at which everything is asked, beside the last. */
const ASKED_EVERY = 17;

test('views that are saved and loaded in the middle have the digests and the answers of those that never stopped', () => {
  let [reloads, answers] = [0, 0];
  fc.assert(
    fc.property(fc.nat(1_000_000), fc.nat(), (seed, cuts) => {
      const random = new Random(cuts, 'reloads');
      const straight = freshViews();
      let interrupted = freshViews();
      const commits = commitsOf(historyOf(seed, COMMANDS));
      for (const [at, commit] of commits.entries()) {
        applyTo(straight, commit);
        applyTo(interrupted, commit);
        if (random.chance(0.3)) {
          const chosen = VIEW_NAMES.filter(() => random.chance(0.4));
          const fresh = chosen.map((name) => [name, reloaded(name, interrupted[name])]);
          interrupted = { ...interrupted, ...Object.fromEntries(fresh) } as Views;
          reloads += chosen.length;
          expect(digestsOf(interrupted)).toEqual(digestsOf(straight));
        }
        if (at % ASKED_EVERY !== 0 && at !== commits.length - 1) continue;
        const [position, now] = [commit.sequence, nowOf(commit)];
        const expected = answersOf(straight, position, now);
        expect(answersOf(interrupted, position, now)).toEqual(expected);
        answers += expected.filter((each) => each.includes('"number"')).length;
      }
      expect(digestsOf(interrupted)).toEqual(digestsOf(straight));
    }),
    { numRuns: 12 },
  );
  expect(reloads).toBeGreaterThan(200);
  expect(answers).toBeGreaterThan(1_000);
});

test('views made again from the log alone have the same digests and answers, whatever was asked of the others before', () => {
  fc.assert(
    fc.property(fc.nat(1_000_000), (seed) => {
      const commits = commitsOf(historyOf(seed, COMMANDS));
      const live = freshViews();
      for (const commit of commits) {
        applyTo(live, commit);
        // Answers make boards and other memories, which must not show.
        if (commit.sequence % 5 === 0) answersOf(live, commit.sequence, nowOf(commit));
        if (commit.sequence % 3 === 0) digestsOf(live);
      }
      const replayed = freshViews();
      for (const commit of commits) applyTo(replayed, commit);
      const last = commits.at(-1)!;
      expect(digestsOf(replayed)).toEqual(digestsOf(live));
      expect(answersOf(replayed, last.sequence, nowOf(last))).toEqual(
        answersOf(live, last.sequence, nowOf(last)),
      );
    }),
    { numRuns: 6 },
  );
});
