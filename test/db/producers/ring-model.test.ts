/**
 * Many producers and one port (db/producers/ring.ts, bell.ts, port.ts) as a model of single atomic accesses in the code's
 * order, walked through every interleaving. One of the producers may be ended between any two of its steps.
 */
import { expect, test } from 'vitest';
import { exploreInterleavings } from '../support/interleavings.ts';

const SLOTS = 1;
const ITEMS = 2;
const EMPTY = -1;

interface ProducerState {
  readonly at: string;
  /** Messages put. */
  readonly put: number;
  readonly published: number;
  readonly released: number;
  readonly slots: readonly number[];
  readonly bytes: readonly number[];
}

interface State {
  readonly signal: number;
  readonly waiting: boolean;
  readonly producers: readonly ProducerState[];
  readonly port: {
    readonly at: string;
    readonly seen: number;
    /** The producer being looked at. */
    readonly of: number;
    readonly moved: boolean;
    readonly taken: readonly number[];
    readonly got: readonly (readonly number[])[];
  };
}

const PRODUCER: ProducerState = {
  at: 'room?',
  put: 0,
  published: 0,
  released: 0,
  slots: new Array<number>(SLOTS).fill(EMPTY),
  bytes: new Array<number>(SLOTS).fill(EMPTY),
};

const START: State = {
  signal: 0,
  waiting: false,
  producers: [PRODUCER, PRODUCER],
  port: { at: 'read signal', seen: 0, of: 0, moved: false, taken: [0, 0], got: [[], []] },
};

/** A step of a producer, as what it changes in itself and around it; null while it cannot go on. */
type ProducerStep = (
  own: ProducerState,
  state: State,
) => { readonly own?: Partial<ProducerState>; readonly state?: Partial<State> } | null;
type ProducerSteps = Readonly<Record<string, ProducerStep>>;
type PortSteps = Readonly<Record<string, (state: State) => Partial<State> | null>>;

const go = (at: string, more: Partial<ProducerState> = {}) => ({ own: { ...more, at } });
const set = (cells: readonly number[], at: number, value: number): number[] =>
  cells.map((cell, index) => (index === at ? value : cell));

/** RingWriter.hasRoom, put, publish; Bell.ring. */
const PRODUCER_STEPS = {
  'room?': (own) => {
    if (own.put === ITEMS) return go('end');
    // Here the thread sleeps until it is told of room, which is the model of both-ways.
    return own.put - own.released === SLOTS ? null : go('copy bytes');
  },
  'copy bytes': (own) => go('fill slot', { bytes: set(own.bytes, own.put % SLOTS, own.put) }),
  'fill slot': (own) =>
    go('store published', { slots: set(own.slots, own.put % SLOTS, own.put), put: own.put + 1 }),
  'store published': (own) => go('add signal', { published: own.put }),
  'add signal': (_own, { signal }) => ({ ...go('waiting?'), state: { signal: signal + 1 } }),
  'waiting?': (_own, { waiting }) => go(waiting ? 'notify' : 'room?'),
  notify: (_own, { port }) => ({ ...go('room?'), state: { port: woken(port) } }),
  end: () => null,
  ended: () => null,
} satisfies ProducerSteps;

function woken(port: State['port']): State['port'] {
  return port.at === 'asleep' ? { ...port, at: 'clear waiting' } : port;
}

/** ProducerPort.#listen and #turn, RingReader, Bell.sleep. */
const PORT_STEPS = {
  'read signal': ({ port, signal }) => ({
    port: { ...port, at: 'published?', seen: signal, of: 0, moved: false },
  }),
  'published?': ({ port, producers }) => {
    const some = producers[port.of]!.published !== port.taken[port.of];
    return { port: some ? { ...port, at: 'read slot', moved: true } : nextProducer(port) };
  },
  'read slot': ({ port, producers }) => ({
    port: { ...port, at: 'store released', got: withTaken(port, producers[port.of]!) },
  }),
  'store released': ({ port, producers }) => {
    const taken = set(port.taken, port.of, port.taken[port.of]! + 1);
    return {
      producers: producers.map((each, index) =>
        index === port.of ? { ...each, released: taken[index]! } : each,
      ),
      port: nextProducer({ ...port, taken }),
    };
  },
  'set waiting': ({ port }) => ({ waiting: true, port: { ...port, at: 'sleep' } }),
  // Atomics.waitAsync compares and begins to wait in one step.
  sleep: ({ port, signal }) => ({
    port: { ...port, at: signal === port.seen ? 'asleep' : 'clear waiting' },
  }),
  asleep: () => null,
  'clear waiting': ({ port }) => ({ waiting: false, port: { ...port, at: 'read signal' } }),
} satisfies PortSteps;

function nextProducer(port: State['port']): State['port'] {
  if (port.of + 1 < START.producers.length) return { ...port, at: 'published?', of: port.of + 1 };
  return { ...port, at: port.moved ? 'read signal' : 'set waiting' };
}

/** The message, or EMPTY where slot and bytes do not say the same. */
function withTaken(port: State['port'], { slots, bytes }: ProducerState): number[][] {
  const slot = port.taken[port.of]! % SLOTS;
  const item = slots[slot] === bytes[slot] ? slots[slot]! : EMPTY;
  return port.got.map((each, index) => (index === port.of ? [...each, item] : [...each]));
}

function explore(producerSteps: ProducerSteps, portSteps: PortSteps) {
  const producer = (index: number, mayEnd: boolean) => (state: State) => {
    const own = state.producers[index]!;
    const change = producerSteps[own.at]?.(own, state) ?? null;
    const become = (mine: Partial<ProducerState>, around: Partial<State> = {}): State => ({
      ...state,
      ...around,
      producers: state.producers.map((each, at) => (at === index ? { ...each, ...mine } : each)),
    });
    const lives = change === null ? [] : [become(change.own ?? {}, change.state)];
    const dies = mayEnd && own.at !== 'end' && own.at !== 'ended' ? [become({ at: 'ended' })] : [];
    return [...lives, ...dies];
  };
  const port = (state: State): State[] => {
    const change = portSteps[state.port.at]?.(state) ?? null;
    return change === null ? [] : [{ ...state, ...change }];
  };
  return exploreInterleavings<State>({
    start: START,
    threads: [producer(0, true), producer(1, false), port],
    wrong: ({ port: { got } }) => got.some((items) => items.some((item, at) => item !== at)),
    ended: ({ port: { at, got }, producers: [one, other] }) =>
      at === 'asleep' &&
      other!.at === 'end' &&
      got[1]!.length === ITEMS &&
      // What a thread had published when it was ended is taken, if it lived to ring the bell; never more.
      got[0]!.length <= one!.published &&
      (one!.at === 'ended' || got[0]!.length === ITEMS),
  });
}

test('whatever the order of steps and wherever a producer ends, the others’ messages arrive whole, once and in order', () => {
  const { states, stuck, wrong } = explore(PRODUCER_STEPS, PORT_STEPS);
  expect(states).toBeGreaterThan(5000);
  expect(wrong).toEqual([]);
  expect(stuck).toEqual([]);
});

test('the model notices a producer that publishes before it has written', () => {
  const careless = {
    ...PRODUCER_STEPS,
    'room?': (own: ProducerState) => {
      const next = PRODUCER_STEPS['room?'](own);
      return next?.own?.at === 'copy bytes' ? go('store published') : next;
    },
    'store published': (own: ProducerState) => go('copy bytes', { published: own.put + 1 }),
    'fill slot': (own: ProducerState) => ({
      own: { ...PRODUCER_STEPS['fill slot'](own).own, at: 'add signal' },
    }),
  };
  expect(explore(careless, PORT_STEPS).wrong).not.toEqual([]);
});

test('the model notices a producer that rings before it publishes', () => {
  const careless: ProducerSteps = {
    ...PRODUCER_STEPS,
    'fill slot': (own) => ({ own: { ...PRODUCER_STEPS['fill slot'](own).own, at: 'add signal' } }),
    'waiting?': (_own, { waiting }) => go(waiting ? 'notify' : 'store published'),
    notify: (_own, { port }) => ({ ...go('store published'), state: { port: woken(port) } }),
    'store published': (own) => go('room?', { published: own.put }),
  };
  expect(explore(careless, PORT_STEPS).stuck).not.toEqual([]);
});

test('the model notices a producer that rings without making the signal differ', () => {
  const careless: ProducerSteps = {
    ...PRODUCER_STEPS,
    'store published': (own) => go('waiting?', { published: own.put }),
  };
  expect(explore(careless, PORT_STEPS).stuck).not.toEqual([]);
});

test('the model notices a producer that claims the wake-up for itself alone', () => {
  const careless: ProducerSteps = {
    ...PRODUCER_STEPS,
    'waiting?': (_own, { waiting }) => ({ ...go(waiting ? 'notify' : 'room?'), state: { waiting: false } }),
  };
  expect(explore(careless, PORT_STEPS).stuck).not.toEqual([]);
});

test('the model notices a producer that does not look at what was released', () => {
  const careless: ProducerSteps = {
    ...PRODUCER_STEPS,
    'room?': (own) => (own.put === ITEMS ? go('end') : go('copy bytes')),
  };
  expect(explore(careless, PORT_STEPS).wrong).not.toEqual([]);
});

test('the model notices a port that gives a slot back before it has read it', () => {
  const careless: PortSteps = {
    ...PORT_STEPS,
    'published?': (state) => {
      const { port, producers } = state;
      if (producers[port.of]!.published === port.taken[port.of]) return { port: nextProducer(port) };
      const released = port.taken[port.of]! + 1;
      return {
        producers: producers.map((each, index) => (index === port.of ? { ...each, released } : each)),
        port: { ...port, at: 'read slot', moved: true },
      };
    },
  };
  expect(explore(PRODUCER_STEPS, careless).wrong).not.toEqual([]);
});

test('the model notices a port that sleeps without comparing the signal', () => {
  const careless: PortSteps = {
    ...PORT_STEPS,
    sleep: ({ port }) => ({ port: { ...port, at: 'asleep' } }),
  };
  expect(explore(PRODUCER_STEPS, careless).stuck).not.toEqual([]);
});

test('the model notices a port that looks for work before it reads the signal', () => {
  const careless: PortSteps = {
    ...PORT_STEPS,
    'read signal': ({ port }) => ({ port: { ...port, at: 'published?', of: 0, moved: false } }),
    'set waiting': ({ port, signal }) => ({ waiting: true, port: { ...port, at: 'sleep', seen: signal } }),
  };
  expect(explore(PRODUCER_STEPS, careless).stuck).not.toEqual([]);
});

test('the model notices a port that says that it waits only when it waits already', () => {
  const careless: PortSteps = {
    ...PORT_STEPS,
    'set waiting': ({ port, signal }) => ({
      port: { ...port, at: signal === port.seen ? 'asleep' : 'clear waiting' },
    }),
    asleep: ({ waiting }) => (waiting ? null : { waiting: true }),
  };
  expect(explore(PRODUCER_STEPS, careless).stuck).not.toEqual([]);
});
