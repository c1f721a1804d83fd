/** `truthdb evaluate`: how well profiles would have done, and how arms of experiments did, from the files of a log. */
import type { Command } from './command.ts';

const HISTORY = 4;
const MEMORY_MEBIBYTES = 2048;

export const evaluate: Command = {
  name: 'evaluate',
  summary:
    'Says how well profiles would have done, by a replay of the log, or how the arms of an experiment did.',
  detail:
    'Reads the files of the data directory, beside a running server or without one, and writes nothing there. STATEMENT is the rest of an\n' +
    'EVALUATE statement: PROFILE a [VS b] FROM time TO time [SAMPLE n]. Before each chosen thing that a user went for, each profile is asked\n' +
    'for 20 unseen things. Ctrl-C ends it with what there is by then. docs/ranking.md says what the figures mean.',
  positionals: [{ name: 'STATEMENT', required: false }],
  options: [
    { flag: 'data', value: 'DIR', help: 'directory of the database (required)' },
    { flag: 'tenant', value: 'NAME|N', help: 'whose data; default: the first tenant' },
    { flag: 'kind', value: 'NAME', help: 'what is recommended; default: item' },
    {
      flag: 'protocol',
      value: 'NAME',
      help: 'all: before each positive signal (default); last: before the last of each user; next-day: lists of each day',
    },
    { flag: 'history', value: 'N', help: `signals that a user must have had before; default ${HISTORY}` },
    {
      flag: 'baselines',
      value: null,
      help: 'compare with popularity, item neighbours and a linear autoencoder too',
    },
    { flag: 'define', value: 'FILE', help: 'profiles and cohorts to try, as DEFINE statements' },
    { flag: 'svg', value: 'FILE', help: 'draw the figures into a file' },
    {
      flag: 'features',
      value: 'FILE',
      help: 'write what the first profile showed at each moment, with its features and whether it was gone for: JSON lines, or a table where the name ends with .csv',
    },
    { flag: 'experiment', value: 'NAME', help: 'report on an experiment instead' },
    { flag: 'experiments', value: null, help: 'report on all experiments instead' },
    { flag: 'seconds', value: 'N', help: 'end after so long with what there is by then' },
    { flag: 'memory', value: 'MIB', help: `memory the process may take; default ${MEMORY_MEBIBYTES}` },
  ],
  example:
    "truthdb evaluate \"PROFILE for_you VS trending FROM '2026-01-01' TO '2026-02-01' SAMPLE 2000\" --data /var/lib/truthdb",
  run: async (args, terminal) => {
    const { runEvaluate } = await import('./evaluate-run.ts');
    return runEvaluate(evaluate, { history: HISTORY, memoryMebibytes: MEMORY_MEBIBYTES }, args, terminal);
  },
};
