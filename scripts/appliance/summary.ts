/** The last words of `npm run appliance`: how to go on from here. */
import type { RunningAppliance } from './boot.ts';
import type { InstalledState } from './state.ts';

export interface SummaryOptions {
  readonly appliance: Pick<RunningAppliance, 'connection' | 'httpPort'>;
  readonly state: InstalledState;
  readonly folder: string;
}

export function howToConnect({ appliance, state, folder }: SummaryOptions): string {
  const password = state.secrets.operatorPassword;
  return [
    '',
    'TruthDB is up. Connect with:',
    '',
    `  ${appliance.connection}`,
    '',
    'for example:',
    '',
    `  export TRUTHDB_URL='${appliance.connection}'`,
    '  dist/truthdb status',
    '  dist/truthdb read --limit 5',
    `  echo '{"hello":"world"}' | dist/truthdb append greetings --type said`,
    '  dist/truthdb tail',
    `  curl --insecure https://127.0.0.1:${appliance.httpPort}/readyz`,
    '',
    `Log in on its console as "operator"${password === '' ? '' : ` with the password ${password}`}.`,
    `Disk, serial log and what a later run needs are in ${folder}.`,
    '',
  ].join('\n');
}
