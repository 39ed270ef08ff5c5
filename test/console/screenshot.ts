/**
 * Makes the picture of the README, docs/images/meet.png: two participants on a running server.
 *
 * Usage: node --import tsx test/console/screenshot.ts [http://127.0.0.1:7880/meet?room=demo]
 *          [--out docs/images/meet.png] [--width 1280] [--height 800] [--chat] [--lobby]
 */
import { mkdir } from 'node:fs/promises';
import { dirname, join as path } from 'node:path';
import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import { type Drawing, drawCamera } from './drawn-camera';
import { join, launchChromium, openMeet } from './meet-browser';

const ADA: Drawing = {
  wall: '#2d4a53',
  light: '#8fb8b8',
  skin: '#e8b796',
  hair: '#5b3427',
  clothes: '#d9734e',
  plant: '#3f7d5b',
  longHair: true,
};
const GRACE: Drawing = {
  wall: '#4a3f5c',
  light: '#d8b48a',
  skin: '#9c6748',
  hair: '#241b1d',
  clothes: '#3d6fa8',
  plant: '#5d8f4e',
  longHair: false,
};

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      out: { type: 'string', default: path(__dirname, '../../docs/images/meet.png') },
      width: { type: 'string', default: '1280' },
      height: { type: 'string', default: '800' },
      chat: { type: 'boolean', default: false },
      lobby: { type: 'boolean', default: false },
    },
  });
  const url = positionals[0] ?? 'http://127.0.0.1:7880/meet?room=demo';
  const size = { width: Number(values.width), height: Number(values.height) };

  const browser = await launchChromium();
  try {
    const ada = await openMeet(browser, url, { ...size, prepare: (page) => drawCamera(page, ADA) });
    await ada.page.locator('.preview-stage video').waitFor();
    if (!values.lobby) {
      const grace = await openMeet(browser, url, { prepare: (page) => drawCamera(page, GRACE) });
      await join(ada.page, 'Ada');
      await join(grace.page, 'Grace');
      if (values.chat) await chat(ada.page, grace.page);
      while ((await ada.received()).framesDecoded < 120) await ada.page.waitForTimeout(250);
    }
    await ada.page.mouse.move(0, 0);
    await ada.page.waitForTimeout(1500);
    await mkdir(dirname(values.out), { recursive: true });
    await ada.page.screenshot({ path: values.out });
    process.stdout.write(`${values.out}\n`);
  } finally {
    await browser.close();
  }
}

async function chat(ada: Page, grace: Page): Promise<void> {
  const said: [Page, string][] = [
    [grace, 'Shall I drain the second node now?'],
    [ada, 'Go ahead. If it works, nobody here will notice.'],
    [grace, 'Done. Did you see anything?'],
    [ada, 'Not a frame lost.'],
  ];
  for (const page of [ada, grace]) await page.getByRole('button', { name: /^Chat/ }).click();
  for (const [page, text] of said) {
    await page.getByLabel('Message').fill(text);
    await page.getByRole('button', { name: 'Send' }).click();
    await page.waitForTimeout(700);
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
});
