import { parseEnv } from 'node:util';
import type { SluiceConfig } from '../../contract';
import { AGENTS_FOLDER, containerName } from '../agent-units';
import { type ConfigFiles, readSecretFile } from '../config/secrets';
import { BootError } from './boot-error';
import type { Machine } from './machine';
import { NODE_USER } from './secret-files';

const CONFIG = `${AGENTS_FOLDER}/config`;
const PODMAN = '/usr/bin/podman';
/** What their unit reads, what Podman gives them as environment, and their arguments. */
const ENDINGS = ['env', 'vars', 'args'] as const;

type Agent = SluiceConfig['sluice']['agents'][number];

/** Whether workers of agents run in containers on the machine of this node. */
export const hasAgentContainers = ({ sluice }: SluiceConfig): boolean =>
  sluice.role !== 'master' && sluice.agents.some(({ image }) => image !== '');

/**
 * Writes what the containers of agents are, and takes away those that are no more: units start only
 * what is there. One whose environment cannot be read is left out, as calls do without it.
 *
 * @throws BootError where nothing could run them.
 */
export async function writeAgentContainers(options: {
  readonly machine: Machine;
  /** As the node will have it. */
  readonly config: SluiceConfig;
  readonly files: ConfigFiles;
  readonly say: (line: string) => void;
}): Promise<void> {
  const { machine, config, files, say } = options;
  const isUsed = hasAgentContainers(config);
  if (isUsed && !(await machine.exists(PODMAN))) {
    throw new BootError(
      'sluice.agents has containers run on this machine, and there is no Podman: run install.sh --livekit-services, or take image out of sluice.agents in sluice.yaml.',
    );
  }
  const written = new Set<string>();
  if (isUsed) {
    await machine.folder(AGENTS_FOLDER, { mode: 0o755 });
    await machine.folder(CONFIG, { mode: 0o700 });
    await machine.folder(`${AGENTS_FOLDER}/order`, { mode: 0o755, user: NODE_USER });
    for (const agent of config.sluice.agents) {
      const texts = agent.image === '' ? undefined : textsOf(agent, files);
      if (typeof texts === 'string') say(`${texts}; its containers are not started`);
      if (texts === undefined || typeof texts === 'string') continue;
      for (let index = 0; index < agent.count; index += 1) {
        const name = containerName(agent, index);
        written.add(name);
        for (const ending of ENDINGS) {
          await machine.write(`${CONFIG}/${name}.${ending}`, texts[ending], { mode: 0o400 });
        }
      }
      say(`${agent.count} of ${agent.name} may run here, from ${agent.image}`);
    }
  }
  await removeOthers(machine, written);
}

/** @returns why it cannot be used, as one sentence, where it cannot. */
function textsOf(
  { name, image, args, env_file, cpus, memory }: Agent,
  files: ConfigFiles,
): Record<(typeof ENDINGS)[number], string> | string {
  const what = `sluice.agents (${name})`;
  const problems: string[] = [];
  const text = readSecretFile(env_file, `${what} env_file`, files, problems);
  if (text === undefined) return problems[0] ?? `${what} env_file ${env_file} cannot be read`;
  const variables = Object.entries(parseEnv(text)).sort(([a], [b]) => (a < b ? -1 : 1));
  // Both files have a line for each.
  const broken = variables.find(([, value]) => /[\r\n\0]/.test(value ?? ''));
  if (broken !== undefined) {
    return `${what} env_file ${env_file} has a value of several lines for ${broken[0]}; allowed for a container is one line`;
  }
  if (args.some((arg) => /[\r\n\0]/.test(arg))) {
    return `${what} has args of several lines; allowed for a container is one line each`;
  }
  const limits = [
    cpus === 0 ? '' : `SLUICE_CPUS=${cpus}\n`,
    memory === 0 ? '' : `SLUICE_MEMORY=${memory}b\n`,
  ];
  return {
    env: [`SLUICE_IMAGE=${image}\n`, ...limits].join(''),
    vars: variables.map(([key, value]) => `${key}=${value ?? ''}\n`).join(''),
    args: args.map((arg) => `${arg}\n`).join(''),
  };
}

/** Those that have been taken out of the configuration, and run yet, end when their jobs have. */
async function removeOthers(machine: Machine, written: ReadonlySet<string>): Promise<void> {
  for (const file of await machine.list(CONFIG)) {
    const name = file.replace(/\.[^.]*$/, '');
    if (written.has(name)) continue;
    await machine.remove(`${CONFIG}/${file}`);
    if (file.endsWith('.env')) {
      await machine.run('systemctl', '--no-block', 'stop', `sluice-agents@${name}.service`);
    }
  }
}
