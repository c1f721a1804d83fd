/** Vectors with as much structure as embeddings of real things have: topics, directions that they share, and some noise. */
import { Random } from './random.ts';

const SEED = 3;
const DIRECTIONS = 24;
/** Lengths of the parts beside the centre's 1, about. */
const ALONG = 1;
const NOISE = 0.25;

/** One after the other; the n-th belongs to topic n mod `topics`. Each is a new array. */
export function* makeVectors(count: number, dimensions: number, topics: number): Generator<Float32Array> {
  const random = new Random(SEED);
  const centres = Array.from({ length: topics }, () => spread(random, dimensions, 1));
  const directions = Array.from({ length: DIRECTIONS }, () =>
    spread(random, dimensions, ALONG / Math.sqrt(DIRECTIONS)),
  );
  const noise = NOISE / Math.sqrt(dimensions);
  for (let at = 0; at < count; at++) {
    const vector = centres[at % topics]!.slice();
    for (const direction of directions) {
      const step = random.normal();
      for (let axis = 0; axis < dimensions; axis++) vector[axis]! += step * direction[axis]!;
    }
    for (let axis = 0; axis < dimensions; axis++) vector[axis]! += noise * random.normal();
    yield vector;
  }
}

/** Random numbers that make a vector about as long as `length`. */
function spread(random: Random, dimensions: number, length: number): Float32Array {
  const scale = length / Math.sqrt(dimensions);
  return Float32Array.from({ length: dimensions }, () => scale * random.normal());
}
