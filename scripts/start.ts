/** `npm start`: just the database on this machine, data in ./data, no image, no root. */
import { join } from 'node:path';
import { main } from '../db/main.ts';
import { repositoryRoot } from './version.ts';

const data = process.env['TRUTHDB_DATA'] ?? join(repositoryRoot, 'data');
process.exitCode = await main(['serve', '--data', data, ...process.argv.slice(2)]);
