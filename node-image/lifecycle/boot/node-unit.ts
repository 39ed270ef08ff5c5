import { posix } from 'node:path';
import type { SluiceConfig } from '../../contract';
import { LIVEKIT_SERVICES, runsHere } from '../livekit-units';
import { hasAgentContainers } from './agent-containers';
import { BootError } from './boot-error';
import type { Machine } from './machine';

/** What systemd is told beside a unit, until the next boot. */
const beside = (unit: string, name: string): string => `/run/systemd/system/${unit}.d/${name}`;
/** After its drain a node closes what it has, s. */
const CLOSE_SECONDS = 60;

/**
 * Tells systemd of the node what its configuration says: how long it may take to stop, and where it
 * keeps recordings. LiveKit's own services and containers of agents end their jobs while it drains, and
 * may take as long.
 *
 * @throws BootError where it cannot keep them there.
 */
export async function writeNodeUnit(machine: Machine, config: SluiceConfig): Promise<void> {
  const hasServices = LIVEKIT_SERVICES.some((service) => runsHere(config, service));
  const texts = {
    [beside('sluice-node.service', 'stop.conf')]: stopTime(config),
    [beside('sluice-node.service', 'recordings.conf')]: recordings(config),
    [beside('sluice-livekit@.service', 'stop.conf')]: hasServices ? stopTime(config) : undefined,
    [beside('sluice-agents@.service', 'stop.conf')]: hasAgentContainers(config)
      ? stopTime(config)
      : undefined,
  };
  let isChanged = false;
  for (const [file, text] of Object.entries(texts)) {
    if ((await machine.read(file)) === text) continue;
    isChanged = true;
    if (text === undefined) await machine.remove(file);
    else await machine.write(file, text, { mode: 0o644 });
  }
  if (isChanged) await machine.run('systemctl', 'daemon-reload');
}

/** A stop is a drain, and may take as long. */
const stopTime = ({ sluice }: SluiceConfig): string =>
  `[Service]\nTimeoutStopSec=${Math.ceil(sluice.drain.deadline / 1000) + CLOSE_SECONDS}\n`;

/** The rest of the machine is read-only to the node. */
function recordings({ egress }: SluiceConfig): string | undefined {
  const { local_directory, work_directory } = egress;
  const lines = Object.entries({ local_directory, work_directory })
    .filter(([, folder]) => folder !== '')
    .map(([key, folder]) => {
      if (posix.isAbsolute(folder) && !/[\s"%\\]/.test(folder))
        return `ReadWritePaths=-${folder}\n`;
      throw new BootError(
        `egress.${key} is ${JSON.stringify(folder)}, and the unit of the node needs a path from / on, without blanks: correct it in sluice.yaml, and run \`sluice boot\` again.`,
      );
    });
  return lines.length === 0 ? undefined : `[Service]\n${lines.join('')}`;
}
