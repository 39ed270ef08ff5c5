//! What packets carry: headers as real codecs write them, filling, and at the very end a mark with
//! the time of sending, which no server changes.

use std::time::Duration;

/// Bytes at the end of a payload: four that tell that a mark follows, a time, and a count.
pub const MARK_BYTES: usize = 16;
const MAGIC: [u8; 4] = *b"SLU1";

/// Writes the mark over the end of `payload`.
pub fn write_mark(payload: &mut [u8], sent_at: Duration, count: u32) {
    let start = payload.len() - MARK_BYTES;
    let mark = &mut payload[start..];
    mark[..4].copy_from_slice(&MAGIC);
    mark[4..12].copy_from_slice(&(sent_at.as_nanos() as u64).to_be_bytes());
    mark[12..].copy_from_slice(&count.to_be_bytes());
}

/// When the payload was sent, if it has a mark.
pub fn read_mark(payload: &[u8]) -> Option<Duration> {
    let mark = payload.get(payload.len().checked_sub(MARK_BYTES)?..)?;
    let (magic, rest) = mark.split_first_chunk::<4>()?;
    let nanos = rest.first_chunk::<8>()?;
    (*magic == MAGIC).then(|| Duration::from_nanos(u64::from_be_bytes(*nanos)))
}

/// What a VP8 payload descriptor (RFC 7741, section 4.2) has to say of a frame.
#[derive(Clone, Copy)]
pub struct Vp8Frame {
    pub key: bool,
    pub picture_id: u16,
    pub tl0_index: u8,
    pub temporal_layer: u8,
    pub width: u16,
    pub height: u16,
}

pub const VP8_DESCRIPTOR_BYTES: usize = 6;
/// Frame tag, start code and size (RFC 6386, section 9.1).
const VP8_KEY_HEADER_BYTES: usize = 10;
/// What the first packet of any frame needs.
pub const VP8_LEAST_BYTES: usize = VP8_DESCRIPTOR_BYTES + VP8_KEY_HEADER_BYTES + MARK_BYTES;

/// A payload of `length` bytes for one packet of a frame, its mark not written yet.
pub fn vp8_payload(frame: Vp8Frame, first: bool, length: usize) -> Vec<u8> {
    let mut payload = vec![0x5a; length];
    // X, and S in the first packet; N where nothing refers to the frame.
    let not_reference = frame.temporal_layer == 2;
    payload[0] = 0x80 | if not_reference { 0x20 } else { 0 } | if first { 0x10 } else { 0 };
    // I, L, T, K
    payload[1] = 0xf0;
    payload[2] = 0x80 | (frame.picture_id >> 8) as u8 & 0x7f;
    payload[3] = frame.picture_id as u8;
    payload[4] = frame.tl0_index;
    // Y: a layer above the base refers to the base only, so that one may begin with it.
    let sync = frame.temporal_layer > 0;
    payload[5] = frame.temporal_layer << 6 | if sync { 0x20 } else { 0 };
    if first {
        let header = &mut payload[VP8_DESCRIPTOR_BYTES..];
        // Bit 0 is clear for a key frame, bit 4 shows the frame.
        header[0] = if frame.key { 0x10 } else { 0x11 };
        if frame.key {
            header[3..6].copy_from_slice(&[0x9d, 0x01, 0x2a]);
            header[6..8].copy_from_slice(&frame.width.to_le_bytes());
            header[8..10].copy_from_slice(&frame.height.to_le_bytes());
        }
    }
    payload
}

/// What a received VP8 packet is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vp8Part {
    KeyStart,
    FrameStart,
    Middle,
}

/// Reads the descriptor as far as is needed to find the frame's first byte.
pub fn vp8_part(payload: &[u8]) -> Option<Vp8Part> {
    let first = *payload.first()?;
    if first & 0x10 == 0 || first & 0x07 != 0 {
        return Some(Vp8Part::Middle);
    }
    let mut at = 1;
    if first & 0x80 != 0 {
        let extension = *payload.get(at)?;
        at += 1;
        if extension & 0x80 != 0 {
            at += if payload.get(at)? & 0x80 != 0 { 2 } else { 1 };
        }
        at += usize::from(extension & 0x40 != 0);
        at += usize::from(extension & 0x30 != 0);
    }
    Some(if payload.get(at)? & 1 == 0 {
        Vp8Part::KeyStart
    } else {
        Vp8Part::FrameStart
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_written() {
        let mut payload = vec![0; 40];
        write_mark(&mut payload, Duration::from_nanos(1_234_567_890_123), 7);
        assert_eq!(
            read_mark(&payload),
            Some(Duration::from_nanos(1_234_567_890_123))
        );
        assert_eq!(read_mark(&payload[..39]), None);
        assert_eq!(read_mark(&payload[..3]), None);
    }

    #[test]
    fn the_first_packet_of_a_key_frame_is_told_from_others() {
        let frame = |key| Vp8Frame {
            key,
            picture_id: 300,
            tl0_index: 9,
            temporal_layer: 0,
            width: 640,
            height: 360,
        };
        assert_eq!(
            vp8_part(&vp8_payload(frame(true), true, 100)),
            Some(Vp8Part::KeyStart)
        );
        assert_eq!(
            vp8_part(&vp8_payload(frame(false), true, 100)),
            Some(Vp8Part::FrameStart)
        );
        assert_eq!(
            vp8_part(&vp8_payload(frame(true), false, 100)),
            Some(Vp8Part::Middle)
        );
        assert_eq!(vp8_part(&[]), None);
        assert_eq!(vp8_part(&[0x90, 0x80, 0x81]), None);
    }
}
