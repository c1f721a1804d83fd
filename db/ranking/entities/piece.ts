/**
 * What a checkpoint is made of here: pieces whose names say what they are and end with a digest of what is in them. So a piece
 * that has not changed is not written again, and the digest of the whole is one of names.
 */
import { createHash } from 'node:crypto';

export interface Piece {
  /** Without the digest. */
  readonly name: string;
  /** Of the content; worked out once and kept for as long as nothing changes. */
  digest(): string;
  /** The content of the moment the piece was made, whatever happens since. */
  chunks(): readonly Uint8Array[];
}

const DIGEST_CHARACTERS = 32;

export function digestOf(chunks: Iterable<Uint8Array>): string {
  const hash = createHash('sha256');
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest('hex').slice(0, DIGEST_CHARACTERS);
}

/** A piece of bytes that nobody changes any more. */
export function smallPiece(name: string, bytes: Uint8Array): Piece {
  let digest: string | null = null;
  return {
    name,
    digest: () => {
      digest ??= digestOf([bytes]);
      return digest;
    },
    chunks: () => [bytes],
  };
}

/** Parts have words joined by dashes for names. */
export function partName(piece: Piece): string {
  return `${piece.name.replaceAll('.', '-')}-${piece.digest()}`;
}

/** The name of a piece out of that of its part. */
export function pieceName(part: string): string {
  return part.slice(0, Math.max(0, part.lastIndexOf('-'))).replaceAll('-', '.');
}
