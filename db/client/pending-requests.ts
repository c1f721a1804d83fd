/**
 * Requests that wait for their answers, by number. A number is free again once its request is done; numbers go up, so the
 * place of each is simply its low bits, and one whose place is still taken is skipped.
 *
 * Not a Map, on purpose: where entries come and go all the time a Map is copied again and again, each copy refers to the
 * next, and once one has grown old all later ones, with every request ever in them, wait for a full garbage collection.
 */
const PLACES_MIN = 16;
const NUMBER_MAX = 0xffff_ffff;

export class PendingRequests<Request> {
  readonly #numberMin: number;
  #places: (Request | null)[] = new Array<Request | null>(PLACES_MIN).fill(null);
  #numbers = new Array<number>(PLACES_MIN).fill(0);
  #last: number;
  #size = 0;

  /** Numbers from `numberMin` to 2^32 − 1 are given, then from `numberMin` again. */
  constructor(numberMin: number) {
    this.#numberMin = numberMin;
    this.#last = numberMin - 1;
  }

  get size(): number {
    return this.#size;
  }

  /** The next number that no pending request has. */
  nextNumber(): number {
    if (this.#size * 2 >= this.#places.length) this.#grow();
    let number = this.#last;
    do number = number === NUMBER_MAX ? this.#numberMin : number + 1;
    while (this.#places[this.#placeOf(number)] !== null);
    this.#last = number;
    return number;
  }

  /** `number` is one that `nextNumber` gave. */
  add(number: number, request: Request): void {
    const place = this.#placeOf(number);
    this.#places[place] = request;
    this.#numbers[place] = number;
    this.#size += 1;
  }

  /** Removes a request and returns it; null when none has this number. */
  take(number: number): Request | null {
    const place = this.#placeOf(number);
    const request = this.#places[place] ?? null;
    if (request === null || this.#numbers[place] !== number) return null;
    this.#places[place] = null;
    this.#size -= 1;
    return request;
  }

  /** Removes those that `condition` is true for and returns them. */
  takeWhere(condition: (request: Request) => boolean): Request[] {
    const taken: Request[] = [];
    for (let place = 0; this.#size > 0 && place < this.#places.length; place++) {
      const request = this.#places[place] ?? null;
      if (request === null || !condition(request)) continue;
      taken.push(request);
      this.#places[place] = null;
      this.#size -= 1;
    }
    return taken;
  }

  /** All there are, in the order of their numbers, those before the numbers began again first. */
  inOrder(): [number: number, request: Request][] {
    const found: [number, Request][] = [];
    for (const [place, request] of this.#places.entries()) {
      if (request !== null) found.push([this.#numbers[place] as number, request]);
    }
    const age = (number: number) => (this.#last - number + NUMBER_MAX + 1) % (NUMBER_MAX + 1);
    return found.sort(([left], [right]) => age(right) - age(left));
  }

  #placeOf(number: number): number {
    return number & (this.#places.length - 1);
  }

  /** Numbers that differ in fewer low bits differ in more of them too: nobody loses a place. */
  #grow(): void {
    const present = this.inOrder();
    this.#places = new Array<Request | null>(this.#places.length * 2).fill(null);
    this.#numbers = new Array<number>(this.#places.length).fill(0);
    this.#size = 0;
    for (const [number, request] of present) this.add(number, request);
  }
}
