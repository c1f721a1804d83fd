/**
 * Brings what the next signals will touch into the processor's cache. Applied one after the other, each would wait for a dozen
 * places far apart in memory; asked for side by side, those of many signals come together. It changes nothing, and what it
 * finds may have moved by the time it is needed.
 */
import type { SignalRecords } from '../kernel/index.ts';
import type { Route } from './tenant-audience.ts';

/** Signals looked ahead at: few enough that what is fetched is still there when it is used. */
export const FETCHED_SIGNALS = 64;
/** Fewer are not worth it. */
const FETCHED_LEAST = 8;

const routes: (Route | undefined)[] = new Array(FETCHED_SIGNALS).fill(undefined);
const users = new Uint32Array(FETCHED_SIGNALS);
const targets = new Uint32Array(FETCHED_SIGNALS);
/** Makes the reads count for something, or the compiler would leave them out. */
const sink = new Uint32Array(1);

/** For records `from` to before `to`, at most `FETCHED_SIGNALS` of them. */
export function fetchAhead(
  records: SignalRecords,
  from: number,
  to: number,
  byId: readonly (Route | undefined)[],
): void {
  if (to - from < FETCHED_LEAST) return;
  for (let each = 0; each < to - from; each++) {
    records.moveTo(from + each);
    users[each] = records.user;
    targets[each] = records.target;
    routes[each] = byId[records.signal];
  }
  let seen = 0;
  for (let each = 0; each < to - from; each++) seen ^= addresses(routes[each], users[each]!, targets[each]!);
  for (let each = 0; each < to - from; each++) seen ^= blocks(routes[each], users[each]!, targets[each]!);
  for (let each = 0; each < to - from; each++) seen ^= companions(routes[each], users[each]!);
  for (let each = 0; each < to - from; each++) seen ^= buckets(routes[each], users[each]!, targets[each]!);
  sink[0] = seen;
}

function addresses(route: Route | undefined, user: number, item: number): number {
  if (route === undefined) return 0;
  const { items, recent, companions } = route.audience;
  let seen = items.rows.blocks.find(user);
  for (const { edges } of route.pushes) seen ^= edges.blocks.find(user);
  return route.plan.meaning === 'good'
    ? seen ^ recent.blocks.find(user) ^ companions.blocks.find(item)
    : seen;
}

function blocks(route: Route | undefined, user: number, item: number): number {
  if (route === undefined) return 0;
  const { items, recent, companions } = route.audience;
  let seen = items.rows.touch(user);
  for (const { edges } of route.pushes) seen ^= edges.touch(user);
  return route.plan.meaning === 'good' ? seen ^ recent.touch(user) ^ companions.people(item) : seen;
}

function companions(route: Route | undefined, user: number): number {
  if (route?.plan.meaning !== 'good') return 0;
  return route.audience.companions.touchAddresses(route.audience.recent, user);
}

function buckets(route: Route | undefined, user: number, item: number): number {
  if (route?.plan.meaning !== 'good') return 0;
  return route.audience.companions.touchBuckets(route.audience.recent, user, item);
}
