import type { SluiceConfig } from '../../contract';
import { at, type ConfigDraft } from './draft';

/** What each worker of `sluice.agents` is: a program or a container, by a name of its own. */
export function checkAgents({ sluice }: SluiceConfig, draft: ConfigDraft): void {
  const names = new Set<string>();
  for (const [index, { name, command, image, folder }] of sluice.agents.entries()) {
    const say = (key: string, problem: string): void => {
      const origin = at(draft.originOf(['sluice', 'agents', index, key]));
      draft.problems.push(`${origin}sluice.agents (${name}) ${problem}`);
    };
    if (command === '' && image === '') {
      say('name', 'has neither command nor image; give a program, or the image of a container');
    }
    if (command !== '' && image !== '') {
      say('image', 'has command and image; give a program, or the image of a container');
    }
    if (image !== '' && folder !== '') {
      say('folder', 'has image and folder; a container is in the folder that its image says');
    }
    if (names.has(name)) say('name', 'is there twice; give each worker a name of its own');
    names.add(name);
  }
}
