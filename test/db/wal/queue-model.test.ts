/**
 * The protocol of db/wal/queue.ts as a model of single atomic steps, walked through every interleaving of its two threads.
 * Each step below is one atomic access in the code, in the code's order; sleeping has no time-out here, so a lost wake-up
 * shows as a state in which nobody can go on.
 */
import { expect, test } from 'vitest';
import { type Exploration, exploreInterleavings } from '../support/interleavings.ts';

const SLOTS = 2;
const ITEMS = 4;

interface State {
  readonly published: number;
  readonly released: number;
  readonly signal: number;
  readonly waiting: boolean;
  readonly stop: boolean;
  readonly slots: readonly number[];
  readonly producer: { readonly at: string; readonly made: number; readonly releasedSeen: number };
  readonly consumer: {
    readonly at: string;
    readonly taken: number;
    readonly seen: number;
    readonly got: readonly number[];
  };
}

type Step = (state: State) => Partial<State> | null;

const START: State = {
  published: 0,
  released: 0,
  signal: 0,
  waiting: false,
  stop: false,
  slots: Array.from({ length: SLOTS }, () => -1),
  producer: { at: 'room', made: 0, releasedSeen: 0 },
  consumer: { at: 'stopping?', taken: 0, seen: 0, got: [] },
};

/** QueueProducer.hasRoom, publish, stop. */
const PRODUCER = {
  room: ({ producer, released }) => {
    const seen = { ...producer, releasedSeen: released };
    if (producer.made === ITEMS) return { producer: { ...seen, at: 'store stop' } };
    // BUSY: the caller tries again later.
    const full = producer.made - released === SLOTS;
    return { producer: { ...seen, at: full ? 'room' : 'fill slot' } };
  },
  'fill slot': ({ producer, slots }) => ({
    slots: slots.map((item, slot) => (slot === producer.made % SLOTS ? producer.made : item)),
    producer: { ...producer, at: 'store published', made: producer.made + 1 },
  }),
  'store published': ({ producer }) => ({
    published: producer.made,
    producer: { ...producer, at: 'add signal' },
  }),
  'add signal': ({ producer, signal }) => ({ signal: signal + 1, producer: { ...producer, at: 'waiting?' } }),
  'waiting?': ({ producer, waiting, stop }) => {
    const next = stop ? 'end' : 'room';
    return { producer: { ...producer, at: waiting ? 'notify' : next } };
  },
  notify: ({ producer, consumer, stop }) => ({
    producer: { ...producer, at: stop ? 'end' : 'room' },
    consumer: consumer.at === 'asleep' ? { ...consumer, at: 'clear waiting' } : consumer,
  }),
  'store stop': ({ producer }) => ({ stop: true, producer: { ...producer, at: 'add signal' } }),
} satisfies Readonly<Record<string, Step>>;

/** The same without a stop at the end, whose signal would cover up a wake-up lost before. */
const ENDLESS_PRODUCER: Readonly<Record<string, Step>> = {
  ...PRODUCER,
  room: (state) =>
    state.producer.made === ITEMS ? { producer: { ...state.producer, at: 'end' } } : PRODUCER.room(state),
};

/** The writer thread's loop: stopping, cycle, wait. */
const CONSUMER: Readonly<Record<string, Step>> = {
  'stopping?': ({ consumer, stop }) => ({
    consumer: { ...consumer, at: stop ? 'stopping and empty?' : 'available?' },
  }),
  'stopping and empty?': ({ consumer, published }) => ({
    consumer: { ...consumer, at: published === consumer.taken ? 'end' : 'take' },
  }),
  'available?': ({ consumer, published }) => ({
    consumer: { ...consumer, at: published === consumer.taken ? 'read signal' : 'take' },
  }),
  take: ({ consumer, slots }) => ({
    consumer: { ...consumer, at: 'store released', got: [...consumer.got, slots[consumer.taken % SLOTS]!] },
  }),
  'store released': ({ consumer }) => ({
    released: consumer.taken + 1,
    consumer: { ...consumer, at: 'stopping?', taken: consumer.taken + 1 },
  }),
  'read signal': ({ consumer, signal }) => ({ consumer: { ...consumer, at: 'still none?', seen: signal } }),
  'still none?': ({ consumer, published }) => ({
    consumer: { ...consumer, at: published === consumer.taken ? 'still not stopping?' : 'stopping?' },
  }),
  'still not stopping?': ({ consumer, stop }) => ({
    consumer: { ...consumer, at: stop ? 'stopping?' : 'set waiting' },
  }),
  'set waiting': ({ consumer }) => ({ waiting: true, consumer: { ...consumer, at: 'sleep' } }),
  // Atomics.wait compares and goes to sleep in one step.
  sleep: ({ consumer, signal }) => ({
    consumer: { ...consumer, at: signal === consumer.seen ? 'asleep' : 'clear waiting' },
  }),
  asleep: () => null,
  'clear waiting': ({ consumer }) => ({ waiting: false, consumer: { ...consumer, at: 'stopping?' } }),
};

test('in every interleaving all items arrive, once and in order, no slot is reused early, and nobody sleeps for ever', () => {
  for (const producer of [PRODUCER, ENDLESS_PRODUCER]) {
    const { states, stuck, wrong } = explore(producer, CONSUMER);
    expect(states).toBeGreaterThan(500);
    expect(wrong).toEqual([]);
    expect(stuck).toEqual([]);
  }
});

test('the model notices a consumer that sleeps without comparing the signal', () => {
  const careless = {
    ...CONSUMER,
    sleep: ({ consumer }: State) => ({ consumer: { ...consumer, at: 'asleep' } }),
  };
  expect(explore(ENDLESS_PRODUCER, careless).stuck).not.toEqual([]);
});

test('the model notices a consumer that looks for work before it reads the signal', () => {
  const careless = {
    ...CONSUMER,
    'available?': ({ consumer, published }: State) => ({
      consumer: { ...consumer, at: published === consumer.taken ? 'still none?' : 'take' },
    }),
    'set waiting': ({ consumer, signal }: State) => ({
      waiting: true,
      consumer: { ...consumer, at: 'sleep', seen: signal },
    }),
  };
  expect(explore(ENDLESS_PRODUCER, careless).stuck).not.toEqual([]);
});

test('the model notices a producer that signals before it publishes', () => {
  const careless = {
    ...ENDLESS_PRODUCER,
    'fill slot': (state: State) => ({ ...PRODUCER['fill slot'](state), ...afterFill(state, 'add signal') }),
    'add signal': ({ producer, signal }: State) => ({
      signal: signal + 1,
      producer: { ...producer, at: 'waiting?' },
    }),
    'waiting?': ({ producer, waiting, stop }: State) => ({
      producer: { ...producer, at: waiting ? 'notify' : stop ? 'end' : 'store published' },
    }),
    notify: (state: State) => ({
      ...PRODUCER.notify(state),
      producer: { ...state.producer, at: state.stop ? 'end' : 'store published' },
    }),
    'store published': ({ producer }: State) => ({
      published: producer.made,
      producer: { ...producer, at: 'room' },
    }),
  };
  expect(explore(careless, CONSUMER).stuck).not.toEqual([]);
});

test('the model notices a producer that does not wait for room', () => {
  const careless = {
    ...PRODUCER,
    room: ({ producer }: State) => ({
      producer: { ...producer, at: producer.made === ITEMS ? 'store stop' : 'fill slot' },
    }),
  };
  expect(explore(careless, CONSUMER).wrong).not.toEqual([]);
});

function afterFill({ producer }: State, at: string): Pick<State, 'producer'> {
  return { producer: { ...producer, at, made: producer.made + 1 } };
}

/** `stuck`: ends in which a thread is not where it should rest or something was not delivered; `wrong`: deliveries out of order or overwritten. */
function explore(
  producer: Readonly<Record<string, Step>>,
  consumer: Readonly<Record<string, Step>>,
): Exploration {
  const after = (state: State, change: Partial<State> | null | undefined): State[] =>
    change == null ? [] : [{ ...state, ...change }];
  return exploreInterleavings({
    start: START,
    threads: [
      (state) => after(state, producer[state.producer.at]?.(state)),
      (state) => after(state, consumer[state.consumer.at]?.(state)),
    ],
    wrong: ({ consumer: { got } }) => got.some((item, at) => item !== at),
    ended: (state) => {
      const rests = state.consumer.at === (state.stop ? 'end' : 'asleep');
      return state.producer.at === 'end' && rests && state.consumer.got.length === ITEMS;
    },
  });
}
