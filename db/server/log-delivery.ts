/**
 * One stream of the log's bytes to one connection. A receiver that stalls holds one piece and an open file, and nothing the
 * writer needs.
 */
import type { Engine } from '../engine.ts';
import { encodeLogFrame, type LogFrame, PAGE_BYTES_TARGET, type StreamLog } from '../protocol/index.ts';
import { SEQUENCE_NONE, type Sequence } from '../types.ts';
import type { FollowerStand, LogBytesRequest, LogPiece } from '../wal/index.ts';
import type { Counters } from './counters.ts';
import { Delivery } from './delivery.ts';
import type { Outbox } from './outbox.ts';
import type { Principal, SessionHost } from './session-host.ts';

export class LogDelivery extends Delivery {
  readonly #engine: Engine;
  readonly #request: number;
  readonly #from: StreamLog['from'];
  readonly #name: string;
  readonly #counters: Counters;
  readonly #follower: FollowerStand | undefined;
  readonly #gaps: boolean;

  constructor(
    host: Pick<SessionHost, 'engine' | 'counters'>,
    principal: Principal,
    out: Outbox,
    request: number,
    stream: StreamLog,
  ) {
    super(out, stream.credit);
    this.#engine = host.engine;
    this.#counters = host.counters;
    this.#name = principal.name;
    this.#request = request;
    this.#from = stream.from;
    this.#gaps = stream.gaps;
    const { follower } = stream;
    this.#follower = follower === null ? undefined : { name: follower, kept: keptAt(stream.from) };
  }

  /** The follower has everything up to there on its disk. */
  kept(sequence: Sequence): void {
    const follower = this.#follower;
    if (follower !== undefined && sequence > follower.kept) follower.kept = sequence;
  }

  protected async deliver(sent: () => void): Promise<void> {
    const request = {
      from: placeOf(this.#from),
      name: this.#name,
      follower: this.#follower,
      gaps: this.#gaps,
      signal: this.signal,
    };
    for await (const piece of this.#engine.logBytes(request)) {
      for (const frame of framesOf(piece)) {
        if (!(await this.room())) return;
        this.#counters.logStreamBytes += this.send((out) => encodeLogFrame(out, this.#request, frame));
        sent();
      }
      // The next piece is not even read before it may be sent.
      if (!(await this.room())) return;
    }
  }
}

function placeOf(from: StreamLog['from']): LogBytesRequest['from'] {
  if (from === null) return 'start';
  if (typeof from === 'number') return (from + 1) as Sequence;
  const { after, segment, offset, chain } = from;
  return { sequence: after, segment, offset, chain };
}

/** What a follower has at most when it asks. */
function keptAt(from: StreamLog['from']): Sequence {
  if (from === null) return SEQUENCE_NONE;
  return typeof from === 'number' ? from : from.after;
}

/** Large groups travel in several frames. */
function* framesOf(piece: LogPiece): Generator<LogFrame> {
  if (piece.kind !== 'bytes') {
    yield piece;
    return;
  }
  const { offset, bytes } = piece;
  for (let at = 0; at < bytes.length; at += PAGE_BYTES_TARGET) {
    yield { kind: 'bytes', offset: offset + at, bytes: bytes.subarray(at, at + PAGE_BYTES_TARGET) };
  }
}
