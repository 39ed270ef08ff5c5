//! Tracks that a participant sends: when, how large, and with which headers.

use std::time::{Duration, Instant};

use str0m::Rtc;
use str0m::media::{Mid, Pt, Rid};
use str0m::rtp::{ExtensionValues, RtpWrite, SeqNo};

use crate::net::since_1970;
use crate::payload::{MARK_BYTES, VP8_LEAST_BYTES, Vp8Frame, vp8_payload, write_mark};
use crate::plan::{Layer, TrackPlan};
use crate::totals::Totals;

/// Payload of a full packet: what libwebrtc puts into one, so that all fits where tunnels are.
const FULL_PACKET: usize = 1130;
/// A key frame has this many times the bytes of an average frame.
const KEY_FRAME_FACTOR: usize = 4;
/// Requests for key frames that come faster are answered by one.
const KEY_FRAME_DISTANCE: Duration = Duration::from_millis(300);
/// What is due for longer is left out.
const LATE: Duration = Duration::from_millis(200);
const RIDS: [&str; 3] = ["q", "h", "f"];

/// The name of a layer, for a track that has several.
pub fn rid_of(layer: usize, layers: usize) -> Option<Rid> {
    (layers > 1).then(|| Rid::from(RIDS[layer]))
}

pub struct Source {
    mid: Mid,
    pt: Pt,
    streams: Vec<Stream>,
}

struct Stream {
    rid: Option<Rid>,
    content: Content,
    clock_rate: f64,
    frame_time: Duration,
    next: Instant,
    sequence: u64,
    frames: u64,
    packets: u32,
}

enum Content {
    Audio {
        bytes: usize,
    },
    Video {
        layer: Layer,
        temporal_layers: u8,
        picture_id: u16,
        tl0_index: u8,
        wants_key: bool,
        last_key: Option<Instant>,
    },
}

impl Source {
    pub fn new(plan: &TrackPlan, mid: Mid, pt: Pt, now: Instant) -> Self {
        let stream = |rid, content, clock_rate, per_second: f64| Stream {
            rid,
            content,
            clock_rate,
            frame_time: Duration::from_secs_f64(1.0 / per_second),
            next: now,
            sequence: 1,
            frames: 0,
            packets: 0,
        };
        let streams = match plan {
            TrackPlan::Audio {
                bytes,
                packets_per_second,
            } => {
                vec![stream(
                    None,
                    Content::Audio { bytes: *bytes },
                    48_000.0,
                    *packets_per_second,
                )]
            }
            TrackPlan::Video {
                layers,
                temporal_layers,
            } => layers
                .iter()
                .enumerate()
                .map(|(index, layer)| {
                    let content = Content::Video {
                        layer: layer.clone(),
                        temporal_layers: *temporal_layers,
                        picture_id: 1,
                        tl0_index: 0,
                        wants_key: true,
                        last_key: None,
                    };
                    stream(rid_of(index, layers.len()), content, 90_000.0, layer.fps)
                })
                .collect(),
        };
        Source { mid, pt, streams }
    }

    pub fn next(&self) -> Option<Instant> {
        self.streams.iter().map(|stream| stream.next).min()
    }

    /// Nothing is due before `now`.
    pub fn hold(&mut self, now: Instant) {
        for stream in &mut self.streams {
            stream.next = stream.next.max(now);
        }
    }

    /// Someone cannot go on without a key frame.
    pub fn request_key_frame(&mut self, mid: Mid, rid: Option<Rid>) {
        if mid != self.mid {
            return;
        }
        for stream in self
            .streams
            .iter_mut()
            .filter(|stream| rid.is_none() || stream.rid == rid)
        {
            if let Content::Video { wants_key, .. } = &mut stream.content {
                *wants_key = true;
            }
        }
    }

    /// Writes what is due; the peer connection sends it when it is next called.
    pub fn produce(&mut self, rtc: &mut Rtc, now: Instant, totals: &mut Totals) {
        for stream in &mut self.streams {
            while stream.next <= now {
                let due = stream.next;
                stream.next += stream.frame_time;
                stream.frames += 1;
                if now - due > LATE {
                    totals.skipped_frames += 1;
                    continue;
                }
                stream.write(rtc, self.mid, self.pt, now, totals);
            }
        }
    }
}

impl Stream {
    fn write(&mut self, rtc: &mut Rtc, mid: Mid, pt: Pt, now: Instant, totals: &mut Totals) {
        let time =
            (self.frames as f64 * self.frame_time.as_secs_f64() * self.clock_rate) as u64 as u32;
        let mut api = rtc.direct_api();
        let Some(out) = api.stream_tx_by_mid(mid, self.rid) else {
            totals.error(format!("no stream to send {mid} {:?} on", self.rid));
            return;
        };
        let (sequence, packets) = (&mut self.sequence, &mut self.packets);
        let mut packet = |mut payload: Vec<u8>, marker: bool, nackable: bool, ext_vals| {
            write_mark(&mut payload, since_1970(), *packets);
            let number: SeqNo = (*sequence).into();
            *sequence += 1;
            *packets = packets.wrapping_add(1);
            let write = RtpWrite::new(pt, number, time, now, payload)
                .marker(marker)
                .nackable(nackable)
                .ext_vals(ext_vals);
            out.write_rtp(write);
        };
        match &mut self.content {
            Content::Audio { bytes } => {
                let ext_vals = ExtensionValues {
                    audio_level: Some(-20),
                    voice_activity: Some(true),
                    ..Default::default()
                };
                packet(vec![0x5a; *bytes], self.frames == 1, false, ext_vals);
                totals.sent_audio.add(*bytes);
            }
            Content::Video {
                layer,
                temporal_layers,
                picture_id,
                tl0_index,
                wants_key,
                last_key,
            } => {
                let is_key = *wants_key && last_key.is_none_or(|at| now - at >= KEY_FRAME_DISTANCE);
                if is_key {
                    *wants_key = false;
                    *last_key = Some(now);
                    totals.key_frames += 1;
                }
                let temporal_layer = if is_key {
                    0
                } else {
                    layer_of(self.frames, *temporal_layers)
                };
                *picture_id = (*picture_id + 1) & 0x7fff;
                if temporal_layer == 0 {
                    *tl0_index = tl0_index.wrapping_add(1);
                }
                let frame = Vp8Frame {
                    key: is_key,
                    picture_id: *picture_id,
                    tl0_index: *tl0_index,
                    temporal_layer,
                    width: layer.width,
                    height: layer.height,
                };
                let average = (f64::from(layer.bits_per_second) / 8.0 / layer.fps) as usize;
                let size = average * if is_key { KEY_FRAME_FACTOR } else { 1 };
                let count = size.div_ceil(FULL_PACKET).max(1);
                let length = (size / count).max(VP8_LEAST_BYTES);
                debug_assert!(length >= MARK_BYTES);
                for index in 0..count {
                    let payload = vp8_payload(frame, index == 0, length);
                    packet(
                        payload,
                        index + 1 == count,
                        true,
                        ExtensionValues::default(),
                    );
                    totals.sent_video.add(length);
                }
            }
        }
    }
}

/// The pattern of libwebrtc's temporal layers.
fn layer_of(frame: u64, layers: u8) -> u8 {
    match layers {
        3 => [0, 2, 1, 2][(frame % 4) as usize],
        2 => (frame % 2) as u8,
        _ => 0,
    }
}
