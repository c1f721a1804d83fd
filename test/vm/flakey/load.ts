/** Clients that append at once, each over a connection of its own, and book what they send and what is answered. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, connect, TruthError } from '../../../db/client/index.ts';
import type { EventData, FoundEvent, Ledger } from './ledger.ts';

export const LOAD_CLIENTS = 3;
/** Requests of one client under way at once. */
const IN_FLIGHT = 8;
export const LOAD_UNDER_WAY = LOAD_CLIENTS * IN_FLIGHT;
const LOOK_MS = 2;
/** For a server on an emulated processor that others want too. */
export const PATIENT = { connectMillis: 60_000, timeoutMillis: 120_000 } as const;

export class Load {
  readonly #ledger: Ledger;
  readonly #clients: readonly Client[];
  readonly #refusals = new Set<string>();
  #running: Promise<unknown> = Promise.resolve();
  #answered = 0;
  #stopped = false;

  private constructor(ledger: Ledger, clients: readonly Client[]) {
    this.#ledger = ledger;
    this.#clients = clients;
  }

  /** Begins to append, and resolves once the first answers have come. */
  static async start(connection: string, ledger: Ledger): Promise<Load> {
    const clients: Client[] = [];
    // Without reconnecting, or a request would be sent again to the server started after the cut.
    for (let number = 0; number < LOAD_CLIENTS; number += 1)
      clients.push(await connect(connection, { ...PATIENT, reconnect: false }));
    const load = new Load(ledger, clients);
    load.#running = Promise.all(clients.map((client, number) => load.#append(client, number)));
    await load.answers(LOAD_UNDER_WAY);
    return load;
  }

  /** Waits until so many more requests have been acknowledged. Throws when one is refused instead. */
  async answers(count: number): Promise<void> {
    const wanted = this.#answered + count;
    while (this.#answered < wanted) {
      if (this.#refusals.size > 0) throw new Error(`an append was refused: ${this.refusals.join(', ')}`);
      await sleep(LOOK_MS);
    }
  }

  /** Waits until a request has been refused. */
  async refused(): Promise<void> {
    while (this.#refusals.size === 0) await sleep(LOOK_MS);
  }

  /** Codes of errors that were answered. */
  get refusals(): readonly string[] {
    return [...this.#refusals].toSorted();
  }

  /** Nothing more is sent. Call it when the server is gone or going: what is under way is awaited. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#clients.map((client) => client.close()));
    await this.#running;
  }

  async #append(client: Client, number: number): Promise<void> {
    const underWay = new Set<Promise<void>>();
    while (!this.#stopped) {
      const request = this.#ledger.send(number, performance.now());
      const events = request.events.map(({ id, data }) => ({ id, type: 'cut', data }));
      const append: Promise<void> = client
        .append(request.stream, events, { ack: 'durable' })
        .then(() => {
          request.acknowledgedAt = performance.now();
          this.#answered += 1;
        })
        .catch((error: unknown) => {
          this.#refusals.add(error instanceof TruthError ? error.code : String(error));
          this.#stopped = true;
        })
        .finally(() => underWay.delete(append));
      underWay.add(append);
      if (underWay.size >= IN_FLIGHT) await Promise.race(underWay);
    }
    await Promise.all(underWay);
  }
}

/** All events of the log in its order. */
export async function readEvents(client: Client): Promise<FoundEvent[]> {
  const found: FoundEvent[] = [];
  for await (const event of client.readAll()) {
    const { id, stream, revision } = event;
    found.push({ id, stream, revision, data: event.json<EventData>() });
  }
  return found;
}
