/** Programs whose output belongs to the person at the terminal. */
import { $, type Options, type Shell } from 'zx/core';

/**
 * zx's shell with this terminal as the program's own. Not detached: Ctrl-C must reach the program as well. Throws zx's
 * ProcessOutput when the program ends with anything but 0.
 */
export function visibly(options: Partial<Options> = {}): Shell {
  return $({ stdio: 'inherit', detached: false, ...options });
}
