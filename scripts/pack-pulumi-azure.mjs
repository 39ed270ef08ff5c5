/** Makes pulumi-azure/dist, what the package @sluice/pulumi-azure carries; `npm pack` runs it. */
import { buildPage } from './build-page.mjs';
import { makeDist } from './lib/package-files.mjs';
import { ROOT, runMain } from './setup.mjs';

await runMain(async () => {
  await buildPage();
  await makeDist(ROOT, 'pulumi-azure');
  return 0;
});
