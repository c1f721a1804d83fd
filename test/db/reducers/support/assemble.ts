/** Programs put together by hand: bytes of instructions in, a module out. */

export const I32 = 0x7f;
export const I64 = 0x7e;
export const F32 = 0x7d;
export const F64 = 0x7c;

export interface Signature {
  readonly params: readonly number[];
  readonly results: readonly number[];
}

export interface HandMade extends Signature {
  /** Exported under it. */
  readonly name: string;
  /** Types of locals behind the parameters. */
  readonly locals: readonly number[];
  /** Instructions, without the end. */
  readonly body: readonly number[];
}

export interface ModuleParts {
  readonly functions: readonly HandMade[];
  /** Types beside those of the functions. */
  readonly types?: readonly Signature[];
  readonly imports?: readonly { readonly module: string; readonly name: string; readonly type: number }[];
  /** Pages at first and at most. */
  readonly memory?: readonly [number, number];
  /** Initial values of mutable i32 globals. */
  readonly globals?: readonly number[];
  /** Functions, by number, that the table holds. */
  readonly table?: readonly number[];
  /** At address 16. */
  readonly data?: readonly number[];
  /** Sections put in as they are: number and content. */
  readonly extra?: readonly (readonly [number, readonly number[]])[];
}

export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return [...bytes, rest];
}

/** Of a number that fits 32 bits. */
export function signed(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value | 0; ; ) {
    const low = rest & 0x7f;
    rest >>= 7;
    if ((rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0)) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}

function list(parts: readonly (readonly number[])[]): number[] {
  return [...unsigned(parts.length), ...parts.flat()];
}

function sized(bytes: readonly number[]): number[] {
  return [...unsigned(bytes.length), ...bytes];
}

function text(name: string): number[] {
  return sized([...Buffer.from(name)]);
}

/** The types of the functions come first, in their order; then those given. */
export function moduleOf(parts: ModuleParts): Uint8Array<ArrayBuffer> {
  const {
    functions,
    types = [],
    imports = [],
    memory = [1, 1],
    globals = [],
    table = [],
    data = [],
    extra = [],
  } = parts;
  const signatures = [...functions, ...types];
  const section = (id: number, content: readonly number[]): [number, number[]] => [
    id,
    [id, ...sized(content)],
  ];
  const sections = [
    section(1, list(signatures.map(({ params, results }) => [0x60, ...sized(params), ...sized(results)]))),
    section(
      2,
      list(imports.map(({ module, name, type }) => [...text(module), ...text(name), 0, ...unsigned(type)])),
    ),
    section(3, list(functions.map((_, index) => unsigned(index)))),
    ...(table.length === 0 ? [] : [section(4, list([[0x70, 0, ...unsigned(table.length)]]))]),
    section(5, list([[1, ...unsigned(memory[0]), ...unsigned(memory[1])]])),
    section(6, list(globals.map((value) => [I32, 1, 0x41, ...signed(value), 0x0b]))),
    section(
      7,
      list([
        ...functions.map(({ name }, index) => [...text(name), 0, ...unsigned(imports.length + index)]),
        [...text('memory'), 2, 0],
      ]),
    ),
    ...(table.length === 0 ? [] : [section(9, list([[0, 0x41, 0, 0x0b, ...list(table.map(unsigned))]]))]),
    section(10, list(functions.map(codeOf))),
    ...(data.length === 0 ? [] : [section(11, list([[0, 0x41, 16, 0x0b, ...sized(data)]]))]),
    ...extra.map(([id, content]) => section(id, content)),
  ];
  const inOrder = sections.sort(([a], [b]) => placeOf(a) - placeOf(b)).flatMap(([, bytes]) => bytes);
  return Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...inOrder]);
}

/** Stable: what is given twice stays twice. */
function placeOf(id: number): number {
  return id === 12 ? 9.5 : id;
}

function codeOf({ locals, body }: HandMade): number[] {
  return sized([...list(locals.map((type) => [1, type])), ...body, 0x0b]);
}
