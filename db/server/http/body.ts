/** Reads a request body, never more of it than allowed. */
import type { IncomingMessage } from 'node:http';
import { TruthError } from '../../errors.ts';

/** Errors: TOO_LARGE, INVALID_ARGUMENT (not UTF-8), CONNECTION (the client went). */
export async function readBody(incoming: IncomingMessage, bytesMax: number): Promise<string> {
  if (Number(incoming.headers['content-length'] ?? 0) > bytesMax) throw tooLarge(bytesMax);
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > bytesMax) throw tooLarge(bytesMax);
      chunks.push(chunk);
    }
  } catch (cause) {
    if (cause instanceof TruthError) throw cause;
    throw new TruthError('CONNECTION', 'the connection ended inside the body', {}, { cause });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch (cause) {
    throw new TruthError('INVALID_ARGUMENT', 'the body is not UTF-8', {}, { cause });
  }
}

function tooLarge(bytesMax: number): TruthError {
  return new TruthError('TOO_LARGE', `a body may have ${bytesMax} bytes; send fewer events at once`, {
    limit: bytesMax,
  });
}
