/** The database's program run from sources, for development and tests: `node db/bin.ts serve …`. */
import { main } from './main.ts';

process.exitCode = await main(process.argv.slice(2));
