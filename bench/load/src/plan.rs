//! What a run does, read as JSON from standard input.

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    /// `ws://host:port` of the server, with a path before `/rtc` if it has one.
    pub url: String,
    /// How long the run lasts, seconds from its start.
    pub seconds: f64,
    /// Seconds between two lines of statistics.
    #[serde(default = "one")]
    pub interval_seconds: f64,
    /// Threads that the participants are dealt out to.
    #[serde(default = "one_thread")]
    pub threads: usize,
    /// Milliseconds over which packets are gathered before they are looked at. Latency is taken
    /// from the kernel's time stamps, so it does not grow by this.
    #[serde(default = "one")]
    pub gather_ms: f64,
    /// At most so many of a thread's participants wait for their JoinResponse; others begin later.
    pub joining_at_once: Option<usize>,
    pub participants: Vec<ParticipantPlan>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ParticipantPlan {
    /// Names the participant in errors.
    pub name: String,
    /// Lets the participant join its Room. The program has no key of the server.
    pub token: String,
    /// When it joins, milliseconds from the start.
    #[serde(default)]
    pub join_at_ms: u64,
    /// When it leaves, milliseconds from the start; the end of the run when absent.
    pub leave_at_ms: Option<u64>,
    #[serde(default)]
    pub publish: Vec<TrackPlan>,
    #[serde(default)]
    pub subscribe: Subscribe,
    /// Size that is asked of every video track; the server's choice when absent.
    pub wanted: Option<Wanted>,
    pub data: Option<DataPlan>,
    /// Whether it makes peer connections. Without, it is a signal connection that only answers.
    #[serde(default = "yes")]
    pub media: bool,
    /// Whether it joins anew when the server tells it to, as client SDKs do.
    #[serde(default)]
    pub rejoin: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum TrackPlan {
    /// Packets of one frame each, as of Opus.
    Audio {
        /// Bytes of a packet's payload, 16 or more.
        #[serde(default = "audio_bytes")]
        bytes: usize,
        #[serde(default = "audio_packets")]
        packets_per_second: f64,
    },
    /// Frames with descriptors and headers as of VP8; simulcast when there are several layers.
    Video {
        layers: Vec<Layer>,
        /// Temporal layers of each: 1, 2 or 3.
        #[serde(default = "temporal_layers")]
        temporal_layers: u8,
    },
}

/// One encoding of a picture, lowest first in its list.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Layer {
    pub width: u16,
    pub height: u16,
    pub bits_per_second: u32,
    pub fps: f64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Subscribe {
    #[default]
    All,
    None,
    /// Identities of participants.
    Only(Vec<String>),
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Wanted {
    pub width: u32,
    pub height: u32,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DataPlan {
    pub per_second: f64,
    /// Bytes of the payload, 16 or more.
    pub bytes: usize,
    #[serde(default = "yes")]
    pub reliable: bool,
}

impl Plan {
    /// What is wrong with the plan, in a sentence.
    pub fn check(&self) -> Result<(), String> {
        if !self.url.starts_with("ws://") {
            return Err(format!(
                "url is \"{}\": it has to begin with ws://",
                self.url
            ));
        }
        if !(1..=64).contains(&self.threads) {
            return Err(format!("threads is {}: 1 to 64 are allowed", self.threads));
        }
        for (name, value) in [
            ("seconds", self.seconds),
            ("intervalSeconds", self.interval_seconds),
        ] {
            if !(value > 0.0 && value <= 86_400.0) {
                return Err(format!(
                    "{name} is {value}: above 0 and at most 86400 is allowed"
                ));
            }
        }
        if !(0.0..=100.0).contains(&self.gather_ms) {
            return Err(format!(
                "gatherMs is {}: 0 to 100 are allowed",
                self.gather_ms
            ));
        }
        self.participants
            .iter()
            .try_for_each(ParticipantPlan::check)
    }
}

impl ParticipantPlan {
    fn check(&self) -> Result<(), String> {
        let name = &self.name;
        for track in &self.publish {
            match track {
                TrackPlan::Audio {
                    bytes,
                    packets_per_second,
                } => {
                    if !(16..=1100).contains(bytes) {
                        return Err(format!(
                            "{name}: audio bytes is {bytes}: 16 to 1100 are allowed"
                        ));
                    }
                    rate(name, "packetsPerSecond", *packets_per_second)?;
                }
                TrackPlan::Video {
                    layers,
                    temporal_layers,
                } => {
                    if !(1..=3).contains(&layers.len()) || !(1..=3).contains(temporal_layers) {
                        return Err(format!(
                            "{name}: {} layers of {temporal_layers} temporal layers: 1 to 3 are allowed of both",
                            layers.len()
                        ));
                    }
                    layers
                        .iter()
                        .try_for_each(|layer| rate(name, "fps", layer.fps))?;
                }
            }
        }
        if let Some(data) = self.data {
            if !(16..=15_000).contains(&data.bytes) {
                return Err(format!(
                    "{name}: data bytes is {}: 16 to 15000 are allowed",
                    data.bytes
                ));
            }
            rate(name, "perSecond", data.per_second)?;
        }
        Ok(())
    }
}

fn rate(name: &str, what: &str, value: f64) -> Result<(), String> {
    if value > 0.0 && value <= 1000.0 {
        return Ok(());
    }
    Err(format!(
        "{name}: {what} is {value}: above 0 and at most 1000 is allowed"
    ))
}

fn one() -> f64 {
    1.0
}
fn one_thread() -> usize {
    1
}
fn yes() -> bool {
    true
}
fn audio_bytes() -> usize {
    80
}
fn audio_packets() -> f64 {
    50.0
}
fn temporal_layers() -> u8 {
    3
}
