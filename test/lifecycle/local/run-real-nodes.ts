/** A local cluster of real nodes, as the JSON in the first argument says. */
import { runLocalCluster } from '../../../node-image/lifecycle/local/run-local-cluster';
import type { RealNodes } from './support';

const given = JSON.parse(process.argv[2] ?? '{}') as RealNodes;

void runLocalCluster({ ...given, env: process.env, startSingle: async () => 7 }).then((code) => {
  process.exitCode = code;
});
