/** `npm run lock`: what Debian's mirror, npm's lock and this host have now becomes what builds of the image follow. */
import { refreshLock } from '../image/inputs.ts';
import { printProgress } from './progress.ts';

await refreshLock(printProgress('lock'));
