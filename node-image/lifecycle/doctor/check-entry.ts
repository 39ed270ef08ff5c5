import { askHttp } from './ask-http';
import { taken } from './check-ports';
import type { Check } from './context';
import { probePort } from './port-probe';
import { reportOf } from './problems';

const ANSWER_MS = 4000;

/** The HAProxy of this machine. */
export const checkEntry: Check = async ({ entry, system, node, question }) => {
  const report = reportOf('Entry');
  if (entry === undefined) return [];
  const where = `port ${entry.port}`;
  const unit = await system.run('systemctl', ['is-active', 'sluice-haproxy']);
  if (unit?.code !== 0 && node.kind === 'nobody') {
    const state = await probePort({ protocol: 'tcp', port: entry.port, address: undefined });
    return [
      state === 'taken'
        ? taken(`tcp ${entry.port} (entry)`, {
            key: 'entry.port of boot.json',
            protocol: 'tcp',
            port: entry.port,
          })
        : report.ok(`HAProxy does not run yet; ${where} is free for it`),
    ];
  }
  if (entry.takesProxyHeader) {
    return [report.unchecked(`${where} answers load balancers only, which say first for whom`)];
  }
  const answer = await askHttp({
    host: '127.0.0.1',
    port: entry.port,
    timeoutMs: ANSWER_MS,
    tls: entry.certificate !== undefined,
    serverName: question.domain,
  });
  if (answer.kind !== 'answer') {
    return [
      report.problem(
        'entry-silent',
        `HAProxy does not answer at ${where}`,
        'See why: systemctl status sluice-haproxy; journalctl -u sluice-haproxy --since -10min',
      ),
    ];
  }
  if (answer.status === 200 || node.kind !== 'node' || !node.isReady) {
    return [report.ok(`HAProxy answers at ${where}`)];
  }
  return [
    report.problem(
      'entry-no-node',
      `the node is ready, and HAProxy answers ${answer.status} at ${where}`,
      'HAProxy looks for the node at another port: run `sluice boot` as root, which writes its configuration anew, then systemctl reload sluice-haproxy',
    ),
  ];
};
