/** Stands for a node of a local cluster: says who it is, and does what its environment tells it. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { parse } from 'yaml';

const config = parse(readFileSync(process.argv.at(-1) ?? '', 'utf8'));
const { role, machine_id = 'master' } = config.sluice;
const log = (level: string, msg: string, more: object = {}): void =>
  console.log(JSON.stringify({ level, time: '', node_id: 'ND_x', msg, ...more }));

if (process.env['STAND_IN_FAILS'] === machine_id) {
  console.error('this port is in use');
  process.exit(1);
}
const end = (signal: string) => (): void => {
  log('info', `told to end by ${signal}`);
  if (process.env['STAND_IN_STAYS'] !== machine_id) process.exit(0);
};
process.on('SIGINT', end('SIGINT'));
process.on('SIGTERM', end('SIGTERM'));
const server = createServer((_, response) => response.end(JSON.stringify(config)));
server.listen(config.port, '127.0.0.1', () => {
  log('debug', 'nobody reads this');
  log('info', 'serving', { pid: process.pid, role, of: process.pid });
});
