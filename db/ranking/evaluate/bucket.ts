import { xxh64 } from '../../hash/index.ts';

const BUCKETS = 10_000n;
const encoder = new TextEncoder();

/**
 * The bucket of a user in an experiment, from 0 to 9,999: xxHash64 (seed 0) of the experiment's name, a zero byte and the user's
 * key in UTF-8, modulo 10,000. The same everywhere and for ever, and of one experiment says nothing about that of another. An
 * arm with 20 % of the users has the buckets below 2,000.
 */
export function bucketOf(user: string, experiment: string): number {
  return Number(xxh64(encoder.encode(`${experiment}\0${user}`)) % BUCKETS);
}
