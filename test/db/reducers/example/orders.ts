// Money spent by each customer. Over a table of orders (id integer, customer text, amount bigint) it follows changes of rows; over
// streams "orders-CUSTOMER" it takes events whose data is the amount in digits.
@external("truthdb", "get")
declare function hostGet(space: i32, key: usize, keyBytes: i32, into: usize, room: i32): i32;
@external("truthdb", "put")
declare function hostPut(space: i32, key: usize, keyBytes: i32, value: usize, valueBytes: i32): void;
@external("truthdb", "delete")
declare function hostDelete(space: i32, key: usize, keyBytes: i32): void;
@external("truthdb", "log")
declare function hostLog(text: usize, bytes: i32): void;

const ROWS: i32 = 1;
const DESCRIPTION = String.UTF8.encode(
  '{"columns":[{"name":"customer","type":"text"},{"name":"orders","type":"bigint"},{"name":"spent","type":"bigint"}],"key":["customer"]}',
);

/** The rows it makes: pointer in the upper half, length in the lower. */
export function describe(): u64 {
  return ((changetype<usize>(DESCRIPTION) as u64) << 32) | (DESCRIPTION.byteLength as u64);
}

/** Room for an input. */
export function alloc(bytes: i32): usize {
  return heap.alloc(bytes);
}

/** Reads the values of a row, one behind the other. */
class Values {
  constructor(public at: usize) {}

  /** A tag, and eight bytes. */
  whole(): i64 {
    const value = load<u8>(this.at) == 3 ? load<i64>(this.at + 1) : 0;
    this.at += load<u8>(this.at) == 3 ? 9 : 1;
    return value;
  }

  /** Where it begins; `at` is behind it afterwards. */
  text(): usize {
    const start = this.at;
    this.at += load<u8>(start) == 5 ? 5 + load<u32>(start + 1) : 1;
    return start;
  }
}

/** Adds to a customer's row; `key` is the customer as a value, the way it came. */
function add(key: usize, keyBytes: i32, orders: i64, amount: i64): void {
  const row = heap.alloc(18);
  let count: i64 = 0;
  let spent: i64 = 0;
  if (hostGet(ROWS, key, keyBytes, row, 18) >= 0) {
    count = load<i64>(row + 1);
    spent = load<i64>(row + 10);
  }
  count += orders;
  spent += amount;
  if (count == 0) {
    hostDelete(ROWS, key, keyBytes);
    return;
  }
  store<u8>(row, 3);
  store<i64>(row + 1, count);
  store<u8>(row + 9, 3);
  store<i64>(row + 10, spent);
  hostPut(ROWS, key, keyBytes, row, 18);
}

function take(at: usize, sign: i64): void {
  const values = new Values(at);
  values.whole();
  const key = values.text();
  const keyBytes = (values.at - key) as i32;
  const amount = values.whole();
  // An order nobody can pay: this one never ends, and the database has to.
  if (amount == 666) while (true) {}
  if (amount > 1000000) {
    const line = String.UTF8.encode("a large order");
    hostLog(changetype<usize>(line), line.byteLength);
  }
  add(key, keyBytes, sign, sign * amount);
}

/** An event of stream "orders-CUSTOMER". */
function takeEvent(input: usize, bytes: i32): void {
  const streamBytes: u32 = load<u16>(input + 34);
  const dataAt: u32 = 42 + streamBytes + load<u16>(input + 36) + load<u32>(input + 38);
  const customerBytes = streamBytes - 7;
  const key = heap.alloc(5 + customerBytes);
  store<u8>(key, 5);
  store<u32>(key + 1, customerBytes);
  memory.copy(key + 5, input + 42 + 7, customerBytes);
  let amount: i64 = 0;
  for (let at: u32 = dataAt; at < <u32>bytes; at++) {
    const digit = load<u8>(input + at) - 48;
    assert(digit < 10, "not a number");
    amount = amount * 10 + digit;
  }
  add(key, 5 + customerBytes, 1, amount);
}

/** One input: an event, or what was there of a row goes and what is there comes. */
export function apply(input: usize, bytes: i32): void {
  if (load<u8>(input) == 1) {
    takeEvent(input, bytes);
    return;
  }
  const operation = load<u8>(input + 1);
  const beforeBytes = load<u32>(input + 10);
  if (beforeBytes > 0) take(input + 14, -1);
  if (operation != 3) take(input + 14 + beforeBytes, 1);
}
