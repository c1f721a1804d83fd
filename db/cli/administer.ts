/** One administrative command, asked and answered; and the words somebody types to say that they mean it. */
import { TruthError } from '../errors.ts';
import type { Arguments, Terminal } from './command.ts';
import { connectTo } from './target.ts';

/** `timeoutMillis` undefined: as the client has it. */
export async function askServer(
  args: Arguments,
  terminal: Terminal,
  command: object,
  timeoutMillis?: number,
): Promise<Record<string, unknown>> {
  const db = await connectTo(args, terminal);
  try {
    return await db.administer(command, timeoutMillis);
  } finally {
    await db.close();
  }
}

/** What was typed: given as --confirm, or asked for. Errors: INVALID_ARGUMENT when it is something else. */
export async function typedConfirmation(
  args: Arguments,
  terminal: Terminal,
  wanted: string,
  warning: string,
): Promise<string> {
  const given = args.text('confirm') ?? (await asked(terminal, `${warning} Type ${wanted} to go on:`));
  if (given === wanted) return given;
  throw new TruthError('INVALID_ARGUMENT', `what was typed is not "${wanted}"; nothing was done`);
}

async function asked(terminal: Terminal, question: string): Promise<string> {
  terminal.say(question);
  let text = '';
  for await (const chunk of terminal.stdin()) {
    text += chunk.toString();
    if (text.includes('\n')) break;
  }
  return text.split('\n')[0]!.trim();
}
