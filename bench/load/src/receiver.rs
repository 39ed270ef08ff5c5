//! What is known of one stream of packets that arrives.

use std::time::Duration;

use str0m::rtp::RtpPacket;

use crate::payload::{Vp8Part, read_mark, vp8_part};
use crate::totals::Totals;

pub struct Receiver {
    pub is_video: bool,
    first: u64,
    highest: u64,
    packets: u64,
    /// What of it is in the totals.
    counted_lost: u64,
    latency: Option<f64>,
    /// Seconds, as RFC 3550 section 6.4.1 has it.
    jitter: f64,
    /// The number that has to come next for the key frame to be complete.
    assembling: Option<u64>,
    has_key_frame: bool,
    had_packets: u64,
}

impl Receiver {
    pub fn new(is_video: bool) -> Self {
        Receiver {
            is_video,
            first: 0,
            highest: 0,
            packets: 0,
            counted_lost: 0,
            latency: None,
            jitter: 0.0,
            assembling: None,
            has_key_frame: false,
            had_packets: 0,
        }
    }

    /// Whether the packet is the first of sound, or completes the first key frame of a picture.
    pub fn take(&mut self, packet: &RtpPacket, at: Duration, totals: &mut Totals) -> bool {
        let number = *packet.seq_no;
        if self.packets == 0 {
            (self.first, self.highest) = (number, number);
        }
        self.first = self.first.min(number);
        self.highest = self.highest.max(number);
        self.packets += 1;
        if packet.payload.is_empty() {
            totals.padding += 1;
            return false;
        }
        let flow = if self.is_video {
            &mut totals.received_video
        } else {
            &mut totals.received_audio
        };
        flow.add(packet.payload.len());
        if let Some(sent_at) = read_mark(&packet.payload) {
            let latency = at.saturating_sub(sent_at);
            totals.latency.add(latency);
            let seconds = latency.as_secs_f64();
            if let Some(before) = self.latency.replace(seconds) {
                self.jitter += ((seconds - before).abs() - self.jitter) / 16.0;
            }
        }
        let had = self.has_key_frame;
        if self.is_video {
            self.look_for_key_frame(packet, number);
        } else {
            self.has_key_frame = true;
        }
        self.has_key_frame && !had
    }

    fn look_for_key_frame(&mut self, packet: &RtpPacket, number: u64) {
        if self.has_key_frame {
            return;
        }
        let next = match vp8_part(&packet.payload) {
            Some(Vp8Part::KeyStart) => true,
            Some(Vp8Part::Middle) => self.assembling == Some(number),
            _ => false,
        };
        if next {
            self.assembling = Some(number + 1);
            self.has_key_frame = packet.header.marker;
        } else if vp8_part(&packet.payload) == Some(Vp8Part::FrameStart) {
            self.assembling = None;
        }
    }

    /// Called at intervals: whether packets come that nobody could decode for want of a key frame.
    pub fn lacks_key_frame(&mut self) -> bool {
        let came = self.packets - std::mem::replace(&mut self.had_packets, self.packets);
        self.is_video && !self.has_key_frame && self.assembling.is_none() && came > 0
    }

    /// Brings loss and jitter into the totals.
    pub fn settle(&mut self, totals: &mut Totals) {
        let lost = (self.highest + 1 - self.first).saturating_sub(self.packets);
        // A late packet takes back what was counted before.
        totals.lost = (totals.lost + lost).saturating_sub(self.counted_lost);
        self.counted_lost = lost;
        if self.latency.is_some() {
            totals.jitter.add(Duration::from_secs_f64(self.jitter));
        }
    }
}
