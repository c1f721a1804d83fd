/**
 * `truthdb-appliance`: the program of the installed system that turns its settings into what other programs read. It runs once
 * early in every boot, as root, from the verified root image.
 */
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseApplianceConfig } from '../installer/appliance-config.ts';
import { HOSTNAME_FILE, renderAppliance } from './render.ts';

const CONFIG_FILE = '/state/config.json';
const KERNEL_HOSTNAME = '/proc/sys/kernel/hostname';

const HELP = `truthdb-appliance render [--config FILE] [--dry-run]

Reads the settings of this machine (${CONFIG_FILE}) and writes what follows from
them below /run: network, host name, firewall, the operator's account, SSH keys.
--dry-run prints the files instead, password hash included.

Example: sudo truthdb-appliance render --dry-run
`;

/** Exit codes of sysexits.h: 64 usage, 78 configuration. */
const EXIT = { ok: 0, usage: 64, config: 78 } as const;

interface Arguments {
  readonly config: string;
  readonly dryRun: boolean;
}

export async function main(args: string[]): Promise<number> {
  if (args.includes('--help') || args.length === 0) {
    process.stdout.write(HELP);
    return args.length === 0 ? EXIT.usage : EXIT.ok;
  }
  const parsed = parseArguments(args);
  if (typeof parsed === 'string') {
    process.stderr.write(`truthdb-appliance: ${parsed}\n`);
    return EXIT.usage;
  }
  return render(parsed);
}

function parseArguments(args: readonly string[]): Arguments | string {
  const [command, ...rest] = args;
  if (command !== 'render') return `"${command}" is not a command; the one there is is "render"`;
  let config = CONFIG_FILE;
  let dryRun = false;
  for (let index = 0; index < rest.length; index += 1) {
    const argument = rest[index];
    const value = rest[index + 1];
    if (argument === '--dry-run') dryRun = true;
    else if (argument === '--config' && value !== undefined) {
      config = value;
      index += 1;
    } else return `"${argument}" is not an option of "render", or lacks its value`;
  }
  return { config, dryRun };
}

async function render({ config, dryRun }: Arguments): Promise<number> {
  const settings = parseApplianceConfig(await readFile(config, 'utf8'));
  if (!settings.ok) {
    for (const error of settings.errors) process.stderr.write(`truthdb-appliance: ${config}: ${error}\n`);
    return EXIT.config;
  }
  const files = renderAppliance(settings.config);
  if (dryRun) {
    for (const { path, content } of files) process.stdout.write(`# ${path}\n${content}\n`);
    return EXIT.ok;
  }
  for (const { path, mode, content } of files) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content, { mode });
    await chmod(path, mode); // An earlier run's file keeps its mode otherwise.
  }
  await writeFile(KERNEL_HOSTNAME, settings.config.hostname);
  process.stdout.write(`${files.length} files below /run from ${config}; host name in ${HOSTNAME_FILE}\n`);
  return EXIT.ok;
}
