/**
 * One function rewritten.
 *
 *  - It takes its share of the stack when it is entered and gives it back where it is left. The share is what a frame holds:
 *    parameters, locals, the most values that lie on its stack, and a few words. So calls go as deep everywhere.
 *  - Each straight run of instructions pays for itself before it begins; a run ends at every branch and where one can arrive.
 *    A loop's body begins with a run, so nothing goes round for nothing.
 *  - What copies or fills memory pays for the length in addition.
 *  - NaNs get the same bits where bits can be seen, and only there: before floats go to memory, before they are looked at
 *    as integers, and before a sign is copied from them. Locals, globals and arithmetic show no bits, and no float goes to the host.
 */
import { ByteBuilder } from './byte-builder.ts';
import { ByteCursor } from './byte-cursor.ts';
import { type FunctionCode, type FunctionType, type Module, VALUE, valueType } from './module.ts';
import { OP, operation } from './operations.ts';
import { refused } from './refused.ts';
import { StackHeight } from './stack-height.ts';

/** Slots of every frame beside its values: return address, frame pointers, what is saved of registers. */
const FRAME_SLOTS = 12;
const SCRATCH_LOCALS = 3;
const EMPTY = 0x40;
/** Bytes of memory copied or filled for one instruction's cost: 2^5. */
const BULK_SHIFT = 5;
const NESTING_MAX = 1_000;
const F32_NAN = Uint8Array.of(0, 0, 0xc0, 0x7f);
const F64_NAN = Uint8Array.of(0, 0, 0, 0, 0, 0, 0xf8, 0x7f);

export interface Counters {
  /** Numbers of the globals. */
  readonly fuel: number;
  readonly stack: number;
  /** The number of a type that takes nothing and leaves these. */
  readonly blockType: (results: readonly number[]) => number;
}

/** The function's whole code, locals included, without its size. */
export function rewriteFunction(
  module: Module,
  type: FunctionType,
  code: FunctionCode,
  counters: Counters,
): Uint8Array {
  return new Rewriting(module, type, code, counters).run();
}

class Rewriting {
  readonly #module: Module;
  readonly #type: FunctionType;
  readonly #code: FunctionCode;
  readonly #counters: Counters;
  readonly #cursor: ByteCursor;
  readonly #height = new StackHeight();
  readonly #out = new ByteBuilder();
  /** The run that is being read, and what it costs so far. */
  readonly #run = new ByteBuilder();
  #cost = 0;
  readonly #scratch: number;

  constructor(module: Module, type: FunctionType, code: FunctionCode, counters: Counters) {
    this.#module = module;
    this.#type = type;
    this.#code = code;
    this.#counters = counters;
    this.#cursor = new ByteCursor(module.bytes, code.from, code.to);
    this.#scratch = type.params.length + code.locals.reduce((sum, { count }) => sum + count, 0);
  }

  run(): Uint8Array {
    while (this.#height.depth >= 0) this.#instruction();
    if (!this.#cursor.done) throw refused('a function goes on behind its end', this.#cursor.at);
    const share = FRAME_SLOTS + this.#scratch + SCRATCH_LOCALS + this.#height.max;
    const { stack, blockType } = this.#counters;
    const { results } = this.#type;
    const whole = new ByteBuilder();
    this.#declareLocals(whole);
    this.#spend(whole, stack, share);
    whole.u8(OP.block);
    if (results.length === 0) whole.u8(EMPTY);
    else if (results.length === 1) whole.u8(results[0]!);
    else whole.s32(blockType(results));
    whole.add(this.#out.take()).u8(OP.end);
    whole.u8(OP.globalGet).u32(stack).u8(OP.i32Const).s32(share).u8(OP.i32Add, OP.globalSet).u32(stack);
    return whole.u8(OP.end).take();
  }

  #declareLocals(whole: ByteBuilder): void {
    whole.u32(this.#code.locals.length + SCRATCH_LOCALS);
    for (const { count, type } of this.#code.locals) whole.u32(count).u8(type);
    for (const type of [VALUE.i32, VALUE.f32, VALUE.f64]) whole.u32(1).u8(type);
  }

  /** Takes from a counter, and stops where it falls below nothing. */
  #spend(into: ByteBuilder, counter: number, amount: number): void {
    into.u8(OP.globalGet).u32(counter).u8(OP.i32Const).s32(amount).u8(OP.i32Sub);
    this.#setCounter(into, counter);
  }

  #setCounter(into: ByteBuilder, counter: number): void {
    into.u8(OP.globalSet).u32(counter).u8(OP.globalGet).u32(counter).u8(OP.i32Const).s32(0);
    into.u8(OP.i32LtS, OP.if, EMPTY, OP.unreachable, OP.end);
  }

  /** Ends a run. */
  #flush(): void {
    if (this.#cost > 0) this.#spend(this.#out, this.#counters.fuel, this.#cost);
    this.#out.add(this.#run.take());
    this.#run.clear();
    this.#cost = 0;
  }

  #instruction(): void {
    const cursor = this.#cursor;
    const start = cursor.at;
    const first = cursor.u8();
    const code = first === 0xfc ? 0xfc00 + Math.min(cursor.u32(), 0xff) : first;
    const known = operation(code);
    if (known === null) throw unknown(code, start);
    this.#cost += known.cost;
    this.#height.change(known.takes, known.leaves);
    this.#before(code);
    switch (known.immediate) {
      case 'block':
        this.#block(code, start);
        return;
      case 'function':
        this.#called(this.#functionType(cursor.u32(), start));
        break;
      case 'type': {
        const type = this.#module.types[cursor.u32()];
        if (type === undefined || cursor.u8() !== 0) throw refused('a call names no type', start);
        this.#called(type);
        break;
      }
      case 'labels':
        for (let left = cursor.count(); left >= 0; left--) cursor.u32();
        break;
      case 'label':
      case 'local':
      case 'global':
        this.#numbered(code, cursor.u32(), start);
        break;
      default:
        this.#skip(known.immediate, start);
    }
    this.#after(code, start);
  }

  /** What stands in front of an instruction; the values it takes are on the stack. */
  #before(code: number): void {
    switch (code) {
      case OP.f32Store:
      case OP.i32ReinterpretF32:
      case OP.f32Copysign:
        this.#settleNan(this.#scratch + 1, OP.f32Const, F32_NAN, OP.f32Eq);
        return;
      case OP.f64Store:
      case OP.i64ReinterpretF64:
      case OP.f64Copysign:
        this.#settleNan(this.#scratch + 2, OP.f64Const, F64_NAN, OP.f64Eq);
        return;
      case OP.memoryInit:
      case OP.memoryCopy:
      case OP.memoryFill:
        this.#payForLength();
        return;
    }
  }

  /** A number that is not itself becomes the one NaN. */
  #settleNan(local: number, constant: number, nan: Uint8Array, equal: number): void {
    const run = this.#run;
    run.u8(OP.localTee).u32(local).u8(constant).add(nan);
    run.u8(OP.localGet).u32(local).u8(OP.localGet).u32(local).u8(equal, OP.select);
  }

  /** The length is on top. Shifted by 5 it is below 2^27, so the counter cannot wrap. */
  #payForLength(): void {
    const { fuel } = this.#counters;
    const run = this.#run;
    run.u8(OP.localSet).u32(this.#scratch).u8(OP.globalGet).u32(fuel);
    run.u8(OP.localGet).u32(this.#scratch).u8(OP.i32Const).s32(BULK_SHIFT).u8(OP.i32ShrU, OP.i32Sub);
    this.#setCounter(run, fuel);
    run.u8(OP.localGet).u32(this.#scratch);
  }

  #block(code: number, start: number): void {
    const cursor = this.#cursor;
    const type = cursor.s33();
    const shape = this.#blockShape(type, start);
    if (this.#height.depth >= NESTING_MAX)
      throw refused(`blocks are nested deeper than ${NESTING_MAX}`, start);
    this.#height.enter(shape.params.length, shape.results.length);
    this.#run.add(cursor.bytes.subarray(start, cursor.at));
    if (code !== OP.block) this.#flush();
  }

  #blockShape(type: number, start: number): FunctionType {
    if (type === -64) return { params: [], results: [] };
    if (type < 0) return { params: [], results: [valueType(new ByteCursor(Uint8Array.of(type + 128)))] };
    const shape = this.#module.types[type];
    if (shape === undefined) throw refused(`there is no type ${type}`, start);
    return shape;
  }

  #functionType(index: number, start: number): FunctionType {
    const { imports, functions, types } = this.#module;
    const type = index < imports.length ? imports[index]!.type : functions[index - imports.length];
    if (type === undefined) throw refused(`there is no function ${index}`, start);
    return types[type]!;
  }

  #called({ params, results }: FunctionType): void {
    this.#height.change(params.length, results.length);
  }

  #numbered(code: number, number: number, start: number): void {
    const { globals } = this.#module;
    const isGlobal = code === OP.globalGet || code === OP.globalSet;
    const isLocal = code >= OP.localGet && code <= OP.localTee;
    // What is added must be out of a program's reach.
    if (isGlobal && number >= globals.length) throw refused(`there is no global ${number}`, start);
    if (isLocal && number >= this.#scratch) throw refused(`there is no local ${number}`, start);
    if (!isGlobal && !isLocal && number > this.#height.depth)
      throw refused(`there is no label ${number}`, start);
  }

  #skip(immediate: string, start: number): void {
    const cursor = this.#cursor;
    switch (immediate) {
      case 'none':
        return;
      case 'address': {
        const align = cursor.u32();
        if (align > 3) throw refused('an address is of another memory, or aligned oddly', start);
        cursor.u32();
        return;
      }
      case 'memory':
        if (cursor.u8() !== 0) throw refused('it uses a second memory', start);
        return;
      case 'two memories':
        if (cursor.u8() !== 0 || cursor.u8() !== 0) throw refused('it uses a second memory', start);
        return;
      case 'data':
        cursor.u32();
        if (cursor.u8() !== 0) throw refused('it uses a second memory', start);
        return;
      case 'i32':
        cursor.skipSigned(5);
        return;
      case 'i64':
        cursor.skipSigned(10);
        return;
      case 'f32':
        cursor.take(4);
        return;
      case 'f64':
        cursor.take(8);
        return;
      case 'types':
        if (cursor.u32() !== 1) throw refused('a choice is of one value', start);
        valueType(cursor);
        return;
    }
  }

  #after(code: number, start: number): void {
    const run = this.#run;
    switch (code) {
      case OP.return:
        // Out through the block that lies around everything.
        run.u8(OP.br).u32(this.#height.depth);
        this.#height.leave();
        this.#flush();
        return;
      case OP.end:
        this.#height.end();
        this.#flush();
        // The function's own end is written by whoever has the whole.
        if (this.#height.depth >= 0) this.#out.u8(OP.end);
        return;
      case OP.else:
        if (this.#height.depth === 0) throw refused('an else without an if', start);
        this.#height.otherwise();
        this.#flush();
        this.#out.u8(OP.else);
        return;
    }
    run.add(this.#cursor.bytes.subarray(start, this.#cursor.at));
    if (code === OP.unreachable || code === OP.br || code === OP.brTable) this.#height.leave();
    if (code === OP.unreachable || (code >= OP.br && code <= OP.brTable)) this.#flush();
  }
}

function unknown(code: number, at: number): Error {
  if (code === 0xfd) return refused('it uses SIMD, whose NaN bits would differ between machines', at);
  if (code === 0xfe) return refused('it uses threads', at);
  if (code === 0xfc09) return refused('it drops data, which a next call would miss', at);
  return refused(`instruction 0x${code.toString(16)} is not among those that reducers may use`, at);
}
