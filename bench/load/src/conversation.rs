//! What a client says to the server over its signal connection, and does on what it is told.

use std::time::{Duration, Instant};

use str0m::Candidate;
use str0m::change::{SdpAnswer, SdpOffer};

use crate::client::{Client, Which};
use crate::peer::Peer;
use crate::plan::Subscribe;
use crate::proto::{
    self, Join, ParticipantInfo, Request, Response, SessionDescription, UpdateSubscription,
    UpdateTrackSettings,
};
use crate::publish::{add_tracks, offer_tracks};
use crate::rejoin::RECONNECT;
use crate::source::Source;
use crate::totals::Totals;

impl Client {
    pub(crate) fn on_message(
        &mut self,
        message: Response,
        now: Instant,
        totals: &mut Totals,
    ) -> Result<(), String> {
        match message {
            Response::Join(join) => self.on_join(join, now, totals),
            Response::Update(update) => self.on_participants(&update.participants),
            Response::TrackPublished(_) => {
                self.unannounced = self.unannounced.saturating_sub(1);
                if self.unannounced == 0 && self.publisher.is_none() {
                    self.offer(now, totals)
                } else {
                    Ok(())
                }
            }
            Response::Answer(answer) => self.on_answer(&answer, now),
            Response::Offer(offer) if self.plan.media => self.on_offer(&offer, now, totals),
            Response::Trickle(trickle) => {
                let json: serde_json::Value =
                    serde_json::from_str(&trickle.candidate_init).unwrap_or_default();
                let text = json
                    .get("candidate")
                    .and_then(serde_json::Value::as_str)
                    .unwrap_or_default();
                let peer = if trickle.target == proto::PUBLISHER {
                    &mut self.publisher
                } else {
                    &mut self.subscriber
                };
                // Those that cannot be used here, such as names of hosts, are left out.
                if let (Some(peer), Ok(candidate)) = (peer, Candidate::from_sdp_string(text)) {
                    peer.add_candidate(candidate);
                }
                Ok(())
            }
            Response::Leave(leave) if leave.action == RECONNECT && self.plan.rejoin => {
                self.join_anew(now, totals);
                Ok(())
            }
            Response::Leave(leave) => Err(format!(
                "the server sent it away: reason {}, action {}",
                leave.reason, leave.action
            )),
            Response::Refused(answer) if answer.reason != 0 => Err(format!(
                "a request was refused: reason {} {}",
                answer.reason, answer.message
            )),
            Response::Offer(_) | Response::Refused(_) => Ok(()),
        }
    }

    fn on_join(&mut self, join: Join, now: Instant, totals: &mut Totals) -> Result<(), String> {
        self.joined = true;
        if !self.is_in_again(totals) {
            totals.joined += 1;
            totals.join.add(now - self.began);
        }
        if join.ping_interval > 0 {
            self.ping_every = Duration::from_secs(join.ping_interval as u64);
            self.next_ping = now + self.ping_every;
        }
        self.on_participants(&join.other_participants)?;
        if !self.plan.media {
            return Ok(());
        }
        self.unannounced = self.plan.publish.len();
        for request in add_tracks(&self.plan.publish) {
            self.send(Request::AddTrack(request))?;
        }
        if self.plan.publish.is_empty() && self.plan.data.is_some() {
            self.offer(now, totals)
        } else {
            Ok(())
        }
    }

    fn on_participants(&mut self, participants: &[ParticipantInfo]) -> Result<(), String> {
        let mut sids = Vec::new();
        let mut videos = Vec::new();
        for participant in participants {
            let wanted = match &self.plan.subscribe {
                Subscribe::All => true,
                Subscribe::None => false,
                Subscribe::Only(identities) => identities.contains(&participant.identity),
            };
            for track in participant.tracks.iter().filter(|_| wanted) {
                if self.tracks.insert(track.sid.clone()) {
                    sids.push(track.sid.clone());
                    if track.kind == proto::VIDEO {
                        videos.push(track.sid.clone());
                    }
                }
            }
        }
        if !sids.is_empty() && matches!(self.plan.subscribe, Subscribe::Only(_)) {
            self.send(Request::Subscription(UpdateSubscription {
                track_sids: sids,
                subscribe: true,
            }))?;
        }
        if let (Some(size), false) = (self.plan.wanted, videos.is_empty()) {
            let (width, height) = (size.width, size.height);
            self.send(Request::TrackSetting(UpdateTrackSettings {
                track_sids: videos,
                width,
                height,
            }))?;
        }
        Ok(())
    }

    fn offer(&mut self, now: Instant, totals: &mut Totals) -> Result<(), String> {
        let mut peer = Peer::new(self.local, now)?;
        let (sdp, pending, mids) = offer_tracks(&mut peer.rtc, &self.plan)?;
        self.publisher = Some(peer);
        self.new_sockets.push(Which::Publisher);
        self.offered = Some((pending, mids));
        self.tick_peer(Which::Publisher, now, totals);
        self.send(Request::Offer(description("offer", sdp, 1)))
    }

    fn on_answer(&mut self, answer: &SessionDescription, now: Instant) -> Result<(), String> {
        let (Some(peer), Some((pending, mids))) = (&mut self.publisher, self.offered.take()) else {
            return Ok(());
        };
        let sdp = SdpAnswer::from_sdp_string(&answer.sdp)
            .map_err(|error| format!("the answer cannot be read: {error}"))?;
        peer.rtc
            .sdp_api()
            .accept_answer(pending, sdp)
            .map_err(|error| format!("the answer cannot be used: {error}"))?;
        peer.described();
        peer.deadline = now;
        for (plan, mid) in self.plan.publish.iter().zip(mids) {
            let pt = peer
                .rtc
                .media(mid)
                .and_then(|media| media.remote_pts().first().copied());
            let pt = pt.ok_or_else(|| format!("the answer takes no codec for {mid}"))?;
            self.sources.push(Source::new(plan, mid, pt, now));
        }
        Ok(())
    }

    fn on_offer(
        &mut self,
        offer: &SessionDescription,
        now: Instant,
        totals: &mut Totals,
    ) -> Result<(), String> {
        if self.subscriber.is_none() {
            self.subscriber = Some(Peer::new(self.local, now)?);
            self.new_sockets.push(Which::Subscriber);
        }
        let Some(peer) = &mut self.subscriber else {
            return Ok(());
        };
        let sdp = SdpOffer::from_sdp_string(&offer.sdp)
            .map_err(|error| format!("an offer cannot be read: {error}"))?;
        let answer = peer
            .rtc
            .sdp_api()
            .accept_offer(sdp)
            .map_err(|error| format!("an offer cannot be used: {error}"))?;
        peer.described();
        self.tick_peer(Which::Subscriber, now, totals);
        self.send(Request::Answer(description(
            "answer",
            answer.to_sdp_string(),
            offer.id,
        )))
    }
}

fn description(kind: &str, sdp: String, id: u32) -> SessionDescription {
    SessionDescription {
        kind: kind.into(),
        sdp,
        id,
        ..Default::default()
    }
}
