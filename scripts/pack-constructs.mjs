/** Makes constructs/dist, what the package @sluice/constructs carries; `npm pack` runs it. */
import { buildPage } from './build-page.mjs';
import { makeDist } from './lib/package-files.mjs';
import { ROOT, runMain } from './setup.mjs';

await runMain(async () => {
  await buildPage();
  await makeDist(ROOT, 'constructs');
  return 0;
});
