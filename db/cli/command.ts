/** What a subcommand is, and how its arguments are read and explained. */
import { parseArgs } from 'node:util';
import { TruthError } from '../errors.ts';
import type { LineInput } from './line-input.ts';

export interface Option {
  readonly flag: string;
  /** What stands for the value in the help; null for a switch. */
  readonly value: string | null;
  readonly help: string;
}

export interface Positional {
  readonly name: string;
  readonly required: boolean;
}

export interface Command {
  /** One or two words, e.g. `wal verify`. */
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  /** More of it, for the command's own help; empty when there is no more to say. */
  readonly detail: string;
  readonly positionals: readonly Positional[];
  readonly options: readonly Option[];
  /** A line that can be typed as it is (but for names and tokens), and what it does. */
  readonly example: string;
  /** Returns the exit code. Errors of the closed family become messages and exit codes in main. */
  run(args: Arguments, terminal: Terminal): Promise<number>;
}

/** Where a command's words go: results to `out`, everything for the person to `say`. */
export interface Terminal {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly json: boolean;
  /** What is printed is kept in the system's journal: no place for secrets. */
  readonly isJournal: boolean;
  /** One line of results. Waits while the reader of a pipe is behind. */
  out(line: string): Promise<void>;
  /** Bytes of results, as they are. Waits as `out` does. */
  bytes(bytes: Uint8Array): Promise<void>;
  /** A line on standard error. */
  say(line: string): void;
  /** Replaces the last progress line where the terminal can; prints now and then where it cannot. */
  progress(line: string): void;
  stdin(): AsyncIterable<Buffer>;
  /** Whether a person sits there: both what comes in and what goes out is a terminal. */
  readonly isInteractive: boolean;
  /** What that person types. To be closed before the command ends. */
  lineInput(): LineInput;
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
}

export interface Arguments {
  text(flag: string): string | undefined;
  switch(flag: string): boolean;
  /** A whole number from `min`. Errors: INVALID_ARGUMENT. */
  number(flag: string, min: number): number | undefined;
  /** The nth positional; required ones are always there. */
  positional(index: number): string | undefined;
  /** All given values by flag. */
  readonly values: Readonly<Record<string, string | undefined>>;
}

const COMMON_OPTIONS: readonly Option[] = [
  { flag: 'json', value: null, help: 'print JSON, one object a line; errors too' },
  { flag: 'help', value: null, help: 'print this' },
];

/** Errors: INVALID_ARGUMENT naming the argument. */
export function parseArguments(command: Command, args: readonly string[]): Arguments {
  const options = [...command.options, ...COMMON_OPTIONS];
  const parsed = parseStrictly(command, args, options);
  const values = parsed.values as Record<string, string | boolean | undefined>;
  const wanted = command.positionals.length;
  const missing = command.positionals
    .slice(parsed.positionals.length)
    .find((positional) => positional.required);
  if (missing !== undefined) throw misused(command, `${missing.name} is missing`);
  if (parsed.positionals.length > wanted) {
    throw misused(command, `"${parsed.positionals[wanted]}" is one argument too many`);
  }
  const text = (flag: string) => {
    const value = values[flag];
    return typeof value === 'string' ? value : undefined;
  };
  return {
    text,
    switch: (flag) => values[flag] === true,
    number: (flag, min) => wholeNumber(command, flag, text(flag), min),
    positional: (index) => parsed.positionals[index],
    values: Object.fromEntries(options.map(({ flag }) => [flag, text(flag)])),
  };
}

function parseStrictly(command: Command, args: readonly string[], options: readonly Option[]) {
  try {
    return parseArgs({
      args: [...args],
      options: Object.fromEntries(
        options.map(({ flag, value }) => [flag, { type: value === null ? 'boolean' : 'string' } as const]),
      ),
      allowPositionals: true,
      strict: true,
    });
  } catch (cause) {
    throw misused(command, (cause as Error).message.replace(/\. To specify a positional.*$/s, ''), cause);
  }
}

function wholeNumber(
  command: Command,
  flag: string,
  text: string | undefined,
  min: number,
): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number) || number < min) {
    throw misused(command, `--${flag} is "${text}"; a whole number of at least ${min} is needed`);
  }
  return number;
}

export function misused(command: Command, why: string, cause?: unknown): TruthError {
  return new TruthError(
    'INVALID_ARGUMENT',
    `truthdb ${command.name}: ${why}. See: truthdb ${command.name} --help`,
    {},
    { cause },
  );
}

export function helpOf(command: Command): string {
  const positionals = command.positionals.map(({ name, required }) => (required ? name : `[${name}]`));
  const options = [...command.options, ...COMMON_OPTIONS];
  const left = options.map(({ flag, value }) => `  --${flag}${value === null ? '' : ` ${value}`}`);
  const width = Math.max(...left.map((text) => text.length)) + 2;
  return [
    `truthdb ${[command.name, ...positionals, '[options]'].join(' ')}`,
    '',
    command.summary,
    ...(command.detail === '' ? [] : [command.detail]),
    '',
    'Options:',
    ...options.map(({ help }, index) => `${(left[index] as string).padEnd(width)}${help}`),
    '',
    'Example:',
    `  ${command.example}`,
  ].join('\n');
}
