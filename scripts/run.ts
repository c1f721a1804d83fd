/** How a script ends: with its exit status, or with one message instead of a stack trace. */

/** `main` returns the exit status; what it throws is printed as its message and ends the script with 1. */
export async function runScript(name: string, main: (args: string[]) => Promise<number>): Promise<void> {
  try {
    process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${name}: ${message}\n`);
    if (process.env['TRUTHDB_STACK'] !== undefined && error instanceof Error)
      process.stderr.write(`${error.stack}\n`);
    process.exitCode = 1;
  }
}
