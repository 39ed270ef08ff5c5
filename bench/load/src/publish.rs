//! What a publisher says to the server before its packets.

use str0m::Rtc;
use str0m::change::SdpPendingOffer;
use str0m::channel::{ChannelConfig, Reliability};
use str0m::media::{Direction, MediaKind, Mid, Simulcast, SimulcastLayer};

use crate::plan::{ParticipantPlan, TrackPlan};
use crate::proto::{self, AddTrack, SimulcastCodec, VideoLayer};
use crate::source::rid_of;

pub const RELIABLE: &str = "_reliable";
pub const LOSSY: &str = "_lossy";

/// A request for each track; the server answers each.
pub fn add_tracks(tracks: &[TrackPlan]) -> Vec<AddTrack> {
    tracks
        .iter()
        .enumerate()
        .map(|(index, track)| add_track(index, track))
        .collect()
}

fn add_track(index: usize, track: &TrackPlan) -> AddTrack {
    let cid = cid_of(index);
    match track {
        TrackPlan::Audio { .. } => AddTrack {
            name: format!("audio {index}"),
            kind: proto::AUDIO,
            source: proto::MICROPHONE,
            disable_red: true,
            cid,
            ..Default::default()
        },
        TrackPlan::Video { layers, .. } => AddTrack {
            name: format!("video {index}"),
            kind: proto::VIDEO,
            source: proto::CAMERA,
            width: layers.last().map_or(0, |layer| layer.width.into()),
            height: layers.last().map_or(0, |layer| layer.height.into()),
            layers: layers
                .iter()
                .enumerate()
                .map(|(at, layer)| VideoLayer {
                    // A single layer is the best there is.
                    quality: if layers.len() == 1 { 2 } else { at as i32 },
                    width: layer.width.into(),
                    height: layer.height.into(),
                    bitrate: layer.bits_per_second,
                    spatial_layer: at as i32,
                    rid: rid_of(at, layers.len())
                        .map(|rid| rid.to_string())
                        .unwrap_or_default(),
                })
                .collect(),
            simulcast_codecs: vec![SimulcastCodec {
                codec: "vp8".into(),
                cid: cid.clone(),
            }],
            cid,
            ..Default::default()
        },
    }
}

/// The offer, what takes its answer, and where the tracks are in it.
pub fn offer_tracks(
    rtc: &mut Rtc,
    plan: &ParticipantPlan,
) -> Result<(String, SdpPendingOffer, Vec<Mid>), String> {
    let mut changes = rtc.sdp_api();
    // First in the description, as clients have it.
    for (label, ordered, reliability) in [
        (LOSSY, false, Reliability::MaxRetransmits { retransmits: 0 }),
        (RELIABLE, true, Reliability::Reliable),
    ] {
        changes.add_channel_with_config(ChannelConfig {
            label: label.into(),
            ordered,
            reliability,
            ..Default::default()
        });
    }
    let mids = plan
        .publish
        .iter()
        .enumerate()
        .map(|(index, track)| {
            let (kind, simulcast) = match track {
                TrackPlan::Audio { .. } => (MediaKind::Audio, None),
                TrackPlan::Video { layers, .. } => (MediaKind::Video, simulcast_of(layers.len())),
            };
            let stream = Some("load".to_string());
            changes.add_media(
                kind,
                Direction::SendOnly,
                stream,
                Some(cid_of(index)),
                simulcast,
            )
        })
        .collect();
    let (offer, pending) = changes.apply().ok_or("there was nothing to offer")?;
    Ok((offer.to_sdp_string(), pending, mids))
}

fn simulcast_of(layers: usize) -> Option<Simulcast> {
    let send: Option<Vec<_>> = (0..layers)
        .map(|at| {
            rid_of(at, layers).map(|rid| SimulcastLayer {
                rid,
                attributes: None,
            })
        })
        .collect();
    send.map(|send| Simulcast {
        send,
        recv: Vec::new(),
    })
}

/// What names a track in its request and in the offer.
fn cid_of(index: usize) -> String {
    format!("track{index}")
}
