import type { Logger } from 'pino';
import { watchDescriptors } from '../telemetry/descriptor-metrics';
import { readDescriptorLimits } from '../telemetry/descriptors';
import type { Metrics } from '../telemetry/metrics';
import { DescriptorGate, descriptorWarning } from './os-limits';

/**
 * Looks at what the operating system lets this process have: in the metrics, in the log where it is
 * too little, and at the door.
 *
 * @param workers - media workers; 0 on a Master Node.
 */
export function watchOsLimits(metrics: Metrics, workers: number, log: Logger): DescriptorGate {
  watchDescriptors(metrics.registry);
  const warning = descriptorWarning(readDescriptorLimits(), workers);
  if (warning !== undefined) {
    log.warn(warning);
  }
  return new DescriptorGate();
}
