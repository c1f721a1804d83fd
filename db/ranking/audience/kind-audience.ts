/** What users have to do with the entities of one kind, called items here: states, recent ones, and which go together. */
import type { EntityNumber, Micros } from '../ground.ts';
import { Companions } from './companions.ts';
import type { CommitMark } from './owned-blocks.ts';
import { RecentItems } from './recent-items.ts';
import { secondsOf } from './seconds.ts';
import { levelOf, type SignalPlan } from './signal-plan.ts';
import { UserItems } from './user-items.ts';

/** Kept of a user: items of the last positive signals, and of the last negative ones. */
const RECENT_MAX = 32;
const DISLIKED_MAX = 8;

export class KindAudience {
  readonly items: UserItems;
  readonly recent: RecentItems;
  readonly disliked: RecentItems;
  readonly companions: Companions;

  constructor(mark: CommitMark) {
    this.items = new UserItems(mark);
    this.recent = new RecentItems(RECENT_MAX, mark);
    this.disliked = new RecentItems(DISLIKED_MAX, mark);
    this.companions = new Companions(mark);
  }

  /** A user did something with an item. */
  record(plan: SignalPlan, user: EntityNumber, item: EntityNumber, at: Micros, weight: number): void {
    const seconds = secondsOf(at);
    this.items.record(user, item, seconds, plan.set, plan.cleared);
    if (plan.meaning === 'good') this.#like(plan, user, item, seconds, weight);
    else if (plan.meaning === 'bad') this.#dislike(user, item, seconds);
  }

  removeUser(user: EntityNumber): void {
    this.items.removeUser(user);
    this.recent.removeUser(user);
    this.disliked.removeUser(user);
  }

  /** Between commits. */
  tidy(): void {
    this.items.rows.blocks.tidy();
    this.recent.blocks.tidy();
    this.disliked.blocks.tidy();
    this.companions.blocks.tidy();
  }

  get bytes(): number {
    return this.items.rows.bytes + this.recent.bytes + this.disliked.bytes + this.companions.bytes;
  }

  #like(plan: SignalPlan, user: number, item: number, seconds: number, weight: number): void {
    this.disliked.remove(user, item);
    const index = this.recent.add(user, item, seconds, levelOf(plan, weight));
    if (index >= 0) this.companions.adopt(item, this.recent, index);
  }

  #dislike(user: number, item: number, seconds: number): void {
    this.recent.remove(user, item);
    this.disliked.add(user, item, seconds, 1);
  }
}
