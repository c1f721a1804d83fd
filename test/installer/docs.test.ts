import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseAnswer } from '../../installer/answers/index.ts';
import { INSTALL_ERROR_CODES } from '../../installer/errors.ts';
import { planInstall } from '../../installer/plan.ts';
import { PAGE_IDS } from '../../installer/session/view.ts';
import { planSteps } from '../../installer/steps/index.ts';
import { diskOf } from './disks/machines.ts';
import { config, payload } from './examples.ts';

const text = readFileSync(new URL('../../docs/installer.md', import.meta.url), 'utf8');

describe('docs/installer.md', () => {
  it('has every page in its table', () => {
    for (const page of PAGE_IDS) expect(text).toContain(`| \`${page}\` |`);
  });

  it('has every error code', () => {
    for (const code of INSTALL_ERROR_CODES) expect(text).toContain(`\`${code}\``);
  });

  it('tells the steps in the order they are taken', () => {
    const steps = planSteps(
      planInstall(diskOf('nvme', 'nvme0n1'), payload, { config, adminTokenHash: undefined }),
    );
    const section = text.slice(text.indexOf('## What is written'));
    const places = steps.map(({ name }) => section.indexOf(`**${name}**`));
    expect(places.every((place) => place > 0)).toBe(true);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });

  it('shows an answer that is one', () => {
    const example = /```json\n(.*?)```/s.exec(text)?.[1] ?? '';
    expect(parseAnswer(example)).toMatchObject({ hostname: 'db1', after: 'poweroff' });
  });
});
