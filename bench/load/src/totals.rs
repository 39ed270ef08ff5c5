//! What was counted, by one thread or by all of them together.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// Kinds of errors that are told apart; further ones are counted under one name.
const KINDS_OF_ERRORS: usize = 20;

/// Times between a microsecond and five minutes, to 3 digits.
#[derive(Clone)]
pub struct Times(Histogram<u64>);

impl Times {
    pub fn new() -> Self {
        Times(Histogram::new_with_bounds(1, 300_000_000, 3).expect("these bounds are allowed"))
    }

    pub fn add(&mut self, time: Duration) {
        self.0.saturating_record((time.as_micros() as u64).max(1));
    }

    fn merge(&mut self, other: &Times) {
        self.0.add(&other.0).expect("all have the same bounds");
    }

    /// Milliseconds at quantile `q`; None without any value.
    fn ms(&self, q: f64) -> Option<f64> {
        (!self.0.is_empty()).then(|| self.0.value_at_quantile(q) as f64 / 1000.0)
    }

    pub fn p99(&self) -> Duration {
        Duration::from_micros(if self.0.is_empty() {
            0
        } else {
            self.0.value_at_quantile(0.99)
        })
    }

    fn json(&self) -> Value {
        json!({
            "count": self.0.len(),
            "p50": self.ms(0.5),
            "p95": self.ms(0.95),
            "p99": self.ms(0.99),
            "max": self.ms(1.0),
        })
    }
}

/// Packets and bytes of payload.
#[derive(Clone, Copy, Default)]
pub struct Flow {
    pub packets: u64,
    pub bytes: u64,
}

impl Flow {
    pub fn add(&mut self, bytes: usize) {
        self.packets += 1;
        self.bytes += bytes as u64;
    }

    fn merge(&mut self, other: Flow) {
        self.packets += other.packets;
        self.bytes += other.bytes;
    }

    fn json(self) -> Value {
        json!({ "packets": self.packets, "bytes": self.bytes })
    }
}

#[derive(Clone)]
pub struct Totals {
    pub planned: u64,
    pub started: u64,
    /// Got a JoinResponse.
    pub joined: u64,
    /// Had its first peer connection up.
    pub connected: u64,
    /// Ended by the server or by an error before their time.
    pub failed: u64,
    /// Times that someone was in again after the server had sent it to join anew.
    pub rejoined: u64,
    pub sent_audio: Flow,
    pub sent_video: Flow,
    pub key_frames: u64,
    /// Frames that were not sent because this program was late.
    pub skipped_frames: u64,
    pub received_audio: Flow,
    pub received_video: Flow,
    pub padding: u64,
    /// By sequence numbers, after retransmissions.
    pub lost: u64,
    pub streams: u64,
    pub nacks_sent: u64,
    pub plis_sent: u64,
    pub nacks_received: u64,
    pub plis_received: u64,
    pub data_sent: Flow,
    pub data_received: Flow,
    pub latency: Times,
    pub data_latency: Times,
    /// Interarrival jitter of each stream, as RFC 3550 has it, from the marks.
    pub jitter: Times,
    pub join: Times,
    pub connect: Times,
    pub first_frame: Times,
    pub first_audio: Times,
    /// Of those who joined anew: from the last packet before to the next complete key frame, or to
    /// sound where there are no pictures.
    pub gap: Times,
    /// Bits of video that each viewer got in its first 20 s, and how many viewers were that old.
    pub first_bits: u64,
    pub first_viewers: u64,
    /// From the kernel's time of arrival to when this program looked at the packet.
    pub own_delay: Times,
    /// Packets that the kernel dropped because this program was slow.
    pub overflowed: u64,
    /// The largest part of one core that a thread used since the last line.
    pub busiest_thread: f64,
    pub cpu: Duration,
    /// Handshakes by the SRTP profile that was chosen in them.
    pub srtp: BTreeMap<String, u64>,
    pub errors: BTreeMap<String, u64>,
}

impl Totals {
    pub fn new() -> Self {
        Totals {
            planned: 0,
            started: 0,
            joined: 0,
            connected: 0,
            failed: 0,
            rejoined: 0,
            sent_audio: Flow::default(),
            sent_video: Flow::default(),
            key_frames: 0,
            skipped_frames: 0,
            received_audio: Flow::default(),
            received_video: Flow::default(),
            padding: 0,
            lost: 0,
            streams: 0,
            nacks_sent: 0,
            plis_sent: 0,
            nacks_received: 0,
            plis_received: 0,
            data_sent: Flow::default(),
            data_received: Flow::default(),
            latency: Times::new(),
            data_latency: Times::new(),
            jitter: Times::new(),
            join: Times::new(),
            connect: Times::new(),
            first_frame: Times::new(),
            first_audio: Times::new(),
            gap: Times::new(),
            first_bits: 0,
            first_viewers: 0,
            own_delay: Times::new(),
            overflowed: 0,
            busiest_thread: 0.0,
            cpu: Duration::ZERO,
            srtp: BTreeMap::new(),
            errors: BTreeMap::new(),
        }
    }

    pub fn error(&mut self, message: String) {
        let known = self.errors.contains_key(&message) || self.errors.len() < KINDS_OF_ERRORS;
        let message = if known {
            message
        } else {
            "further kinds of errors".into()
        };
        *self.errors.entry(message).or_default() += 1;
    }

    pub fn merge(&mut self, other: &Totals) {
        for (mine, theirs) in [
            (&mut self.planned, other.planned),
            (&mut self.started, other.started),
            (&mut self.joined, other.joined),
            (&mut self.connected, other.connected),
            (&mut self.failed, other.failed),
            (&mut self.rejoined, other.rejoined),
            (&mut self.key_frames, other.key_frames),
            (&mut self.skipped_frames, other.skipped_frames),
            (&mut self.padding, other.padding),
            (&mut self.lost, other.lost),
            (&mut self.streams, other.streams),
            (&mut self.nacks_sent, other.nacks_sent),
            (&mut self.plis_sent, other.plis_sent),
            (&mut self.nacks_received, other.nacks_received),
            (&mut self.plis_received, other.plis_received),
            (&mut self.first_bits, other.first_bits),
            (&mut self.first_viewers, other.first_viewers),
            (&mut self.overflowed, other.overflowed),
        ] {
            *mine += theirs;
        }
        self.sent_audio.merge(other.sent_audio);
        self.sent_video.merge(other.sent_video);
        self.received_audio.merge(other.received_audio);
        self.received_video.merge(other.received_video);
        self.data_sent.merge(other.data_sent);
        self.data_received.merge(other.data_received);
        for (mine, theirs) in [
            (&mut self.latency, &other.latency),
            (&mut self.data_latency, &other.data_latency),
            (&mut self.jitter, &other.jitter),
            (&mut self.join, &other.join),
            (&mut self.connect, &other.connect),
            (&mut self.first_frame, &other.first_frame),
            (&mut self.first_audio, &other.first_audio),
            (&mut self.gap, &other.gap),
            (&mut self.own_delay, &other.own_delay),
        ] {
            mine.merge(theirs);
        }
        self.busiest_thread = self.busiest_thread.max(other.busiest_thread);
        self.cpu += other.cpu;
        for (profile, count) in &other.srtp {
            *self.srtp.entry(profile.clone()).or_default() += count;
        }
        for (message, count) in &other.errors {
            *self.errors.entry(message.clone()).or_default() += count;
        }
    }

    /// Why figures of this run are of the load source rather than of the server.
    pub fn bottleneck(&self) -> Vec<String> {
        let mut why = Vec::new();
        if self.busiest_thread > 0.9 {
            why.push(format!(
                "a thread was busy for {:.0} % of the time",
                self.busiest_thread * 100.0
            ));
        }
        let delay = self.own_delay.p99();
        if delay > Duration::from_millis(50) {
            why.push(format!(
                "packets waited {} ms for it at p99",
                delay.as_millis()
            ));
        }
        if self.overflowed > 0 {
            why.push(format!(
                "its sockets overflowed by {} packets",
                self.overflowed
            ));
        }
        if self.skipped_frames > 0 {
            why.push(format!(
                "{} frames were due and not sent",
                self.skipped_frames
            ));
        }
        why
    }

    pub fn json(&self, kind: &str, seconds: f64) -> Value {
        let why = self.bottleneck();
        json!({
            "type": kind,
            "seconds": seconds,
            "clients": {
                "planned": self.planned,
                "started": self.started,
                "joined": self.joined,
                "connected": self.connected,
                "failed": self.failed,
                "rejoined": self.rejoined,
            },
            "sent": {
                "audio": self.sent_audio.json(),
                "video": self.sent_video.json(),
                "keyFrames": self.key_frames,
                "nacks": self.nacks_received,
                "plis": self.plis_received,
            },
            "received": {
                "audio": self.received_audio.json(),
                "video": self.received_video.json(),
                "padding": self.padding,
                "lost": self.lost,
                "streams": self.streams,
                "nacks": self.nacks_sent,
                "plis": self.plis_sent,
            },
            "data": {
                "sent": self.data_sent.json(),
                "received": self.data_received.json(),
                "latencyMs": self.data_latency.json(),
            },
            "latencyMs": self.latency.json(),
            "jitterMs": self.jitter.json(),
            "joinMs": self.join.json(),
            "connectMs": self.connect.json(),
            "firstFrameMs": self.first_frame.json(),
            "firstAudioMs": self.first_audio.json(),
            "gapMs": self.gap.json(),
            "first20s": {
                "viewers": self.first_viewers,
                "bitsPerSecond": (self.first_viewers > 0)
                    .then(|| self.first_bits as f64 / 20.0 / self.first_viewers as f64),
            },
            "self": {
                "cpuSeconds": self.cpu.as_secs_f64(),
                "busiestThread": self.busiest_thread,
                "delayMs": self.own_delay.json(),
                "overflowed": self.overflowed,
                "skippedFrames": self.skipped_frames,
                "isBottleneck": !why.is_empty(),
                "why": why,
            },
            "srtp": self.srtp,
            "errors": self.errors,
        })
    }
}
