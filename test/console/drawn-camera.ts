import type { Page } from 'playwright-core';

/** The colours of a drawn person and room. */
export interface Drawing {
  readonly wall: string;
  readonly light: string;
  readonly skin: string;
  readonly hair: string;
  readonly clothes: string;
  readonly plant: string;
  readonly longHair: boolean;
}

/**
 * Gives the page a camera that shows a drawn person, for pictures: Chromium's own made-up camera
 * is a green screen. Everything after the camera is as always: encoded, sent, forwarded, decoded.
 */
export async function drawCamera(page: Page, drawing: Drawing): Promise<void> {
  await page.addInitScript(installCamera, drawing);
}

// Runs in the browser, so it may use nothing from outside itself.
function installCamera(drawing: Drawing): void {
  const native = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (constraints) => {
    const stream = await native(constraints);
    const [camera] = stream.getVideoTracks();
    if (camera === undefined) return stream;
    const drawn = paint().captureStream(24).getVideoTracks()[0];
    if (drawn === undefined) return stream;
    stream.removeTrack(camera);
    // What asks the track for its device must get the answers of a camera.
    const settings = camera.getSettings();
    drawn.getSettings = () => ({ ...settings, width: 1280, height: 720, facingMode: 'user' });
    drawn.getConstraints = () => camera.getConstraints();
    drawn.applyConstraints = async () => undefined;
    drawn.addEventListener('ended', () => camera.stop());
    stream.addTrack(drawn);
    return stream;
  };

  function paint(): HTMLCanvasElement {
    const canvas = document.createElement('canvas');
    canvas.width = 1280;
    canvas.height = 720;
    const context = canvas.getContext('2d');
    if (context === null) throw new Error('no 2d canvas');
    const frame = (): void => scene(context, performance.now() / 1000);
    frame();
    setInterval(frame, 1000 / 24);
    return canvas;
  }

  function scene(c: CanvasRenderingContext2D, seconds: number): void {
    const wall = c.createLinearGradient(0, 0, 1280, 720);
    wall.addColorStop(0, drawing.light);
    wall.addColorStop(1, drawing.wall);
    c.fillStyle = wall;
    c.fillRect(0, 0, 1280, 720);
    picture(c);
    plant(c, seconds);
    person(c, Math.sin(seconds * 1.3) * 5, Math.sin(seconds * 0.7) * 8);
  }

  function picture(c: CanvasRenderingContext2D): void {
    c.fillStyle = 'rgb(255 255 255 / 22%)';
    round(c, 110, 90, 250, 180, 10);
    c.fillStyle = 'rgb(255 255 255 / 20%)';
    c.beginPath();
    c.arc(290, 145, 24, 0, 7);
    c.fill();
    c.beginPath();
    c.moveTo(110, 270);
    c.lineTo(205, 160);
    c.lineTo(260, 222);
    c.lineTo(295, 190);
    c.lineTo(360, 270);
    c.fill();
  }

  function plant(c: CanvasRenderingContext2D, seconds: number): void {
    c.fillStyle = drawing.plant;
    for (const [lean, length] of [
      [-0.75, 190],
      [-0.3, 250],
      [0.15, 270],
      [0.6, 210],
    ] as const) {
      c.save();
      c.translate(1090, 560);
      c.rotate(lean + Math.sin(seconds + lean * 4) * 0.02);
      c.beginPath();
      c.moveTo(0, 0);
      c.bezierCurveTo(-52, -length * 0.4, -34, -length * 0.85, 0, -length);
      c.bezierCurveTo(34, -length * 0.85, 52, -length * 0.4, 0, 0);
      c.fill();
      c.restore();
    }
    c.fillStyle = 'rgb(255 255 255 / 30%)';
    round(c, 1030, 550, 120, 190, 16);
  }

  function person(c: CanvasRenderingContext2D, bob: number, sway: number): void {
    const x = 640 + sway;
    const y = 300 + bob;
    c.fillStyle = drawing.hair;
    if (drawing.longHair) round(c, x - 140, y - 150, 280, 390, 130);
    c.fillStyle = drawing.clothes;
    c.beginPath();
    c.moveTo(x - 330, 730);
    c.bezierCurveTo(x - 310, y + 240, x - 150, y + 215, x, y + 215);
    c.bezierCurveTo(x + 150, y + 215, x + 310, y + 240, x + 330, 730);
    c.fill();
    c.fillStyle = drawing.skin;
    round(c, x - 52, y + 90, 104, 160, 50);
    c.fillStyle = 'rgb(0 0 0 / 10%)';
    round(c, x - 52, y + 110, 104, 70, 40);
    c.fillStyle = drawing.skin;
    ellipse(c, x, y, 112, 142);
    c.fillStyle = drawing.hair;
    c.beginPath();
    c.moveTo(x - 122, y + 6);
    c.bezierCurveTo(x - 150, y - 210, x + 150, y - 210, x + 122, y + 6);
    c.bezierCurveTo(x + 96, y - 70, x + 30, y - 96, x - 24, y - 84);
    c.bezierCurveTo(x - 70, y - 74, x - 104, y - 40, x - 122, y + 6);
    c.fill();
    c.fillStyle = '#2a2024';
    ellipse(c, x - 42, y + 2, 9, 11);
    ellipse(c, x + 42, y + 2, 9, 11);
    c.strokeStyle = '#2a2024';
    c.lineWidth = 7;
    c.lineCap = 'round';
    c.beginPath();
    c.arc(x, y + 46, 36, 0.35, Math.PI - 0.35);
    c.stroke();
  }

  function ellipse(c: CanvasRenderingContext2D, x: number, y: number, w: number, h: number): void {
    c.beginPath();
    c.ellipse(x, y, w, h, 0, 0, 7);
    c.fill();
  }

  function round(
    c: CanvasRenderingContext2D,
    x: number,
    y: number,
    w: number,
    h: number,
    r: number,
  ): void {
    c.beginPath();
    c.roundRect(x, y, w, h, r);
    c.fill();
  }
}
