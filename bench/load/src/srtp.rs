//! SRTP as a sender needs it, and which profile a DTLS handshake has chosen.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_128, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use serde::Deserialize;

pub const HEADER_BYTES: usize = 12;
/// Of the longest tag.
pub const TAG_MOST: usize = 16;
const SHA1_80_BYTES: usize = 10;

/// Named as in RFC 5764 and RFC 7714.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Profile {
    #[serde(rename = "AES128_CM_HMAC_SHA1_80")]
    Aes128CmSha1_80,
    #[serde(rename = "AEAD_AES_128_GCM")]
    Aes128Gcm,
    #[serde(rename = "AEAD_AES_256_GCM")]
    Aes256Gcm,
}

/// What one stream of packets is encrypted by.
pub enum Cipher {
    Gcm(LessSafeKey, u32),
    Cm(Box<(EncryptingKey, hmac::Key)>, u32),
}

impl Cipher {
    /// With keys that follow from `ssrc`: nothing secret goes through them.
    pub fn new(profile: Profile, ssrc: u32) -> Self {
        let mut bytes = [7; 32];
        bytes[..4].copy_from_slice(&ssrc.to_be_bytes());
        let gcm = |algorithm, length: usize| {
            let key = UnboundKey::new(algorithm, &bytes[..length]).expect("a key of its length");
            Cipher::Gcm(LessSafeKey::new(key), ssrc)
        };
        match profile {
            Profile::Aes128Gcm => gcm(&AES_128_GCM, 16),
            Profile::Aes256Gcm => gcm(&AES_256_GCM, 32),
            Profile::Aes128CmSha1_80 => {
                let key = UnboundCipherKey::new(&AES_128, &bytes[..16]).expect("16 bytes");
                let key = EncryptingKey::ctr(key).expect("AES has this mode");
                let mac = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &bytes[..20]);
                Cipher::Cm(Box::new((key, mac)), ssrc)
            }
        }
    }

    /// Encrypts a packet of `length` bytes in its place; returns its length with the tag.
    pub fn protect(&self, packet: &mut [u8], length: usize, number: u32) -> usize {
        let (Cipher::Gcm(_, ssrc) | Cipher::Cm(_, ssrc)) = self;
        packet[2..4].copy_from_slice(&(number as u16).to_be_bytes());
        packet[8..12].copy_from_slice(&ssrc.to_be_bytes());
        let index = u64::from(number).to_be_bytes();
        match self {
            Cipher::Gcm(key, ssrc) => {
                // RFC 7714 section 8.1, before its salt.
                let mut iv = [0; 12];
                iv[2..6].copy_from_slice(&ssrc.to_be_bytes());
                iv[6..12].copy_from_slice(&index[2..8]);
                let nonce = Nonce::assume_unique_for_key(iv);
                let (header, payload) = packet[..length].split_at_mut(HEADER_BYTES);
                let tag = key
                    .seal_in_place_separate_tag(nonce, Aad::from(&*header), payload)
                    .expect("a packet is short enough");
                packet[length..length + TAG_MOST].copy_from_slice(tag.as_ref());
                length + TAG_MOST
            }
            Cipher::Cm(keys, ssrc) => {
                let (key, mac) = &**keys;
                // RFC 3711 section 4.1.1, before its salt.
                let mut iv = [0; 16];
                iv[4..8].copy_from_slice(&ssrc.to_be_bytes());
                iv[8..14].copy_from_slice(&index[2..8]);
                let context = EncryptionContext::Iv128(FixedLength::from(iv));
                key.less_safe_encrypt(&mut packet[HEADER_BYTES..length], context)
                    .expect("a packet is short enough");
                let mut signing = hmac::Context::with_key(mac);
                signing.update(&packet[..length]);
                signing.update(&(number >> 16).to_be_bytes());
                let tag = signing.sign();
                packet[length..length + SHA1_80_BYTES]
                    .copy_from_slice(&tag.as_ref()[..SHA1_80_BYTES]);
                length + SHA1_80_BYTES
            }
        }
    }
}

/// The profile that a ServerHello of DTLS 1.2 in this datagram has chosen, by its name.
pub fn chosen_profile(datagram: &[u8]) -> Option<&'static str> {
    const HANDSHAKE: u8 = 22;
    const SERVER_HELLO: u8 = 2;
    const USE_SRTP: u16 = 14;
    if datagram.first() != Some(&HANDSHAKE) || datagram.get(13) != Some(&SERVER_HELLO) {
        return None;
    }
    let u16_at = |at: usize| {
        let bytes = datagram.get(at..at + 2)?;
        Some(u16::from_be_bytes([bytes[0], bytes[1]]))
    };
    // Behind the headers of record (13) and handshake (12), version (2) and random (32).
    let session = usize::from(*datagram.get(59)?);
    // Session id, cipher suite (2), compression (1), length of the extensions (2).
    let mut at = 60 + session + 5;
    loop {
        let (kind, length) = (u16_at(at)?, usize::from(u16_at(at + 2)?));
        if kind == USE_SRTP {
            return Some(match u16_at(at + 6)? {
                1 => "AES128_CM_HMAC_SHA1_80",
                2 => "AES128_CM_HMAC_SHA1_32",
                7 => "AEAD_AES_128_GCM",
                8 => "AEAD_AES_256_GCM",
                _ => "another",
            });
        }
        at += 4 + length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_encrypted_and_gets_the_tag_of_its_profile() {
        for (profile, tag) in [
            (Profile::Aes128CmSha1_80, 10),
            (Profile::Aes128Gcm, 16),
            (Profile::Aes256Gcm, 16),
        ] {
            let cipher = Cipher::new(profile, 3);
            let mut packets = [[0x5a; 100 + TAG_MOST]; 2];
            for (packet, number) in packets.iter_mut().zip([1, 2]) {
                assert_eq!(cipher.protect(packet, 100, number), 100 + tag);
                assert_eq!(packet[8..12], [0, 0, 0, 3]);
            }
            assert_ne!(packets[0][12..100], [0x5a; 88]);
            assert_ne!(packets[0][12..100], packets[1][12..100]);
        }
    }

    #[test]
    fn the_profile_of_a_server_hello_is_read_and_nothing_else_is() {
        let mut hello = vec![22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];
        hello.extend([0; 11 + 34]);
        hello.push(2);
        hello.extend([9, 9, 0xc0, 0x2b, 0, 0, 14]);
        hello.extend([0, 23, 0, 0, 0, 14, 0, 5, 0, 2, 0, 7, 0]);
        assert_eq!(chosen_profile(&hello), Some("AEAD_AES_128_GCM"));
        assert_eq!(chosen_profile(&hello[..70]), None);
        hello[13] = 1;
        assert_eq!(chosen_profile(&hello), None);
        assert_eq!(chosen_profile(&[]), None);
    }
}
