/**
 * What PostgreSQL calls run-time parameters. Drivers set a dozen of them on connecting and rely on a few; those few are what
 * this server always does, the others are taken and remembered, and change nothing.
 */
import { TruthError } from '../../errors.ts';
import { VERSION } from '../../version.ts';

/** psql, JDBC and others choose their questions by it; 15 is what the catalog here looks like. */
export const SERVER_VERSION = `15.0 (TruthDB ${VERSION})`;

type Rule =
  /** Cannot be set. */
  | 'fixed'
  /** May only be set to what it is, in any of these ways. */
  | RegExp
  /** Is remembered. */
  | 'kept';

interface Setting {
  /** As PostgreSQL writes it. */
  readonly name: string;
  readonly value: string;
  readonly rule: Rule;
  /** Told to the client when the connection begins and whenever it changes. */
  readonly reported: boolean;
}

const reported = (name: string, value: string, rule: Rule): Setting => ({
  name,
  value,
  rule,
  reported: true,
});
const quiet = (name: string, value: string, rule: Rule = 'kept'): Setting => ({
  name,
  value,
  rule,
  reported: false,
});

const SETTINGS: readonly Setting[] = [
  reported('application_name', '', 'kept'),
  reported('client_encoding', 'UTF8', /^(utf-?8|unicode|sql_ascii)$/i),
  reported('DateStyle', 'ISO, MDY', /^(iso|mdy|dmy|ymd|iso *, *(mdy|dmy|ymd))$/i),
  reported('default_transaction_read_only', 'off', 'kept'),
  reported('in_hot_standby', 'off', 'fixed'),
  reported('integer_datetimes', 'on', 'fixed'),
  reported('IntervalStyle', 'postgres', 'kept'),
  reported('is_superuser', 'off', 'fixed'),
  reported('server_encoding', 'UTF8', 'fixed'),
  reported('server_version', SERVER_VERSION, 'fixed'),
  reported('session_authorization', '', 'fixed'),
  reported('standard_conforming_strings', 'on', /^(on|true|yes|1)$/i),
  reported('TimeZone', 'UTC', 'kept'),
  quiet('bytea_output', 'hex', /^hex$/i),
  quiet('client_min_messages', 'notice'),
  quiet('default_transaction_isolation', 'serializable'),
  quiet('escape_string_warning', 'on'),
  quiet('extra_float_digits', '1'),
  quiet('idle_in_transaction_session_timeout', '0'),
  quiet('idle_session_timeout', '0'),
  quiet('jit', 'off'),
  quiet('lc_collate', 'C', 'fixed'),
  quiet('lc_ctype', 'C', 'fixed'),
  quiet('lc_messages', 'C'),
  quiet('lc_monetary', 'C'),
  quiet('lc_numeric', 'C'),
  quiet('lc_time', 'C'),
  quiet('lock_timeout', '0'),
  quiet('max_identifier_length', '63', 'fixed'),
  quiet('max_index_keys', '32', 'fixed'),
  quiet('plan_cache_mode', 'auto'),
  quiet('row_security', 'on'),
  quiet('search_path', '"$user", public'),
  quiet('server_version_num', '150000', 'fixed'),
  quiet('statement_timeout', '0'),
  quiet('synchronous_commit', 'on'),
  quiet('transaction_isolation', 'serializable'),
  quiet('transaction_read_only', 'off'),
  quiet('work_mem', '4MB'),
];

const VALUE_CHARACTERS_MAX = 1024;
const OWN_MAX = 100;
const UNITS: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

export class SessionSettings {
  readonly #values = new Map<string, Setting>();
  readonly #first = new Map<string, string>();

  /** `user` is the name of the token that came in. */
  constructor(user: string) {
    for (const setting of SETTINGS) {
      const value = setting.name === 'session_authorization' ? user : setting.value;
      this.#values.set(setting.name.toLowerCase(), { ...setting, value });
    }
  }

  /** What a startup packet asks for becomes what RESET returns to. Unknown names are left out, as a stranger's are ignored. */
  start(asked: ReadonlyMap<string, string>): void {
    for (const [name, value] of asked) {
      if (this.#values.has(name.toLowerCase())) this.set(name, value);
    }
    for (const [key, { value }] of this.#values) this.#first.set(key, value);
  }

  /** Name as PostgreSQL writes it, and value, of those a client is told of. */
  *reported(): Generator<readonly [string, string]> {
    for (const setting of this.#values.values()) {
      if (setting.reported) yield [setting.name, setting.value];
    }
  }

  /** All there are. */
  all(): ReadonlyMap<string, string> {
    return new Map([...this.#values.values()].map(({ name, value }) => [name, value]));
  }

  /** Errors: INVALID_ARGUMENT (42704). */
  show(name: string): { readonly name: string; readonly value: string } {
    const found = this.#values.get(name.toLowerCase());
    if (found === undefined) throw unknown(name);
    return found;
  }

  /** The setting as it is then if the client is to be told of it, else null. Errors: INVALID_ARGUMENT (42704, 55P02, 22023). */
  set(name: string, value: string): { readonly name: string; readonly value: string } | null {
    const key = name.toLowerCase();
    const found = this.#values.get(key);
    if (found === undefined) {
      this.#keepOwn(key, name, value);
      return null;
    }
    check(found, value);
    // One that may only be what it is stays so, whichever way it was said.
    const kept = found.rule === 'kept' && key !== 'timezone' ? value : found.value;
    this.#values.set(key, { ...found, value: kept });
    return found.reported ? { name: found.name, value: kept } : null;
  }

  /** Names with a dot are programs' own. */
  #keepOwn(key: string, name: string, value: string): void {
    if (!name.includes('.') || this.#values.size >= SETTINGS.length + OWN_MAX) throw unknown(name);
    const setting = quiet(name, value);
    check(setting, value);
    this.#values.set(key, setting);
  }

  /** Back to what it was when the connection began. */
  reset(name: string): { readonly name: string; readonly value: string } | null {
    return this.set(name, this.#first.get(name.toLowerCase()) ?? '');
  }

  resetAll(): void {
    for (const [key, value] of this.#first) {
      const found = this.#values.get(key);
      if (found?.rule === 'kept') this.#values.set(key, { ...found, value });
    }
  }

  /** 0: no limit. */
  get statementMillis(): number {
    return millisOf(this.#values.get('statement_timeout')?.value ?? '0') ?? 0;
  }
}

function check({ name, value: present, rule }: Setting, value: string): void {
  if (value.length > VALUE_CHARACTERS_MAX) {
    throw new TruthError(
      'INVALID_ARGUMENT',
      `${name} is set to ${value.length} characters; ${VALUE_CHARACTERS_MAX} are allowed`,
    );
  }
  if (rule === 'fixed' && value !== present) {
    throw new TruthError('INVALID_ARGUMENT', `parameter "${name}" cannot be changed`, { sqlstate: '55P02' });
  }
  if (rule instanceof RegExp && !rule.test(value.replaceAll("'", ''))) {
    throw new TruthError(
      'INVALID_ARGUMENT',
      `invalid value for parameter "${name}": "${value}"; this server has ${present} and nothing else`,
      { sqlstate: '22023' },
    );
  }
  if (name === 'statement_timeout' && millisOf(value) === null) {
    throw new TruthError(
      'INVALID_ARGUMENT',
      `invalid value for parameter "${name}": "${value}"; write 500 or 5s`,
      {
        sqlstate: '22023',
      },
    );
  }
}

/** `500`, `500ms`, `5s`, `1min`; null when it is none of these. */
function millisOf(text: string): number | null {
  const parts = /^\s*(\d{1,10})\s*(us|ms|s|min|h|d)?\s*$/.exec(text);
  return parts === null ? null : Math.ceil(Number(parts[1]) * (UNITS[parts[2] ?? 'ms'] ?? 1));
}

function unknown(name: string): TruthError {
  return new TruthError('INVALID_ARGUMENT', `unrecognized configuration parameter "${name}"`, {
    sqlstate: '42704',
  });
}
