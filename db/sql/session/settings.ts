/** What drivers ask about and set when they connect. Names are known or refused; setting one changes nothing but the answer. */
import { refusal } from '../commands/refusals.ts';

const DEFAULTS: Readonly<Record<string, string>> = Object.freeze({
  application_name: '',
  bytea_output: 'hex',
  client_encoding: 'UTF8',
  client_min_messages: 'notice',
  datestyle: 'ISO, MDY',
  default_transaction_isolation: 'serializable',
  default_transaction_read_only: 'off',
  extra_float_digits: '1',
  idle_in_transaction_session_timeout: '60s',
  integer_datetimes: 'on',
  intervalstyle: 'postgres',
  is_superuser: 'off',
  lock_timeout: '0',
  max_identifier_length: '63',
  search_path: '"$user", public',
  server_encoding: 'UTF8',
  server_version: '15.0',
  server_version_num: '150000',
  session_authorization: '',
  standard_conforming_strings: 'on',
  statement_timeout: '0',
  synchronous_commit: 'on',
  timezone: 'UTC',
  transaction_isolation: 'serializable',
  transaction_read_only: 'off',
});
/** These are facts. */
const FIXED = new Set([
  'integer_datetimes',
  'is_superuser',
  'max_identifier_length',
  'server_encoding',
  'server_version',
  'server_version_num',
]);
const SHOWN_AS: Readonly<Record<string, string>> = {
  datestyle: 'DateStyle',
  timezone: 'TimeZone',
  intervalstyle: 'IntervalStyle',
};

export class Settings {
  readonly #values = new Map<string, string>();

  /** Errors: 42704. */
  show(name: string): { readonly name: string; readonly value: string } {
    const key = name.toLowerCase();
    const known = DEFAULTS[key];
    if (known === undefined) throw unknown(name);
    return { name: SHOWN_AS[key] ?? key, value: this.#values.get(key) ?? known };
  }

  /** `value` null: back to the default. Errors: 42704, 55P02 for what cannot be changed. */
  set(name: string, value: string | null): void {
    const key = name.toLowerCase();
    if (DEFAULTS[key] === undefined) throw unknown(name);
    if (FIXED.has(key)) throw refusal('55P02', `parameter "${name}" cannot be changed`);
    if (key === 'client_encoding' && value !== null && !/^'?utf-?8'?$/i.test(value)) {
      throw refusal('22023', `invalid value for parameter "client_encoding": "${value}": text is UTF8 here`);
    }
    if (value === null) this.#values.delete(key);
    else this.#values.set(key, value);
  }
}

function unknown(name: string): Error {
  return refusal('42704', `unrecognized configuration parameter "${name}"`);
}
