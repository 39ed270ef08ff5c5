import type { TestPage } from '../../support/browser';

/** A page that sends by WHIP as any page does: one offer by HTTP, no library. */
export interface WhipSender {
  /** Of the answer to its POST. */
  readonly status: number;
  readonly location: string;
  readonly etag: string;
  readonly link: string;
  readonly text: string;
}

declare global {
  interface Window {
    whipSenders: Map<string, { peer: RTCPeerConnection; location: string; etag: string }>;
    makePicture(): MediaStreamTrack;
    makeTone(): MediaStreamTrack;
  }
}

export interface SendOptions {
  readonly url: string;
  /** As bearer token. @default none */
  readonly key?: string;
  /** Simulcast, lowest first. @default none */
  readonly rids?: readonly string[];
  /** Takes the answer, so that media flows. @default true */
  readonly connect?: boolean;
}

/** Has a page offer a moving picture and a tone. */
export function sendByWhip(
  page: TestPage,
  name: string,
  options: SendOptions,
): Promise<WhipSender> {
  return page.page.evaluate(
    async ({ name: id, url, key, rids, connect }) => {
      window.whipSenders ??= new Map();
      const canvas = document.createElement('canvas');
      canvas.width = 1280;
      canvas.height = 720;
      const context = canvas.getContext('2d');
      let frame = 0;
      setInterval(() => {
        frame += 1;
        if (context === null) return;
        context.fillStyle = 'rgb(40, 90, 160)';
        context.fillRect(0, 0, 1280, 720);
        context.fillStyle = `hsl(${frame % 360} 80% 50%)`;
        context.fillRect((frame * 8) % 1200, 300, 80, 80);
      }, 40);
      const [video] = canvas.captureStream(25).getVideoTracks();
      const audioContext = new AudioContext({ sampleRate: 48_000 });
      const oscillator = audioContext.createOscillator();
      const out = audioContext.createMediaStreamDestination();
      oscillator.connect(out);
      oscillator.start();
      const [audio] = out.stream.getAudioTracks();
      const peer = new RTCPeerConnection();
      if (video !== undefined) {
        const sendEncodings = rids?.map((rid, i, all) => ({
          rid,
          scaleResolutionDownBy: 2 ** (all.length - 1 - i),
        }));
        peer.addTransceiver(video, {
          direction: 'sendonly',
          ...(sendEncodings && { sendEncodings }),
        });
      }
      if (audio !== undefined) peer.addTransceiver(audio, { direction: 'sendonly' });
      await peer.setLocalDescription();
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/sdp',
          ...(key !== undefined && { authorization: `Bearer ${key}` }),
        },
        body: peer.localDescription?.sdp ?? '',
      });
      const text = await response.text();
      const location = response.headers.get('location') ?? '';
      const etag = response.headers.get('etag') ?? '';
      if (response.status === 201) {
        const at = new URL(location, response.url).href;
        window.whipSenders.set(id, { peer, location: at, etag });
        if (connect) await peer.setRemoteDescription({ type: 'answer', sdp: text });
      }
      const link = response.headers.get('link') ?? '';
      return { status: response.status, location, etag, link, text };
    },
    { name, connect: true, ...options },
  );
}

/** Has a page begin ICE anew, as after a change of its network. @returns the status of the PATCH */
export function restartIce(page: TestPage, name: string): Promise<number> {
  return page.page.evaluate(async (id) => {
    const sender = window.whipSenders.get(id);
    if (sender === undefined) throw new Error(`nobody sends as ${id}`);
    const { peer, location } = sender;
    const before = peer.remoteDescription?.sdp ?? '';
    peer.restartIce();
    await peer.setLocalDescription();
    const own = peer.localDescription?.sdp ?? '';
    const line = (sdp: string, what: string): string =>
      new RegExp(`^a=${what}:.*$`, 'm').exec(sdp)?.[0] ?? '';
    const response = await fetch(location, {
      method: 'PATCH',
      headers: { 'content-type': 'application/trickle-ice-sdpfrag', 'if-match': '*' },
      body: `${line(own, 'ice-ufrag')}\r\n${line(own, 'ice-pwd')}\r\n`,
    });
    if (response.status !== 200) return response.status;
    const fragment = await response.text();
    const sdp = before
      .replaceAll(/^a=ice-ufrag:.*$/gm, line(fragment, 'ice-ufrag').trim())
      .replaceAll(/^a=ice-pwd:.*$/gm, line(fragment, 'ice-pwd').trim());
    await peer.setRemoteDescription({ type: 'answer', sdp });
    return response.status;
  }, name);
}

/** Ends what a page sends, by DELETE. @returns its status */
export function deleteSession(page: TestPage, name: string): Promise<number> {
  return page.page.evaluate(async (id) => {
    const location = window.whipSenders.get(id)?.location ?? '';
    return (await fetch(location, { method: 'DELETE' })).status;
  }, name);
}

/**
 * Has a page offer anew whenever its connection is lost, as pages do that are to go on: with the same
 * tracks, until it is answered, or its key is none any more.
 */
export function comeBack(page: TestPage, name: string, url: string, key: string): Promise<void> {
  return page.page.evaluate(
    async ({ id, url, key }) => {
      const tracks = (window.whipSenders.get(id)?.peer.getSenders() ?? []).map((one) => one.track);
      const follow = (peer: RTCPeerConnection): void => {
        let isOver = false;
        const comeBack = (): void => {
          if (isOver) return;
          isOver = true;
          peer.close();
          void again();
        };
        peer.addEventListener('connectionstatechange', () => {
          if (!['connected', 'connecting'].includes(peer.connectionState)) comeBack();
        });
        // That the server has closed shows here at once, and in the state of the connection never.
        const dtls = peer.getSenders()[0]?.transport;
        dtls?.addEventListener('statechange', () => dtls.state === 'closed' && comeBack());
      };
      const again = async (): Promise<void> => {
        const peer = new RTCPeerConnection();
        for (const track of tracks) {
          if (track !== null) peer.addTransceiver(track, { direction: 'sendonly' });
        }
        await peer.setLocalDescription();
        for (;;) {
          const response = await fetch(url, {
            method: 'POST',
            headers: { 'content-type': 'application/sdp', authorization: `Bearer ${key}` },
            body: peer.localDescription?.sdp ?? '',
          }).catch(() => undefined);
          if (response?.status === 401) return;
          if (response?.status === 201) {
            const location = new URL(response.headers.get('location') ?? '', response.url).href;
            const etag = response.headers.get('etag') ?? '';
            window.whipSenders.set(id, { peer, location, etag });
            await peer.setRemoteDescription({ type: 'answer', sdp: await response.text() });
            follow(peer);
            return;
          }
          await new Promise((resolve) => setTimeout(resolve, 200));
        }
      };
      const peer = window.whipSenders.get(id)?.peer;
      if (peer !== undefined) follow(peer);
    },
    { id: name, url, key },
  );
}

/** How a page's connection is. */
export const connectionState = (page: TestPage, name: string): Promise<string> =>
  page.page.evaluate((id) => window.whipSenders.get(id)?.peer.connectionState ?? 'none', name);
