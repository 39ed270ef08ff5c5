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
    round(c, 330, 90, 190, 150, 10);
    c.fillStyle = 'rgb(255 255 255 / 20%)';
    c.beginPath();
    c.arc(475, 132, 18, 0, 7);
    c.fill();
    c.beginPath();
    c.moveTo(330, 240);
    c.lineTo(400, 150);
    c.lineTo(442, 202);
    c.lineTo(468, 176);
    c.lineTo(520, 240);
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
      c.translate(905, 590);
      c.rotate(lean + Math.sin(seconds + lean * 4) * 0.02);
      c.beginPath();
      c.moveTo(0, 0);
      c.bezierCurveTo(-52, -length * 0.4, -34, -length * 0.85, 0, -length);
      c.bezierCurveTo(34, -length * 0.85, 52, -length * 0.4, 0, 0);
      c.fill();
      c.restore();
    }
    c.fillStyle = 'rgb(255 255 255 / 30%)';
    round(c, 850, 580, 110, 190, 16);
  }

  function person(c: CanvasRenderingContext2D, bob: number, sway: number): void {
    c.save();
    // Everything below is drawn for a head at 0, 0.
    c.translate(640 + sway, 370 + bob);
    c.scale(0.78, 0.78);
    c.fillStyle = drawing.hair;
    if (drawing.longHair) round(c, -136, -110, 272, 350, 110);
    c.fillStyle = drawing.clothes;
    c.beginPath();
    c.moveTo(-330, 480);
    c.bezierCurveTo(-310, 240, -150, 215, 0, 215);
    c.bezierCurveTo(150, 215, 310, 240, 330, 480);
    c.fill();
    c.fillStyle = drawing.skin;
    round(c, -52, 90, 104, 160, 50);
    c.fillStyle = 'rgb(0 0 0 / 10%)';
    round(c, -52, 110, 104, 70, 40);
    c.fillStyle = drawing.skin;
    ellipse(c, 0, 0, 112, 142);
    c.fillStyle = drawing.hair;
    c.beginPath();
    c.moveTo(-122, 6);
    c.bezierCurveTo(-150, -210, 150, -210, 122, 6);
    c.bezierCurveTo(96, -70, 30, -96, -24, -84);
    c.bezierCurveTo(-70, -74, -104, -40, -122, 6);
    c.fill();
    c.fillStyle = '#2a2024';
    ellipse(c, -42, 2, 9, 11);
    ellipse(c, 42, 2, 9, 11);
    c.strokeStyle = '#2a2024';
    c.lineWidth = 7;
    c.lineCap = 'round';
    c.beginPath();
    c.arc(0, 46, 36, 0.35, Math.PI - 0.35);
    c.stroke();
    c.restore();
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
