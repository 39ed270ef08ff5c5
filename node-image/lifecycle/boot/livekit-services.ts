import type { SluiceConfig } from '../../contract';
import { renderLiveKitConfig } from '../../image/livekit-config';
import { LIVEKIT_SERVICES, runsHere } from '../livekit-units';
import { BootError } from './boot-error';
import type { Machine } from './machine';
import { NODE_USER } from './secret-files';

const FOLDER = '/run/sluice/livekit';
const PODMAN = '/usr/bin/podman';

/**
 * Writes what LiveKit's own services read where they are to run on this machine, and takes it away
 * where they are not: their units start only where it is there.
 *
 * @throws BootError where nothing could run them.
 */
export async function writeLiveKitServices(options: {
  readonly machine: Machine;
  /** As the node will have it. */
  readonly config: SluiceConfig;
  readonly say: (line: string) => void;
}): Promise<void> {
  const { machine, config, say } = options;
  const [[apiKey, secret] = ['', '']] = Object.entries(config.keys);
  for (const service of LIVEKIT_SERVICES) {
    const file = `${FOLDER}/config/${service}`;
    if (!runsHere(config, service)) {
      await machine.remove(`${file}.env`);
      await machine.remove(`${file}.json`);
      continue;
    }
    if (!(await machine.exists(PODMAN))) {
      throw new BootError(
        `${service}.image has livekit/${service} run on this machine, and there is no Podman: run install.sh --livekit-services, or take ${service}.image out of sluice.yaml.`,
      );
    }
    await machine.folder(FOLDER, { mode: 0o755 });
    // Whoever the service is in its container can read the file, as it is all of the folder that gets
    // there; on the machine nobody but root comes past the folder.
    await machine.folder(`${FOLDER}/config`, { mode: 0o700 });
    await machine.folder(`${FOLDER}/order`, { mode: 0o755, user: NODE_USER });
    const text = renderLiveKitConfig(service, config, { apiKey, secret });
    await machine.write(`${file}.json`, `${text}\n`, { mode: 0o444 });
    const { image } = config[service];
    await machine.write(`${file}.env`, `SLUICE_IMAGE=${image}\n`, { mode: 0o400 });
    say(`livekit/${service} is to run here, from ${image}`);
  }
}
