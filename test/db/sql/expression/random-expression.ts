/**
 * Random expressions of a wanted type over the columns of `COLUMNS`, mostly right, sometimes not.
 *
 * PostgreSQL computes constant parts while it plans, also those that would never be reached, and whatever is combined with a
 * constant NULL it does not compute at all. Which errors show then is its planner's choice and nobody's promise; so what is
 * computed only on condition is made of columns, and NULL is written only where it is a value like others.
 */
import type { BinaryOperator, Expression } from '../../../../db/sql/ast.ts';
import type { SqlType } from '../../../../db/sql/types/index.ts';
import {
  among,
  binary,
  call,
  cast,
  isNull,
  literal,
  NULL,
  name,
  not,
  number,
  string,
  when,
} from './build.ts';
import { type Random, randomText } from './random-values.ts';

type Kind = SqlType['kind'];

export const COLUMNS: readonly { readonly name: string; readonly type: SqlType }[] = [
  { name: 'i', type: { kind: 'integer' } },
  { name: 'j', type: { kind: 'integer' } },
  { name: 'b', type: { kind: 'bigint' } },
  { name: 'd', type: { kind: 'double' } },
  { name: 'e', type: { kind: 'double' } },
  { name: 'n', type: { kind: 'decimal', precision: null, scale: null } },
  { name: 'm', type: { kind: 'decimal', precision: 10, scale: 2 } },
  { name: 't', type: { kind: 'text', lengthMax: null } },
  { name: 'u', type: { kind: 'text', lengthMax: null } },
  { name: 'o', type: { kind: 'boolean' } },
  { name: 'p', type: { kind: 'boolean' } },
  { name: 's', type: { kind: 'timestamp' } },
  { name: 'r', type: { kind: 'timestamp' } },
  { name: 'y', type: { kind: 'bytes' } },
  { name: 'g', type: { kind: 'uuid' } },
  { name: 'js', type: { kind: 'json' } },
];

const TYPES: Readonly<Record<Kind, SqlType>> = {
  integer: { kind: 'integer' },
  bigint: { kind: 'bigint' },
  double: { kind: 'double' },
  decimal: { kind: 'decimal', precision: null, scale: null },
  text: { kind: 'text', lengthMax: null },
  boolean: { kind: 'boolean' },
  timestamp: { kind: 'timestamp' },
  bytes: { kind: 'bytes' },
  json: { kind: 'json' },
  uuid: { kind: 'uuid' },
};
const KINDS = Object.keys(TYPES) as Kind[];
const NUMBERS: readonly Kind[] = ['integer', 'bigint', 'decimal', 'double'];
const COMPARED: readonly Kind[] = [...NUMBERS, 'text', 'boolean', 'timestamp', 'bytes', 'uuid'];
const COMPARISONS: readonly BinaryOperator[] = ['=', '<>', '<', '<=', '>', '>='];
const UNITS = [
  ...['microseconds', 'ms', 'second', 'minute', 'hour', 'day', 'week', 'month', 'quarter', 'year', 'decade'],
  ...['century', 'millennium', 'epoch', 'dow', 'isodow', 'doy', 'isoyear', 'fortnight'],
];
/** One in so many parts is of a type that nobody asked for. */
const WRONG = 60;

export class ExpressionMaker {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  any(): Expression {
    return this.#make(this.#random.pick(KINDS), 1 + this.#random.upTo(3), false);
  }

  /** Of comparisons of columns with constants, mostly, as a WHERE has them. */
  condition(): Expression {
    const random = this.#random;
    const parts = Array.from({ length: 1 + random.upTo(3) }, () =>
      this.#boolean((kind) => this.#leaf(kind, random.upTo(2) === 0), 0),
    );
    return parts.reduce((left, right) => binary(left, random.pick(['and', 'and', 'or']), right));
  }

  /** `isConditional`: computed only sometimes. */
  #make(wanted: Kind, depth: number, isConditional: boolean): Expression {
    const kind = this.#random.upTo(WRONG) === 0 ? this.#random.pick(KINDS) : wanted;
    if (depth <= 0 || this.#random.upTo(8) === 0) return this.#leaf(kind, isConditional);
    if (this.#random.upTo(7) === 0) return this.#chosen(kind, depth - 1, isConditional);
    if (this.#random.upTo(9) === 0) return this.#cast(kind, depth - 1, isConditional);
    const make = (part: Kind) => this.#make(part, depth - 1, isConditional);
    switch (kind) {
      case 'integer':
      case 'bigint':
      case 'decimal':
      case 'double':
        return this.#number(kind, make);
      case 'text':
        return this.#text(make);
      case 'boolean':
        return this.#boolean(make, depth - 1);
      case 'timestamp':
        return call('date_trunc', string(this.#random.pick(UNITS)), make('timestamp'));
      case 'bytes':
        return this.#bytes(make);
      case 'json':
        return call('json_extract_path', make('json'), this.#key());
      case 'uuid':
        return this.#leaf(kind, isConditional);
    }
  }

  #leaf(kind: Kind, isConditional: boolean): Expression {
    if (isConditional || this.#random.upTo(3) > 0) {
      const columns = COLUMNS.filter(({ type }) => type.kind === kind);
      return name(this.#random.pick(columns).name);
    }
    return this.#literal(kind);
  }

  #literal(kind: Kind): Expression {
    const text = randomText(TYPES[kind], this.#random);
    switch (kind) {
      case 'boolean':
        return literal('boolean', text === 't' ? 'true' : 'false');
      case 'integer':
        return number(text);
      case 'bigint':
        return this.#random.upTo(2) === 0 ? number(text) : cast(string(text), TYPES.bigint);
      case 'decimal':
        return this.#random.upTo(2) === 0 && /^[-\d.]+$/.test(text)
          ? number(text)
          : cast(string(text), TYPES.decimal);
      case 'text':
        return this.#random.upTo(3) === 0 ? cast(string(text), TYPES.text) : string(text);
      default:
        return cast(string(text), TYPES[kind]);
    }
  }

  /** CASE, COALESCE and their like. */
  #chosen(kind: Kind, depth: number, isConditional: boolean): Expression {
    const value = () => (this.#random.upTo(8) === 0 ? NULL : this.#make(this.#near(kind), depth, true));
    switch (this.#random.upTo(6)) {
      case 0:
        return call('coalesce', value(), value(), value());
      case 1:
        // PostgreSQL finds out while it runs that JSON has no order.
        if (kind === 'json') return call('coalesce', value(), value());
        return call(this.#random.pick(['greatest', 'least']), value(), value(), value());
      case 2: {
        const like = this.#random.pick(COMPARED);
        const operand = this.#make(like, depth, isConditional);
        const whens = [0, 1].map(() => when(this.#make(like, depth, true), value()));
        return { node: 'case', operand, whens, otherwise: value(), at: 0 };
      }
      case 3:
        return call('nullif', this.#make(kind, depth, isConditional), this.#make(kind, depth, isConditional));
      default: {
        const whens = [0, 1].map(() => when(this.#make('boolean', depth, true), value()));
        return {
          node: 'case',
          operand: null,
          whens,
          otherwise: this.#random.upTo(2) === 0 ? null : value(),
          at: 0,
        };
      }
    }
  }

  #cast(kind: Kind, depth: number, isConditional: boolean): Expression {
    const from = this.#random.pick(NUMBERS.includes(kind) ? [...NUMBERS, 'text' as const] : KINDS);
    const type = this.#narrowed(kind);
    // Decimals are finite here; column e is.
    if (kind === 'decimal' && from === 'double') return cast(name('e'), type);
    return cast(this.#make(from, depth, isConditional), type);
  }

  #narrowed(kind: Kind): SqlType {
    if (this.#random.upTo(3) > 0) return TYPES[kind];
    if (kind === 'decimal') return { kind, precision: 6, scale: this.#random.upTo(5) };
    if (kind === 'text') return { kind, lengthMax: 1 + this.#random.upTo(5) };
    return TYPES[kind];
  }

  #number(kind: Kind, make: (kind: Kind) => Expression): Expression {
    const random = this.#random;
    const same = () => make(this.#near(kind));
    switch (random.upTo(7)) {
      case 0:
        return { node: 'unary', operator: random.pick(['-', '+']), operand: make(kind), at: 0 };
      case 1:
        if (kind === 'integer') return this.#count(make);
        return call(random.pick(['abs', 'ceil', 'floor', 'round', 'trunc', 'sign', 'sqrt']), make(kind));
      case 2:
        if (kind === 'decimal') {
          const digits = number(String(random.upTo(9) - 4));
          return call(random.pick(['round', 'trunc']), make('decimal'), digits);
        }
        if (kind === 'double') return call('date_part', string(random.pick(UNITS)), make('timestamp'));
        return call('abs', make(kind));
      case 3:
        if (kind === 'decimal') return call('extract', string(random.pick(UNITS)), make('timestamp'));
        return kind === 'double' ? call('sqrt', make(kind)) : call('mod', same(), same());
      default:
        return binary(
          same(),
          random.pick(kind === 'double' ? ['+', '-', '*', '/'] : ['+', '-', '*', '/', '%']),
          same(),
        );
    }
  }

  #count(make: (kind: Kind) => Expression): Expression {
    const random = this.#random;
    switch (random.upTo(4)) {
      case 0:
        return call(random.pick(['length', 'char_length', 'octet_length']), make('text'));
      case 1:
        return call(random.pick(['length', 'octet_length']), make('bytes'));
      case 2:
        return call('json_array_length', make('json'));
      default:
        return call(random.pick(['strpos', 'position']), make('text'), make('text'));
    }
  }

  #text(make: (kind: Kind) => Expression): Expression {
    const random = this.#random;
    const small = () => number(String(random.upTo(9) - 3));
    switch (random.upTo(13)) {
      case 11:
        return random.upTo(2) === 0
          ? call('overlay', make('text'), make('text'), small())
          : call('overlay', make('text'), make('text'), small(), small());
      case 12:
        return random.upTo(2) === 0
          ? call('split_part', make('text'), make('text'), small())
          : call(random.pick(['lpad', 'rpad']), make('text'), small(), make('text'));
      case 0:
        return call(
          random.pick(['lower', 'upper', 'btrim', 'ltrim', 'rtrim', 'reverse', 'md5']),
          make('text'),
        );
      case 1:
        return call(random.pick(['substring', 'substr']), make('text'), small(), small());
      case 2:
        return call(random.pick(['left', 'right']), make('text'), small());
      case 3:
        return call(random.pick(['btrim', 'ltrim', 'rtrim']), make('text'), make('text'));
      case 4:
        return call('replace', make('text'), make('text'), make('text'));
      case 5:
        return call('repeat', make('text'), small());
      case 6:
        return call('concat', make('text'), make(random.pick(KINDS)), make(random.pick(KINDS)));
      case 7:
        return call('concat_ws', make('text'), make(random.pick(KINDS)), make('text'));
      case 8:
        return call('json_extract_path_text', make('json'), this.#key());
      case 9:
        return call('json_typeof', make('json'));
      default: {
        const other = random.pick(KINDS);
        const sides = random.upTo(2) === 0 ? [make('text'), make(other)] : [make(other), make('text')];
        return binary(sides[0]!, '||', sides[1]!);
      }
    }
  }

  #boolean(make: (kind: Kind) => Expression, depth: number): Expression {
    const random = this.#random;
    const kind = random.pick(COMPARED);
    const negated = random.upTo(2) === 0;
    switch (random.upTo(10)) {
      case 0: {
        const parts = [
          make('boolean'),
          this.#make('boolean', depth, true),
          this.#make('boolean', depth, true),
        ];
        const operator = random.pick(['and', 'or'] as const);
        return parts.reduce((left, right) => binary(left, operator, right));
      }
      case 1:
        return not(make('boolean'));
      case 2:
        return isNull(make(random.pick(KINDS)), negated);
      case 3: {
        const what = random.pick(['true', 'false', 'unknown'] as const);
        return { node: 'is', operand: make('boolean'), what, negated, at: 0 };
      }
      case 4: {
        const items = Array.from({ length: 1 + random.upTo(5) }, () => this.#literal(this.#near(kind)));
        if (random.upTo(6) === 0) items.push(NULL);
        return among(make(kind), items, negated);
      }
      case 5: {
        const [low, high] = [this.#leaf(this.#near(kind), true), this.#leaf(this.#near(kind), true)];
        return { node: 'between', operand: make(kind), low, high, negated, at: 0 };
      }
      case 6: {
        const pattern = random.upTo(4) === 0 ? make('text') : string(this.#pattern());
        const away = random.upTo(4) === 0 ? string(random.pick(['', '#', '\\'])) : null;
        return {
          node: 'like',
          operand: make('text'),
          pattern,
          escape: away,
          insensitive: random.upTo(3) === 0,
          negated,
          at: 0,
        };
      }
      case 7:
        return call('starts_with', make('text'), make('text'));
      case 8:
        return binary(
          make(kind),
          random.pick(['is distinct from', 'is not distinct from']),
          make(this.#near(kind)),
        );
      default: {
        const text = () =>
          random.upTo(6) === 0 ? string(randomText(TYPES[kind], random)) : make(this.#near(kind));
        return binary(make(kind), random.pick(COMPARISONS), text());
      }
    }
  }

  #bytes(make: (kind: Kind) => Expression): Expression {
    const small = () => number(String(this.#random.upTo(6) - 1));
    switch (this.#random.upTo(3)) {
      case 0:
        return call('sha256', make('bytes'));
      case 1:
        return call(this.#random.pick(['substring', 'substr']), make('bytes'), small(), small());
      default:
        return binary(make('bytes'), '||', make('bytes'));
    }
  }

  #pattern(): string {
    const piece = () =>
      this.#random.pick(['%', '_', '%', 'a', 'b', 'A', 'é', 'x', '\\%', '\\', '#_', '😀', '1', ' ']);
    return Array.from({ length: this.#random.upTo(5) }, piece).join('');
  }

  #key(): Expression {
    return string(this.#random.pick(['a', 'b', '0', '1', '-1', 'é', '']));
  }

  /** Numbers meet numbers of other types. */
  #near(kind: Kind): Kind {
    return NUMBERS.includes(kind) && this.#random.upTo(3) === 0 ? this.#random.pick(NUMBERS) : kind;
  }
}
