/**
 * Reading PostgreSQL's parse trees so that nothing in them goes unnoticed: a reader notes which fields were asked for, and a
 * translation ends by refusing what is left. A clause that nobody thought of is then an error, never silently ignored.
 */

/** A node's fields as libpg-query writes them: what has its default value (0, false, '', null) is left out. */
export interface TreeFields {
  readonly [field: string]: unknown;
}

export class Tree {
  readonly tag: string;
  readonly #fields: TreeFields;
  readonly #asked: string[] = [];

  constructor(tag: string, fields: TreeFields) {
    this.tag = tag;
    this.#fields = fields;
  }

  /** `{ Tag: { … } }`, as children stand in lists and in fields of any kind of node. An empty object has the tag ''. */
  static of(value: unknown): Tree {
    for (const [tag, fields] of Object.entries(value as TreeFields))
      return new Tree(tag, fields as TreeFields);
    return new Tree('', {});
  }

  child(field: string): Tree | null {
    const value = this.#ask(field);
    return value === undefined ? null : Tree.of(value);
  }

  /** A child whose kind follows from the field, written without its tag. */
  childOf(field: string, tag: string): Tree | null {
    const value = this.#ask(field);
    return value === undefined ? null : new Tree(tag, value as TreeFields);
  }

  list(field: string): readonly Tree[] {
    return ((this.#ask(field) as readonly unknown[] | undefined) ?? []).map((value) => Tree.of(value));
  }

  text(field: string): string | null {
    return (this.#ask(field) as string | undefined) ?? null;
  }

  number(field: string): number {
    return (this.#ask(field) as number | undefined) ?? 0;
  }

  flag(field: string): boolean {
    return this.#ask(field) === true;
  }

  has(field: string): boolean {
    return this.#ask(field) !== undefined;
  }

  /** Strings of a list of names. */
  names(field: string): readonly string[] {
    return this.list(field).map((item) => item.text('sval') ?? '');
  }

  /** Fields that carry nothing the database has to know. */
  ignore(...fields: readonly string[]): void {
    this.#asked.push(...fields);
  }

  /** The first field nobody asked for, or null. */
  get unread(): string | null {
    return (
      Object.keys(this.#fields).find((field) => field !== 'location' && !this.#asked.includes(field)) ?? null
    );
  }

  /** Bytes from the beginning of the grammar's text; -1 where neither the node nor anything in it says. */
  get location(): number {
    const own = this.#fields['location'];
    return typeof own === 'number' ? own : firstLocation(this.#fields);
  }

  #ask(field: string): unknown {
    this.#asked.push(field);
    return this.#fields[field];
  }
}

/** The smallest place named anywhere below; no recursion: what the grammar takes can nest deeper than what we take. */
function firstLocation(value: unknown): number {
  let first = -1;
  const open: unknown[] = [value];
  while (open.length > 0) {
    const next = open.pop();
    if (typeof next !== 'object' || next === null) continue;
    const location = (next as TreeFields)['location'];
    if (typeof location === 'number' && location >= 0 && (first < 0 || location < first)) first = location;
    for (const value of Object.values(next)) open.push(value);
  }
  return first;
}
