//! One participant: its signal connection, its peer connections, what it sends and what it gets.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use str0m::Rtc;
use str0m::change::SdpPendingOffer;
use str0m::media::{MediaKind, Mid};

use crate::data::DataSender;
use crate::net::Buffers;
use crate::peer::Peer;
use crate::plan::{ParticipantPlan, Subscribe};
use crate::proto::{Leave, Request};
use crate::receiver::Receiver;
use crate::rejoin::Rejoin;
use crate::signal::Signal;
use crate::source::Source;
use crate::totals::Totals;

/// How long a picture may lack its key frame before the client asks for one.
pub(crate) const KEY_FRAME_PATIENCE: Duration = Duration::from_millis(250);
/// The time over which a viewer's first bitrate is taken.
pub(crate) const FIRST: Duration = Duration::from_secs(20);

/// Which of a client's sockets is meant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Which {
    Signal,
    Publisher,
    Subscriber,
}

#[derive(PartialEq, Eq)]
pub(crate) enum Phase {
    Waiting,
    Running,
    Over,
}

pub struct Client {
    pub plan: ParticipantPlan,
    pub(crate) phase: Phase,
    pub(crate) began: Instant,
    pub signal: Option<Signal>,
    pub publisher: Option<Peer>,
    pub subscriber: Option<Peer>,
    /// Sockets that were made since the shard last looked.
    pub new_sockets: Vec<Which>,
    pub(crate) local: IpAddr,
    pub(crate) offered: Option<(SdpPendingOffer, Vec<Mid>)>,
    /// Tracks that the server has not announced yet; the offer waits for them.
    pub(crate) unannounced: usize,
    pub(crate) sources: Vec<Source>,
    pub(crate) data: Option<DataSender>,
    pub(crate) receivers: HashMap<u32, Receiver>,
    pub(crate) tracks: HashSet<String>,
    pub(crate) ping_every: Duration,
    pub(crate) next_ping: Instant,
    pub(crate) next_key_check: Instant,
    /// Whether it has had its JoinResponse.
    pub(crate) joined: bool,
    pub(crate) connected: bool,
    pub(crate) had_frame: bool,
    pub(crate) had_audio: bool,
    /// Arrival of its last packet, since 1970.
    pub(crate) last_packet: Option<Duration>,
    pub(crate) rejoin: Option<Rejoin>,
    pub(crate) first_bytes: u64,
    pub(crate) first_done: bool,
    /// NACK and PLI counts that are in the totals already, by stream and direction.
    pub(crate) feedback: HashMap<(bool, Mid, Option<str0m::media::Rid>), (u64, u64)>,
}

impl Client {
    pub fn new(plan: ParticipantPlan, now: Instant) -> Self {
        Client {
            data: plan.data.map(DataSender::new),
            plan,
            phase: Phase::Waiting,
            began: now,
            signal: None,
            publisher: None,
            subscriber: None,
            new_sockets: Vec::new(),
            local: IpAddr::V4(Ipv4Addr::LOCALHOST),
            offered: None,
            unannounced: 0,
            sources: Vec::new(),
            receivers: HashMap::new(),
            tracks: HashSet::new(),
            ping_every: Duration::from_secs(3600),
            next_ping: now,
            next_key_check: now,
            joined: false,
            connected: false,
            had_frame: false,
            had_audio: false,
            last_packet: None,
            rejoin: None,
            first_bytes: 0,
            first_done: false,
            feedback: HashMap::new(),
        }
    }

    pub fn is_waiting(&self) -> bool {
        self.phase == Phase::Waiting
    }

    pub fn is_joining(&self) -> bool {
        self.phase == Phase::Running && !self.joined
    }

    pub fn is_running(&self) -> bool {
        self.phase == Phase::Running
    }

    pub fn start(&mut self, url: &str, now: Instant, totals: &mut Totals) {
        self.phase = Phase::Running;
        self.began = now;
        self.next_ping = now + self.ping_every;
        if self.rejoin.is_none() {
            totals.started += 1;
        }
        match Signal::connect(url, &self.plan.token, self.plan.subscribe == Subscribe::All) {
            Ok(signal) => {
                self.local = signal.local();
                self.signal = Some(signal);
                self.new_sockets.push(Which::Signal);
            }
            Err(error) => self.fail(error, totals),
        }
    }

    /// Leaves as clients do. The signal connection stays until the server closes it: closed with
    /// something unread, it would take the message back.
    pub fn leave(&mut self) {
        if self.phase != Phase::Running {
            return;
        }
        let signal = self.signal.take();
        self.close();
        self.signal = signal;
        // DisconnectReason 1: the client wanted it.
        let _ = self.send(Request::Leave(Leave {
            reason: 1,
            action: 0,
        }));
    }

    fn close(&mut self) {
        self.phase = Phase::Over;
        self.signal = None;
        self.publisher = None;
        self.subscriber = None;
        self.sources.clear();
    }

    pub(crate) fn fail(&mut self, error: String, totals: &mut Totals) {
        if self.phase == Phase::Over {
            self.signal = None;
            return;
        }
        if self.tries_again() {
            return;
        }
        totals.failed += 1;
        totals.error(error);
        self.close();
    }

    pub fn on_readable(
        &mut self,
        which: Which,
        buffers: &mut Buffers,
        now: Instant,
        totals: &mut Totals,
    ) {
        match which {
            Which::Signal => self.read_signal(now, totals),
            Which::Publisher | Which::Subscriber => {
                self.with_peer(which, totals, |peer, client, totals| {
                    peer.readable(buffers, now, totals, |rtc, event, at, totals| {
                        totals
                            .own_delay
                            .add(crate::net::since_1970().saturating_sub(at));
                        client.on_event(which, rtc, event, Some(at), now, totals);
                    });
                })
            }
        }
    }

    /// Lends a peer connection out, so that its events can change the client.
    fn with_peer(
        &mut self,
        which: Which,
        totals: &mut Totals,
        work: impl FnOnce(&mut Peer, &mut Client, &mut Totals),
    ) {
        let slot = |client: &mut Client| match which {
            Which::Publisher => client.publisher.take(),
            _ => client.subscriber.take(),
        };
        let Some(mut peer) = slot(self) else { return };
        work(&mut peer, self, totals);
        if self.phase != Phase::Over {
            match which {
                Which::Publisher => self.publisher = Some(peer),
                _ => self.subscriber = Some(peer),
            }
        }
    }

    fn read_signal(&mut self, now: Instant, totals: &mut Totals) {
        while let Some(signal) = &mut self.signal {
            let outcome = match signal.read() {
                Ok(Some(_)) if self.phase == Phase::Over => Ok(()),
                Ok(Some(message)) => self.on_message(message, now, totals),
                Ok(None) => return,
                Err(error) => Err(error),
            };
            if let Err(error) = outcome {
                self.fail(error, totals);
            }
        }
    }

    pub(crate) fn send(&mut self, request: Request) -> Result<(), String> {
        self.signal
            .as_mut()
            .map_or(Ok(()), |signal| signal.send(request))
    }

    pub(crate) fn tick_peer(&mut self, which: Which, now: Instant, totals: &mut Totals) {
        self.with_peer(which, totals, |peer, client, totals| {
            peer.tick(now, totals, |rtc, event, totals| {
                client.on_event(which, rtc, event, None, now, totals)
            });
        });
    }

    fn on_event(
        &mut self,
        which: Which,
        rtc: &mut Rtc,
        event: str0m::Event,
        at: Option<Duration>,
        now: Instant,
        totals: &mut Totals,
    ) {
        use str0m::Event;
        match event {
            Event::RtpPacket(packet) => {
                let ssrc = *packet.header.ssrc;
                let receiver = self.receivers.entry(ssrc).or_insert_with(|| {
                    totals.streams += 1;
                    Receiver::new(is_video(rtc, ssrc))
                });
                let at = at.unwrap_or_else(crate::net::since_1970);
                let is_first = receiver.take(&packet, at, totals);
                let is_video = receiver.is_video;
                self.last_packet = Some(at);
                if is_video && !self.first_done {
                    self.first_bytes += packet.payload.len() as u64;
                }
                let had = if is_video {
                    &mut self.had_frame
                } else {
                    &mut self.had_audio
                };
                let begins = is_first && !std::mem::replace(had, true);
                if begins && !self.note_gap(is_video, at, totals) {
                    let times = if is_video {
                        &mut totals.first_frame
                    } else {
                        &mut totals.first_audio
                    };
                    times.add(now - self.began);
                }
            }
            Event::Connected if !self.connected => {
                self.connected = true;
                if self.rejoin.is_none() {
                    totals.connected += 1;
                    totals.connect.add(now - self.began);
                }
            }
            Event::KeyframeRequest(request) => {
                for source in &mut self.sources {
                    source.request_key_frame(request.mid, request.rid);
                }
            }
            Event::ChannelOpen(id, label) if which == Which::Publisher => {
                if let Some(data) = &mut self.data {
                    data.opened(id, &label, now);
                }
            }
            Event::ChannelData(data) => crate::data::count(&data.data, totals),
            Event::MediaIngressStats(stats) => {
                let (nacks, plis) =
                    self.newly((true, stats.mid, stats.rid), (stats.nacks, stats.plis));
                totals.nacks_sent += nacks;
                totals.plis_sent += plis;
            }
            Event::MediaEgressStats(stats) => {
                let (nacks, plis) =
                    self.newly((false, stats.mid, stats.rid), (stats.nacks, stats.plis));
                totals.nacks_received += nacks;
                totals.plis_received += plis;
            }
            _ => {}
        }
    }

    /// What of these counts was not in the last ones.
    fn newly(
        &mut self,
        key: (bool, Mid, Option<str0m::media::Rid>),
        counts: (u64, u64),
    ) -> (u64, u64) {
        let before = self.feedback.insert(key, counts).unwrap_or_default();
        (
            counts.0.saturating_sub(before.0),
            counts.1.saturating_sub(before.1),
        )
    }
}

fn is_video(rtc: &mut Rtc, ssrc: u32) -> bool {
    let mid = rtc
        .direct_api()
        .stream_rx(&ssrc.into())
        .map(|stream| stream.mid());
    mid.and_then(|mid| rtc.media(mid))
        .is_some_and(|media| media.kind() == MediaKind::Video)
}
