//! One peer connection with a socket of its own: servers tell clients apart by their addresses.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};

use crate::net::{Buffers, Udp};
use crate::srtp::chosen_profile;
use crate::totals::Totals;

/// How often counts of NACK and PLI come.
const STATS_INTERVAL: Duration = Duration::from_secs(1);
/// Batches taken from one socket before the others have their turn.
const BATCHES: usize = 4;

pub struct Peer {
    pub rtc: Rtc,
    pub udp: Udp,
    /// When it next wants to be called.
    pub deadline: Instant,
    /// Whether the server's description is known: candidates before that have to wait.
    described: bool,
    waiting: Vec<Candidate>,
}

impl Peer {
    pub fn new(local: IpAddr, now: Instant) -> Result<Self, String> {
        let udp = Udp::bind(local).map_err(|error| format!("no UDP socket on {local}: {error}"))?;
        let mut rtc = RtcConfig::new()
            .clear_codecs()
            .enable_opus(true, false)
            .enable_vp8(true)
            .set_rtp_mode(true)
            .set_stats_interval(Some(STATS_INTERVAL))
            .build(now);
        let candidate = Candidate::host(udp.local(), "udp").map_err(|error| error.to_string())?;
        rtc.add_local_candidate(candidate);
        Ok(Peer {
            rtc,
            udp,
            deadline: now,
            described: false,
            waiting: Vec::new(),
        })
    }

    pub fn described(&mut self) {
        self.described = true;
        for candidate in self.waiting.drain(..) {
            self.rtc.add_remote_candidate(candidate);
        }
    }

    pub fn add_candidate(&mut self, candidate: Candidate) {
        if self.described {
            self.rtc.add_remote_candidate(candidate);
        } else {
            self.waiting.push(candidate);
        }
    }

    /// Takes what has arrived; `each` gets what comes of it with the kernel's time of arrival.
    pub fn readable(
        &mut self,
        buffers: &mut Buffers,
        now: Instant,
        totals: &mut Totals,
        mut each: impl FnMut(&mut Rtc, Event, Duration, &mut Totals),
    ) {
        let Peer {
            rtc, udp, deadline, ..
        } = self;
        let local = udp.local();
        let before = udp.overflowed;
        let mut outgoing = Vec::new();
        for _ in 0..BATCHES {
            let more = udp.receive(buffers, |arrival| {
                note_profile(arrival.bytes, totals);
                let Ok(contents) = arrival.bytes.try_into() else {
                    return;
                };
                let received = Receive {
                    proto: Protocol::Udp,
                    source: arrival.from,
                    destination: local,
                    contents,
                };
                if let Err(error) = rtc.handle_input(Input::Receive(now, received)) {
                    totals.error(format!("a packet was not understood: {error}"));
                }
                *deadline = drain(rtc, now, &mut outgoing, totals, |rtc, event, totals| {
                    each(rtc, event, arrival.at, totals);
                });
            });
            for transmit in outgoing.drain(..) {
                note_profile(&transmit.contents, totals);
                udp.send(&transmit.contents, transmit.destination);
            }
            if !more {
                break;
            }
        }
        totals.overflowed += u64::from(udp.overflowed.wrapping_sub(before));
    }

    /// Lets time pass, which also sends what was written.
    pub fn tick(
        &mut self,
        now: Instant,
        totals: &mut Totals,
        each: impl FnMut(&mut Rtc, Event, &mut Totals),
    ) {
        if let Err(error) = self.rtc.handle_input(Input::Timeout(now)) {
            totals.error(format!("a peer connection ended: {error}"));
        }
        let mut outgoing = Vec::new();
        self.deadline = drain(&mut self.rtc, now, &mut outgoing, totals, each);
        for transmit in outgoing {
            note_profile(&transmit.contents, totals);
            self.udp.send(&transmit.contents, transmit.destination);
        }
    }
}

/// Either side may be the one that answers the handshake.
fn note_profile(datagram: &[u8], totals: &mut Totals) {
    if let Some(name) = chosen_profile(datagram) {
        *totals.srtp.entry(name.into()).or_default() += 1;
    }
}

/// Takes all that the connection has to give; returns when it wants to be called again.
fn drain(
    rtc: &mut Rtc,
    now: Instant,
    outgoing: &mut Vec<str0m::net::Transmit>,
    totals: &mut Totals,
    mut each: impl FnMut(&mut Rtc, Event, &mut Totals),
) -> Instant {
    loop {
        match rtc.poll_output() {
            Ok(Output::Timeout(at)) => return at.max(now),
            Ok(Output::Transmit(transmit)) => outgoing.push(transmit),
            Ok(Output::Event(event)) => each(rtc, event, totals),
            Err(error) => {
                totals.error(format!("a peer connection ended: {error}"));
                return now + Duration::from_secs(3600);
            }
        }
    }
}
