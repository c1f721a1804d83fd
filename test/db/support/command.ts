/** One subcommand run in this process: what it prints, and its exit code as main would have it. */
import { COMMANDS, parseArguments } from '../../../db/cli/index.ts';
import type { LineInput } from '../../../db/cli/line-input.ts';
import { ERROR_CODES, TruthError } from '../../../db/errors.ts';

export interface CommandRan {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** What it printed with --json, as the test knows it to be. */
  json<T = unknown>(): T;
}

/** `line`: words as they are typed behind `truthdb`. */
export function runCommand(...line: readonly string[]): Promise<CommandRan> {
  return runCommandWith({}, ...line);
}

/** What comes in: through a pipe, or typed line by line by a person at a terminal. */
export interface CommandInput {
  readonly piped?: string;
  readonly typed?: readonly string[];
}

export async function runCommandWith(input: CommandInput, ...line: readonly string[]): Promise<CommandRan> {
  const words = [2, 1].find((count) => COMMANDS.some(({ name }) => name === line.slice(0, count).join(' ')));
  const entry = COMMANDS.find(({ name }) => name === line.slice(0, words).join(' '));
  if (entry === undefined) throw new Error(`there is no command in "${line.join(' ')}"`);
  const command = await entry.load();
  const [out, err]: [string[], string[]] = [[], []];
  const ran = (code: number): CommandRan => ({
    code,
    out: out.join('\n'),
    err: err.join('\n'),
    json: <T>() => JSON.parse(out.join('\n')) as T,
  });
  try {
    return ran(
      await command.run(parseArguments(command, line.slice(words)), {
        environment: {},
        json: line.includes('--json'),
        isJournal: false,
        out: async (text) => void out.push(text),
        bytes: async (bytes) => void out.push(Buffer.from(bytes).toString('latin1')),
        say: (text) => void err.push(text),
        progress: () => {},
        stdin: async function* () {
          yield Buffer.from(input.piped ?? '');
        },
        isInteractive: input.typed !== undefined,
        lineInput: () => typedLines(input.typed ?? [], out),
        signal: new AbortController().signal,
      }),
    );
  } catch (error) {
    if (!(error instanceof TruthError)) throw error;
    err.push(`${error.message} [${error.code}]`);
    return ran(ERROR_CODES[error.code].exit);
  }
}

/** Prompts go where the lines go, as on a terminal. */
function typedLines(lines: readonly string[], out: string[]): LineInput {
  const left = [...lines];
  return {
    ask: async (prompt) => {
      const text = left.shift();
      out.push(prompt + (text ?? ''));
      return text === undefined ? { kind: 'end' } : { kind: 'line', text };
    },
    whileRunning: () => new AbortController().signal,
    close: () => undefined,
  };
}
