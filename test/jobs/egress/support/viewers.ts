import { listedSegments } from '../../../../node-image/jobs/egress/outputs/playlist';
import { sleep } from '../../../support/wait';

/**
 * A player of HLS without a picture: asks for the playlist each second, and once for all that it lists.
 *
 * @returns names of the segments that it has got, when the playlist says that there are no more
 */
export async function watched(playlist: string): Promise<string[]> {
  const got = new Set<string>();
  for (;;) {
    const text = await bodyOf(playlist);
    const listed = listedSegments(text);
    for (const name of new Set(listed.flatMap((one) => [one.map, one.name]))) {
      if (got.has(name)) continue;
      await bodyOf(new URL(name, playlist).href);
      got.add(name);
    }
    if (text.includes('#EXT-X-ENDLIST')) return [...got];
    await sleep(1000);
  }
}

async function bodyOf(url: string): Promise<string> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response.text();
}

/**
 * In a page: plays it to its end, as it comes, by a SourceBuffer.
 *
 * @returns s that were played
 */
export async function playedLive(playlist: string): Promise<number> {
  const video = document.createElement('video');
  video.muted = true;
  const media = new MediaSource();
  video.src = URL.createObjectURL(media);
  await new Promise((resolve) => {
    media.onsourceopen = resolve;
  });
  const buffer = media.addSourceBuffer('video/mp4; codecs="avc1.4d401f,mp4a.40.2"');
  const got = new Set<string>();
  const take = async (name: string): Promise<void> => {
    if (got.has(name)) return;
    got.add(name);
    const bytes = await (await fetch(new URL(name, playlist))).arrayBuffer();
    await new Promise((resolve, reject) => {
      buffer.onupdateend = resolve;
      buffer.onerror = () => reject(new Error(`${name} was not taken`));
      buffer.appendBuffer(bytes);
    });
  };
  void video.play().catch(() => {});
  for (;;) {
    const text = await (await fetch(playlist)).text();
    await take(/#EXT-X-MAP:URI="([^"]+)"/.exec(text)?.[1] ?? '');
    for (const line of text.split('\n')) if (line.endsWith('.m4s')) await take(line);
    if (text.includes('#EXT-X-ENDLIST')) break;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  media.endOfStream();
  video.playbackRate = 2;
  await new Promise((resolve, reject) => {
    if (video.ended) resolve(undefined);
    video.onended = resolve;
    video.onerror = () => reject(new Error(video.error?.message));
    video.play().catch(reject);
  });
  return video.currentTime;
}
