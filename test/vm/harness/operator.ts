/** The operator at the machine's serial console: logs in and runs commands, some of them as root. */
import type { Vm } from '../../../scripts/vm/index.ts';

export interface Answer {
  readonly output: string;
  readonly status: number;
}

const LOGIN_SECONDS = 120;
const COMMAND_SECONDS = 120;
const PROMPT_MS = 2000;

export class Operator {
  readonly #vm: Vm;
  readonly #password: string;
  #commands = 0;

  constructor(vm: Vm, password: string) {
    this.#vm = vm;
    this.#password = password;
  }

  /** Waits for the prompt and logs in. */
  async login(): Promise<void> {
    const { serial } = this.#vm;
    await this.#vm.waitForLog(/login: $/, LOGIN_SECONDS);
    const mark = serial.mark();
    serial.send('operator\r');
    // The prompt is printed anew, and what was typed so far forgotten, whenever the machine's address changes.
    const again = setInterval(() => {
      if (serial.plainText().endsWith('login: ')) serial.send('operator\r');
    }, PROMPT_MS);
    try {
      await this.#vm.waitForLog(/Password: $/, LOGIN_SECONDS, mark);
    } finally {
      clearInterval(again);
    }
    serial.send(`${this.#password}\r`);
    await this.#vm.waitForLog(/\$ $/, LOGIN_SECONDS, mark);
    // No echo and no prompt: what comes back is what commands print, and nothing else.
    serial.send("stty -echo cols 500; PS1=''; PS2=''; bind 'set enable-bracketed-paste off' 2>/dev/null\r");
    await this.run('true');
  }

  /** Runs a command line (no line breaks) and gives what it printed and its exit status. */
  async run(command: string): Promise<Answer> {
    const { serial } = this.#vm;
    const id = ++this.#commands;
    const mark = serial.mark();
    // The quotes keep the marks out of an echoed command line.
    serial.send(`echo BEGIN''-${id}; { ${command}; } 2>&1; echo "END"''-${id} $?\r`);
    const end = await this.#vm.waitForLog(new RegExp(`END-${id} (\\d+)\\n`), COMMAND_SECONDS, mark);
    const text = serial.textSince(mark);
    const begin = `BEGIN-${id}\n`;
    const output = text.slice(text.indexOf(begin) + begin.length, text.indexOf(`END-${id} `));
    return { output, status: Number(end[1]) };
  }

  /** As `run`, as root. */
  root(command: string): Promise<Answer> {
    const quoted = `'${command.replaceAll("'", `'\\''`)}'`;
    return this.run(`echo '${this.#password}' | sudo -S -p '' sh -c ${quoted}`);
  }

  /** What a command prints, trimmed; fails the test when the command does. */
  async output(command: string, as: 'operator' | 'root' = 'operator'): Promise<string> {
    const { output, status } = await (as === 'root' ? this.root(command) : this.run(command));
    if (status !== 0) throw await this.#vm.failure(`"${command}" ended with status ${status}: ${output}`);
    return output.trim();
  }
}
