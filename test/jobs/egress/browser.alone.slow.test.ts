import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Browser } from '../../../node-image/jobs/egress/web/browser';
import { openDisplay } from '../../../node-image/jobs/egress/web/display';
import { GuardedProxy } from '../../../node-image/net/guarded-proxy';
import { strangerAddressOf } from '../../../node-image/net/stranger-address';
import { listenOnLoopback } from '../ingress/media-origin';

const [width, height] = [640, 360];

describe('The browser of a recording', () => {
  it('asks nobody what its machine is told about itself', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-browser-test-'));
    const pages = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html').end('<title>here</title>');
    });
    const url = await listenOnLoopback(pages);
    const proxy = await GuardedProxy.listen({ addressOf: strangerAddressOf });
    const display = await openDisplay({ width, height, folder });
    const browser = await Browser.launch({
      program: process.env['CHROMIUM_BIN'] ?? '/usr/bin/chromium',
      ...{ width, height, folder, env: display.env, proxy: proxy.url },
      ...{ sandbox: false, insecure: false },
    });
    try {
      await browser.page.goto(url);
      assert.equal(await browser.page.title(), 'here');
      // By an answer of the proxy: past it nothing would answer at all.
      const answer = await browser.page.goto('http://169.254.169.254/latest/meta-data/');
      assert.equal(answer?.status(), 403);
      assert.match((await answer?.text()) ?? '', /no address of a stranger may lead there/);
    } finally {
      await browser.close();
      await display.close();
      proxy.close();
      pages.close();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
