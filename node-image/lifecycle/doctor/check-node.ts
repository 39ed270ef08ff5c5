import type { Check, DoctorContext } from './context';
import { type DoctorFinding, reportOf } from './problems';

/** What the node says of itself, where it runs. */
export const checkNode: Check = async ({ config, node }) => {
  const report = reportOf('Node');
  const where = `port ${config.port}`;
  switch (node.kind) {
    case 'nobody':
      return [report.ok('it does not run; looked at is whether it can')];
    case 'other':
      // Told with the other ports that are taken.
      return [report.unchecked(`what answers at ${where} is no node`)];
    case 'silent':
      return [
        report.problem(
          'node-silent',
          `who has ${where} does not answer`,
          `See who has it: ss -ltnp 'sport = :${config.port}'; a node that hangs is restarted: systemctl restart sluice-node`,
        ),
      ];
    case 'node':
      return [...judgeNode(node.isReady, node.text), ...judgeMetrics(config, node.metrics)];
  }
};

function judgeNode(isReady: boolean, text: string): DoctorFinding[] {
  const report = reportOf('Node');
  if (isReady) return [report.ok('it runs, and is ready')];
  const [, , ...reasons] = text.split('\n');
  return [
    report.problem(
      'node-not-ready',
      `it runs, and is not ready${reasons.length === 0 ? '' : `: ${reasons.join('; ')}`}`,
      'Its log says more: journalctl -u sluice-node --since -10min',
    ),
  ];
}

function judgeMetrics(
  { prometheus }: DoctorContext['config'],
  metrics: { readonly trouble: string | undefined } | undefined,
): DoctorFinding[] {
  if (metrics?.trouble === undefined) return [];
  return [
    reportOf('Metrics').problem(
      'metrics-other',
      `the node has no metrics at port ${prometheus.port}: ${metrics.trouble}`,
      'It runs with another prometheus section than this one: give its configuration with --config, or restart it.',
    ),
  ];
}
