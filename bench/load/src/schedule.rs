//! What a client does when time has passed.

use std::time::{Duration, Instant};

use str0m::media::KeyframeRequestKind;

use crate::client::{Client, FIRST, KEY_FRAME_PATIENCE, Phase, Which};
use crate::net::since_1970;
use crate::proto::{Ping, Request};
use crate::totals::Totals;

impl Client {
    /// When `on_time` is next of use.
    pub fn deadline(&self) -> Instant {
        [
            self.publisher.as_ref().map(|peer| peer.deadline),
            self.subscriber.as_ref().map(|peer| peer.deadline),
            self.subscriber.as_ref().map(|_| self.next_key_check),
            self.sources.iter().filter_map(|source| source.next()).min(),
            self.data.as_ref().and_then(|data| data.next()),
            self.signal.as_ref().map(|_| self.next_ping),
            self.rejoins_at(),
        ]
        .into_iter()
        .flatten()
        .min()
        .unwrap_or_else(|| self.began + Duration::from_secs(86_400))
    }

    pub fn on_time(&mut self, now: Instant, totals: &mut Totals) {
        if self.phase != Phase::Running {
            return;
        }
        self.publish(now, totals);
        for which in [Which::Publisher, Which::Subscriber] {
            let peer = if which == Which::Publisher {
                &self.publisher
            } else {
                &self.subscriber
            };
            if peer.as_ref().is_some_and(|peer| peer.deadline <= now) {
                self.tick_peer(which, now, totals);
            }
        }
        if self.next_key_check <= now {
            self.next_key_check = now + KEY_FRAME_PATIENCE;
            self.ask_for_key_frames(now);
            self.note_first_bitrate(now, totals);
        }
        if self.next_ping <= now {
            self.next_ping = now + self.ping_every;
            let timestamp = since_1970().as_millis() as i64;
            if let Err(error) = self.send(Request::Ping(Ping { timestamp })) {
                self.fail(error, totals);
            }
        }
    }

    fn publish(&mut self, now: Instant, totals: &mut Totals) {
        let Some(peer) = &mut self.publisher else {
            return;
        };
        if !peer.rtc.is_connected() {
            // Sound and pictures begin when there is a way for them.
            self.sources.iter_mut().for_each(|source| source.hold(now));
            return;
        }
        for source in &mut self.sources {
            if source.next().is_some_and(|next| next <= now) {
                source.produce(&mut peer.rtc, now, totals);
                peer.deadline = now;
            }
        }
        if let Some(data) = &mut self.data
            && data.produce(&mut peer.rtc, now, totals)
        {
            peer.deadline = now;
        }
    }

    fn ask_for_key_frames(&mut self, now: Instant) {
        let Some(peer) = &mut self.subscriber else {
            return;
        };
        for (ssrc, receiver) in &mut self.receivers {
            if receiver.lacks_key_frame()
                && let Some(stream) = peer.rtc.direct_api().stream_rx(&(*ssrc).into())
            {
                stream.request_keyframe(KeyframeRequestKind::Pli);
                peer.deadline = now;
            }
        }
    }

    fn note_first_bitrate(&mut self, now: Instant, totals: &mut Totals) {
        if !self.first_done && now - self.began >= FIRST {
            self.first_done = true;
            if self.first_bytes > 0 {
                totals.first_bits += self.first_bytes * 8;
                totals.first_viewers += 1;
            }
        }
    }

    /// Brings what is kept for each stream into the totals.
    pub fn settle(&mut self, totals: &mut Totals) {
        for receiver in self.receivers.values_mut() {
            receiver.settle(totals);
        }
    }
}
