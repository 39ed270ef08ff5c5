//! Data messages: sent at a rate, counted where they arrive.

use std::time::{Duration, Instant};

use prost::Message as _;
use str0m::Rtc;
use str0m::channel::ChannelId;

use crate::net::since_1970;
use crate::payload::{read_mark, write_mark};
use crate::plan::DataPlan;
use crate::proto::{DataPacket, UserPacket};
use crate::publish::{LOSSY, RELIABLE};
use crate::totals::Totals;

pub struct DataSender {
    plan: DataPlan,
    channel: Option<ChannelId>,
    next: Instant,
    sequence: u32,
}

impl DataSender {
    pub fn new(plan: DataPlan) -> Self {
        DataSender {
            plan,
            channel: None,
            next: Instant::now(),
            sequence: 0,
        }
    }

    pub fn next(&self) -> Option<Instant> {
        self.channel.map(|_| self.next)
    }

    pub fn opened(&mut self, id: ChannelId, label: &str, now: Instant) {
        if label == if self.plan.reliable { RELIABLE } else { LOSSY } {
            self.channel = Some(id);
            self.next = now;
        }
    }

    /// Whether anything was written.
    pub fn produce(&mut self, rtc: &mut Rtc, now: Instant, totals: &mut Totals) -> bool {
        let Some(id) = self.channel else { return false };
        let mut wrote = false;
        while self.next <= now {
            self.next += Duration::from_secs_f64(1.0 / self.plan.per_second);
            self.sequence += 1;
            let mut payload = vec![0x5a; self.plan.bytes];
            write_mark(&mut payload, since_1970(), self.sequence);
            let packet = DataPacket {
                kind: i32::from(!self.plan.reliable),
                user: Some(UserPacket {
                    payload,
                    topic: Some("load".into()),
                }),
                sequence: if self.plan.reliable { self.sequence } else { 0 },
            };
            let written = rtc
                .channel(id)
                .map(|mut channel| channel.write(true, &packet.encode_to_vec()));
            match written {
                Some(Ok(true)) => {
                    totals.data_sent.add(self.plan.bytes);
                    wrote = true;
                }
                Some(Ok(false)) => totals.error("a data message found its channel full".into()),
                Some(Err(error)) => totals.error(format!("a data message was not sent: {error}")),
                None => {}
            }
        }
        wrote
    }
}

pub fn count(bytes: &[u8], totals: &mut Totals) {
    let Some(user) = DataPacket::decode(bytes)
        .ok()
        .and_then(|packet| packet.user)
    else {
        return;
    };
    totals.data_received.add(user.payload.len());
    if let Some(sent_at) = read_mark(&user.payload) {
        totals
            .data_latency
            .add(since_1970().saturating_sub(sent_at));
    }
}
