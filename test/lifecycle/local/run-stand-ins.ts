/** `sluice up` with stand-ins for nodes. */
import { join } from 'node:path';
import { runLocalCluster } from '../../../node-image/lifecycle/local/run-local-cluster';

const guard = join(__dirname, '../../../node-image/lifecycle/local/end-with-parent.ts');

void runLocalCluster({
  env: process.env,
  startSingle: async () => {
    console.log('single');
    return 7;
  },
  program: {
    command: process.execPath,
    args: [...process.execArgv, '--import', guard, join(__dirname, 'stand-in.ts')],
    env: process.env,
  },
}).then((code) => {
  process.exitCode = code;
});
