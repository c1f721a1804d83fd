/** `truthdb rank`, and its short forms for what is typed most: statements of the ranking layer. */
import { type Arguments, type Command, misused, type Terminal } from './command.ts';
import { rankedLines } from './rank-lines.ts';
import { connectTo, TARGET_OPTIONS } from './target.ts';
import { textFile } from './text-file.ts';

export const rank: Command = {
  name: 'rank',
  summary:
    'Carries out statements of the ranking layer: DEFINE, UPSERT, SIGNAL, RETRIEVE, SEARCH, EXPLAIN, SHOW …',
  detail:
    'Several statements are separated by semicolons and run one after the other; the first that fails ends it, with the\n' +
    'exit code of its error. The language is in docs/retrieve.md.',
  positionals: [{ name: 'STATEMENT', required: false }],
  options: [
    { flag: 'file', value: 'FILE', help: 'read the statements from a file; - is standard input' },
    ...TARGET_OPTIONS,
  ],
  example: "truthdb rank 'RETRIEVE items FOR USER @ann USING PROFILE for_you LIMIT 10'",
  run: async (args, terminal) => run(await givenText(args, terminal), args, terminal),
};

export const retrieveItems = shortForm(
  'retrieve',
  'Prints what is best, for somebody or for everybody.',
  'items FOR USER @ann LIMIT 10',
);
export const searchItems = shortForm(
  'search',
  'Prints what is found by words, vectors or both.',
  'items QUERY "jazz piano"',
);
export const suggestItems = shortForm(
  'suggest',
  'Prints how words that were begun may go on.',
  'items PREFIX "ja"',
);
export const recordSignal = shortForm(
  'signal',
  'Records that somebody did something.',
  'view ON @item BY @ann',
);

/** The rest of a statement that begins with the command's name. */
function shortForm(name: string, summary: string, rest: string): Command {
  return {
    name,
    summary,
    detail: 'What follows is the rest of the statement, as docs/retrieve.md has it.',
    positionals: [{ name: 'REST', required: true }],
    options: TARGET_OPTIONS,
    example: `truthdb ${name} '${rest}'`,
    run: (args, terminal) => run(`${name.toUpperCase()} ${args.positional(0)}`, args, terminal),
  };
}

async function run(text: string, args: Arguments, terminal: Terminal): Promise<number> {
  const statements = await splitStatements(text);
  const db = await connectTo(args, terminal);
  try {
    for (const statement of statements) {
      const ranked = await db.ranking.execute(statement);
      if (terminal.json) await terminal.out(JSON.stringify(ranked));
      else for (const line of rankedLines(ranked)) await terminal.out(line);
    }
    return 0;
  } finally {
    await db.close();
  }
}

/** Refuses what cannot be read before anything of it is carried out. */
async function splitStatements(text: string): Promise<readonly string[]> {
  const { parseScript, print } = await import('../ranking/retrieve/language/index.ts');
  return parseScript(text).map((statement) => print(statement));
}

async function givenText(args: Arguments, terminal: Terminal): Promise<string> {
  const statement = args.positional(0);
  const file = args.text('file');
  if ((statement === undefined) === (file === undefined))
    throw misused(rank, 'give either a STATEMENT or --file FILE');
  if (statement !== undefined) return statement;
  if (file !== '-') return textFile(file as string);
  const chunks: Buffer[] = [];
  for await (const chunk of terminal.stdin()) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
