/** From a found answer to a plan: pure. */

import { parseAnswer } from '../answers/index.ts';
import { matchDisk } from '../answers/match.ts';
import type { FoundAnswer } from '../answers/source.ts';
import type { ApplianceConfig } from '../appliance-config.ts';
import type { Disk } from '../disks/disk.ts';
import type { Payload } from '../payload.ts';
import { type InstallPlan, planInstall } from '../plan.ts';

export interface UnattendedPlan {
  readonly plan: InstallPlan;
  readonly after: 'poweroff' | 'reboot';
}

/** @throws InstallError ANSWER_INVALID or ANSWER_DISK. */
export function planUnattended(found: FoundAnswer, disks: readonly Disk[], payload: Payload): UnattendedPlan {
  const answer = parseAnswer(found.text);
  const config: ApplianceConfig = {
    version: 1,
    hostname: answer.hostname ?? 'truthdb',
    network: answer.network ?? { mode: 'dhcp' },
    operator: answer.operator,
    ssh: answer.ssh ?? { authorizedKeys: [] },
  };
  const settings = { config, adminTokenHash: answer.adminTokenHash };
  return { plan: planInstall(matchDisk(answer, disks), payload, settings), after: answer.after };
}
