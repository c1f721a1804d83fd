/** A TCP proxy between client and server that cuts connections when told to: the network as it is. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export class CuttingProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #target: number;
  /** Bytes still let through towards the server before the next cut; null: no limit. */
  budget: number | null = null;
  cuts = 0;

  constructor(target: number) {
    this.#target = target;
    this.#server = createServer((incoming) => this.#join(incoming));
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  #join(incoming: Socket): void {
    const outgoing = connect(this.#target, '127.0.0.1');
    for (const [from, to] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      this.#sockets.add(from);
      from.on('data', (chunk: Buffer) => {
        if (this.budget !== null) {
          this.budget -= chunk.length;
          if (this.budget <= 0) {
            // Part of what came is still let through: cuts fall anywhere.
            to.write(chunk.subarray(0, chunk.length >> 1));
            this.cut();
            return;
          }
        }
        to.write(chunk);
      });
      from.on('error', () => undefined);
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }

  cut(): void {
    this.cuts += 1;
    this.budget = null;
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
