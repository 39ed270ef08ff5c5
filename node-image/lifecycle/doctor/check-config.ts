import type { Check } from './context';
import { reportOf } from './problems';

const NODE_OF = { single: 'Single Node', master: 'Master Node', media: 'Media Node' } as const;

/** What the node would say of its configuration. */
export const checkConfig: Check = async ({ config, question: { warnings } }) => {
  const { ok, problem } = reportOf('Configuration');
  return warnings.length === 0
    ? [ok(`of a ${NODE_OF[config.sluice.role]}`)]
    : warnings.map((warning) => problem('config-warned', warning, 'Correct it in sluice.yaml.'));
};
