#!/usr/bin/env node
/**
 * The database's program run from sources: `npx truthdb serve …` in a clone. npm puts the pinned Node first in the path, so
 * the system's own may be older.
 */
import { main } from './main.ts';

process.exitCode = await main(process.argv.slice(2));
