/** Numbers that look random and are the same every time, and vectors made of them. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** In [0, 1). Source: mulberry32. */
  next(): number {
    this.#state = (this.#state + 0x6d2b_79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  }

  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  /** About normally distributed, with deviation 1. */
  normal(): number {
    let sum = 0;
    for (let each = 0; each < 12; each++) sum += this.next();
    return sum - 6;
  }

  vector(dimensions: number): Float32Array {
    return Float32Array.from({ length: dimensions }, () => this.normal());
  }
}

/** Vectors as models make them: around centres in few dimensions, projected to many, with some noise. */
export function clustered(count: number, dimensions: number, seed: number): Float32Array[] {
  const random = new Random(seed);
  const latent = 24;
  const projection = Array.from({ length: latent }, () => random.vector(dimensions));
  const centres = Array.from({ length: Math.ceil(Math.sqrt(count)) }, () => random.vector(latent));
  return Array.from({ length: count }, () => {
    const centre = centres[random.below(centres.length)]!;
    const vector = new Float32Array(dimensions);
    for (let each = 0; each < latent; each++) {
      const weight = centre[each]! + random.normal() * 0.5;
      const direction = projection[each]!;
      for (let at = 0; at < dimensions; at++) vector[at]! += weight * direction[at]!;
    }
    for (let at = 0; at < dimensions; at++) vector[at]! += random.normal() * 0.5;
    return vector;
  });
}
