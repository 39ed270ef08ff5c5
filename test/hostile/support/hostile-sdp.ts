import fc from 'fast-check';

/** Text that breaks lines, quotes, numbers and grammars. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    '',
    '0',
    '-1',
    '1e9',
    '4294967296',
    '99999999999999999999999',
    'NaN',
    '__proto__',
    'constructor',
    'x\r\na=candidate:1 1 udp 1 10.0.0.1 9 typ host',
    'x\na=inactive',
    'x\rm=audio 9 UDP/TLS/RTP/SAVPF 0',
    '\u2028a=mid:9',
    '\0',
    '{a}|"b"<c>',
    ' ',
  ),
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.integer({ min: -10, max: 70_000 }).map(String),
);

const number = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 130 }).map(String) },
  { weight: 1, arbitrary: hostileText },
);
const codec = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('opus/48000/2', 'VP8/90000', 'H264/90000', 'rtx/90000') },
  { weight: 1, arbitrary: fc.tuple(hostileText, number, number).map((parts) => parts.join('/')) },
  { weight: 1, arbitrary: hostileText },
);
const format = fc.oneof(
  fc.constantFrom('apt=96', 'minptime=10;useinbandfec=1', '0-15', '111/111', '5'),
  fc.tuple(hostileText, hostileText).map(([key, value]) => `${key}=${value}`),
  fc.tuple(fc.constantFrom('profile-id', 'stereo', 'apt'), hostileText).map((p) => p.join('=')),
  hostileText,
);

/** One line below an m-line: good, slightly wrong or absurd. */
const line: fc.Arbitrary<string> = fc.oneof(
  fc.tuple(number, codec).map(([pt, name]) => `a=rtpmap:${pt} ${name}`),
  fc.tuple(number, format).map(([pt, text]) => `a=fmtp:${pt} ${text}`),
  fc
    .tuple(number, fc.oneof(hostileText, fc.constantFrom('nack', 'nack pli', 'ccm fir', '1')))
    .map(([pt, text]) => `a=rtcp-fb:${pt} ${text}`),
  fc
    .tuple(
      number,
      fc.oneof(hostileText, fc.constantFrom('urn:ietf:params:rtp-hdrext:sdes:mid', '7')),
    )
    .map(([id, uri]) => `a=extmap:${id} ${uri}`),
  fc.tuple(hostileText, fc.constantFrom('send', 'recv', '')).map(([rid, d]) => `a=rid:${rid} ${d}`),
  fc.array(hostileText, { maxLength: 5 }).map((rids) => `a=simulcast:send ${rids.join(';')}`),
  fc.constantFrom('a=rid:1 send\r\na=simulcast:send 1', 'a=rid:q send\r\na=simulcast:send q;q;~h'),
  fc.tuple(number, hostileText).map(([ssrc, text]) => `a=ssrc:${ssrc} cname:${text}`),
  fc.tuple(hostileText, hostileText).map((two) => `a=ssrc-group:FID ${two.join(' ')}`),
  fc.tuple(hostileText, hostileText).map((two) => `a=msid:${two.join(' ')}`),
  fc.tuple(hostileText, hostileText).map((two) => `a=fingerprint:${two.join(' ')}`),
  hostileText.map((text) => `a=setup:${text}`),
  hostileText.map((text) => `a=ice-ufrag:${text}`),
  fc.constantFrom('a=sendonly', 'a=inactive', 'a=bundle-only', 'a=extmap-allow-mixed'),
  fc.tuple(fc.constantFrom(...'abcikmoprstuvz'), hostileText).map((two) => two.join('=')),
);

const media = fc.tuple(
  fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom('audio', 'video', 'application') },
    { weight: 1, arbitrary: hostileText },
  ),
  fc.oneof({ weight: 8, arbitrary: fc.constant('9') }, { weight: 1, arbitrary: number }),
  fc.oneof(
    { weight: 12, arbitrary: fc.constant('UDP/TLS/RTP/SAVPF') },
    { weight: 1, arbitrary: hostileText },
  ),
  fc.array(number, { maxLength: 5 }),
  fc.oneof(
    { weight: 12, arbitrary: fc.integer({ min: 0, max: 999 }).map((n) => `m${n}`) },
    { weight: 1, arbitrary: hostileText },
  ),
  fc.array(line, { maxLength: 14 }),
);

/** A session description that mostly has the shape of one. */
export const hostileSdp: fc.Arbitrary<string> = fc
  .tuple(fc.array(line, { maxLength: 2 }), fc.array(media, { maxLength: 4 }))
  .map(([session, sections]) =>
    [
      'v=0',
      'o=- 1 1 IN IP4 127.0.0.1',
      's=-',
      't=0 0',
      ...session,
      ...sections.flatMap(([kind, port, protocol, formats, mid, lines]) => [
        `m=${kind} ${port} ${protocol} ${formats.join(' ')}`,
        `a=mid:${mid}`,
        ...lines,
      ]),
      '',
    ].join('\r\n'),
  );
