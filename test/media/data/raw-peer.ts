import type { WebRtcTransport } from 'mediasoup/types';
import { type Browser, chromium, type Page } from 'playwright-core';
import { until } from '../../support/wait';

/** A Chromium whose pages hold nothing but an RTCPeerConnection each. */
export async function launchRawChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env['CHROMIUM_BIN'] ?? '/usr/bin/chromium',
    headless: false,
    args: ['--headless=new', '--no-sandbox', '--disable-background-networking'],
  });
}

/** One message that a page received. */
export interface Received {
  readonly label: string;
  readonly bytes: number[];
  readonly size: number;
}

interface PageState {
  pc: RTCPeerConnection;
  channels: Record<string, RTCDataChannel>;
  received: Received[];
}

declare const state: PageState;

/** A page with one peer connection to one mediasoup transport, that carries data only. */
export class RawPeer {
  private constructor(readonly page: Page) {}

  static async open(browser: Browser): Promise<RawPeer> {
    const page = await browser.newPage();
    // tsx keeps function names by calls of `__name`.
    await page.evaluate('globalThis.__name = (f) => f');
    await page.evaluate(() => {
      const pc = new RTCPeerConnection();
      const state: PageState = { pc, channels: {}, received: [] };
      Object.assign(globalThis, { state });
      const watch = (channel: RTCDataChannel): void => {
        state.channels[channel.label] = channel;
        channel.binaryType = 'arraybuffer';
        channel.onmessage = ({ data }) => {
          const bytes = new Uint8Array(data as ArrayBuffer);
          state.received.push({
            label: channel.label,
            bytes: [...bytes.subarray(0, 4)],
            size: bytes.length,
          });
        };
      };
      Object.assign(globalThis, { watch });
      pc.ondatachannel = ({ channel }) => watch(channel);
    });
    return new RawPeer(page);
  }

  /** The page offers, as LiveKit clients do on their publisher connection. */
  async publish(
    transport: WebRtcTransport,
    channels: readonly { label: string; init?: RTCDataChannelInit }[],
  ): Promise<void> {
    const offer = await this.page.evaluate(async (list) => {
      const watch = (globalThis as unknown as { watch: (channel: RTCDataChannel) => void }).watch;
      for (const { label, init } of list) {
        watch(state.pc.createDataChannel(label, init));
      }
      await state.pc.setLocalDescription();
      return state.pc.localDescription?.sdp ?? '';
    }, channels);
    await connect(transport, offer, 'client');
    const answer = describe(transport, 'passive');
    await this.page.evaluate(
      (sdp) => state.pc.setRemoteDescription({ type: 'answer', sdp }),
      answer,
    );
  }

  /** The server offers; `setup` other than actpass forces the DTLS role of the page. */
  async subscribe(
    transport: WebRtcTransport,
    setup: 'actpass' | 'active' = 'actpass',
    beforeConnect: () => Promise<void> = async () => undefined,
  ): Promise<void> {
    const answer = await this.page.evaluate(
      async (sdp) => {
        await state.pc.setRemoteDescription({ type: 'offer', sdp });
        await state.pc.setLocalDescription();
        return state.pc.localDescription?.sdp ?? '';
      },
      describe(transport, setup),
    );
    await beforeConnect();
    await connect(transport, answer, answer.includes('a=setup:passive') ? 'server' : 'client');
  }

  send(label: string, size: number, count = 1): Promise<void> {
    return this.page.evaluate(
      ([label, size, count]) => {
        for (let i = 0; i < count; i++) {
          const bytes = new Uint8Array(size);
          new DataView(bytes.buffer).setUint32(0, i);
          state.channels[label]?.send(bytes);
        }
      },
      [label, size, count] as const,
    );
  }

  received(label: string): Promise<Received[]> {
    return this.page.evaluate(
      (label) => state.received.filter((message) => message.label === label),
      label,
    );
  }

  /** Waits for messages and returns them. */
  async untilReceived(label: string, count: number): Promise<Received[]> {
    await until(`${count} messages on ${label}`, async () => (await this.count(label)) >= count, {
      explain: async () => `it has ${await this.count(label)}`,
    });
    return this.received(label);
  }

  async count(label: string): Promise<number> {
    return (await this.received(label)).length;
  }

  async untilOpen(labels: readonly string[]): Promise<void> {
    await until(
      `open channels ${labels.join()}`,
      async () => (await this.labels()).join() === labels.join(),
    );
  }

  labels(): Promise<string[]> {
    return this.page.evaluate(() =>
      Object.values(state.channels)
        .filter((channel) => channel.readyState === 'open')
        .map((channel) => channel.label)
        .sort(),
    );
  }

  async closeChannel(label: string): Promise<void> {
    await this.page.evaluate((label) => state.channels[label]?.close(), label);
  }

  /** Opens one more channel on the connection that is up. */
  async openChannel(label: string): Promise<void> {
    await this.page.evaluate((label) => {
      const watch = (globalThis as unknown as { watch: (channel: RTCDataChannel) => void }).watch;
      watch(state.pc.createDataChannel(label));
    }, label);
  }

  close(): Promise<void> {
    return this.page.close();
  }
}

async function connect(
  transport: WebRtcTransport,
  sdp: string,
  role: 'client' | 'server',
): Promise<void> {
  const value = /a=fingerprint:sha-256 (\S+)/.exec(sdp)?.[1] ?? '';
  await transport.connect({
    dtlsParameters: { role, fingerprints: [{ algorithm: 'sha-256', value }] },
  });
}

function describe(transport: WebRtcTransport, setup: string): string {
  const { usernameFragment, password } = transport.iceParameters;
  const fingerprint = transport.dtlsParameters.fingerprints.find(
    ({ algorithm }) => algorithm === 'sha-256',
  );
  const lines = [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    't=0 0',
    'a=ice-lite',
    'a=group:BUNDLE 0',
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
    'c=IN IP4 0.0.0.0',
    'a=mid:0',
    `a=ice-ufrag:${usernameFragment}`,
    `a=ice-pwd:${password}`,
    `a=fingerprint:sha-256 ${fingerprint?.value ?? ''}`,
    `a=setup:${setup}`,
    'a=sctp-port:5000',
    'a=max-message-size:262144',
    ...transport.iceCandidates.map(
      ({ foundation, priority, address, port }) =>
        `a=candidate:${foundation} 1 udp ${priority} ${address} ${port} typ host`,
    ),
    'a=end-of-candidates',
  ];
  return `${lines.join('\r\n')}\r\n`;
}
