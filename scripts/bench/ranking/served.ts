/** A world in a data directory, made once in this process, and a server over it that parts ask through the SDK. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, connect } from '../../../db/client/index.ts';
import { type Engine, initDatabase, openEngine } from '../../../db/engine.ts';
import type { Micros } from '../../../db/ranking/ground.ts';
import type { RankingCommand } from '../../../db/ranking/kernel/index.ts';
import { TENANT_DEFAULT } from '../../../db/types.ts';
import { type Serving, startServing } from '../serving.ts';
import type { RankingPlan } from './findings.ts';
import { batched, draftOf, SCHEMA, World } from './world.ts';

const ENTITIES_AT_ONCE = 1_000;
const SIGNALS_AT_ONCE = 10_000;
const COMMANDS_UNDER_WAY = 4;
const SETTLED_MILLIS = 500;
const LIVE_POLL_MILLIS = 20;
const LIVE_MILLIS_MOST = 1_800_000;
const SECOND = 1_000;
/** What is asked to see whether the views are there: it wants all of them. */
const PROBE = 'RETRIEVE items FOR USER @u0 LIMIT 1';

export interface ServedClient {
  readonly serving: Serving;
  readonly client: Client;
}

export class ServedWorld {
  readonly world: World;
  readonly data: string;
  readonly #plan: Pick<RankingPlan, 'progress' | 'signal'>;
  #isBuilt = false;
  #url: string | null = null;
  #open: ServedClient | null = null;
  /** Signals a second when it was made, durable and in all views. */
  buildRate = Number.NaN;

  constructor(plan: RankingPlan, end: Micros) {
    const { size, directory } = plan;
    this.world = new World(size.served, end);
    this.data = join(directory, 'served');
    this.#plan = plan;
  }

  /** The server and a connection to it; made when nobody has asked for them yet. */
  async open(): Promise<ServedClient> {
    if (!this.#isBuilt) await this.#build();
    this.#isBuilt = true;
    this.#open ??= (await this.start()).opened;
    return this.#open;
  }

  /** Starts the server; `millis` until it answers questions. */
  async start(): Promise<{ readonly opened: ServedClient; readonly millis: number }> {
    const began = performance.now();
    const serving = await startServing({
      data: this.data,
      ...(this.#url === null ? {} : { earlier: this.#url }),
    });
    this.#url = serving.url;
    const client = await connect(serving.url);
    const opened = { serving, client };
    this.#open = opened;
    for (;;) {
      try {
        await client.ranking.retrieve(PROBE);
        break;
      } catch (error) {
        if ((error as { code?: string }).code !== 'VIEW_UNAVAILABLE') throw error;
        if (performance.now() - began > LIVE_MILLIS_MOST) throw error;
        await sleep(LIVE_POLL_MILLIS);
      }
    }
    return { opened, millis: performance.now() - began };
  }

  /** `how` killed: as if the power had gone. */
  async stop(how: 'in order' | 'killed' = 'in order'): Promise<void> {
    const opened = this.#open;
    if (opened === null) return;
    this.#open = null;
    await opened.client.close();
    await (how === 'killed' ? opened.serving.kill() : opened.serving.stop());
  }

  async #build(): Promise<void> {
    const { items, users, signals, vectors } = this.world.size;
    const { progress, signal } = this.#plan;
    progress(`${items} items (${vectors} with a vector) and ${users} users on disk`);
    initDatabase({ directory: this.data });
    const engine = await openEngine({ directory: this.data });
    try {
      for (const statement of SCHEMA) await engine.ranking.execute(TENANT_DEFAULT, statement, []);
      for (const drafts of [this.world.items(ENTITIES_AT_ONCE), this.world.users(ENTITIES_AT_ONCE)])
        await writeAll(engine, signal, drafts, (entities) => ({
          ...{ command: 'put-entities', entities, failure: 'all' },
        }));
      await settled(engine);
      progress(`${signals} signals on disk`);
      const began = performance.now();
      await writeAll(engine, signal, batched(this.world.signals(), SIGNALS_AT_ONCE, draftOf), (drafts) => ({
        ...{ command: 'signals', signals: drafts, failure: 'all' },
      }));
      this.buildRate = signals / ((performance.now() - began) / SECOND);
      await settled(engine);
    } finally {
      await engine.close();
    }
  }
}

/** Some of them under way at once. */
async function writeAll<Item>(
  engine: Engine,
  signal: AbortSignal,
  lists: Iterable<Item[]>,
  command: (list: Item[]) => RankingCommand,
): Promise<void> {
  const open: Promise<unknown>[] = [];
  for (const list of lists) {
    signal.throwIfAborted();
    open.push(engine.ranking.write(TENANT_DEFAULT, command(list)));
    if (open.length >= COMMANDS_UNDER_WAY) await open.shift();
  }
  await Promise.all(open);
}

/** What views put off is done: nothing more is written by the database itself. */
async function settled(engine: Engine): Promise<void> {
  for (let last = -1; ; await sleep(SETTLED_MILLIS)) {
    const { stable } = engine.status().log;
    if (stable === last) return;
    last = stable;
  }
}
