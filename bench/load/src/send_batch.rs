//! Many packets for many addresses with one system call.

use std::mem::{size_of, zeroed};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;

use crate::net::PACKET_BYTES;

/// Packets that one system call sends at most.
pub const SEND_BATCH: usize = 32;

/// Packets for many addresses that go with one system call.
pub struct SendBatch {
    data: Vec<[u8; PACKET_BYTES]>,
    parts: Vec<(usize, SocketAddr)>,
}

impl SendBatch {
    pub fn new() -> Self {
        SendBatch {
            data: vec![[0; PACKET_BYTES]; SEND_BATCH],
            parts: Vec::with_capacity(SEND_BATCH),
        }
    }

    pub fn len(&self) -> usize {
        self.parts.len()
    }

    /// What the next packet is written to.
    pub fn buffer(&mut self) -> &mut [u8] {
        &mut self.data[self.parts.len()]
    }

    pub fn add(&mut self, length: usize, to: SocketAddr) {
        self.parts.push((length, to));
    }

    /// Sends all, and is empty; returns how many went out.
    pub fn send(&mut self, socket: &UdpSocket) -> u64 {
        let mut names: Vec<libc::sockaddr_in> = Vec::with_capacity(SEND_BATCH);
        let mut vectors: Vec<libc::iovec> = Vec::with_capacity(SEND_BATCH);
        let mut headers: Vec<libc::mmsghdr> = Vec::with_capacity(SEND_BATCH);
        for ((length, to), data) in self.parts.drain(..).zip(&mut self.data) {
            let SocketAddr::V4(to) = to else { continue };
            // SAFETY: these are plain C structures for which all zeros is a value.
            let (mut name, mut header): (libc::sockaddr_in, libc::mmsghdr) =
                unsafe { (zeroed(), zeroed()) };
            name.sin_family = libc::AF_INET as _;
            name.sin_port = to.port().to_be();
            name.sin_addr.s_addr = u32::from_ne_bytes(to.ip().octets());
            names.push(name);
            vectors.push(libc::iovec {
                iov_base: data.as_mut_ptr().cast(),
                iov_len: length,
            });
            header.msg_hdr.msg_namelen = size_of::<libc::sockaddr_in>() as _;
            header.msg_hdr.msg_iovlen = 1;
            headers.push(header);
        }
        for (index, header) in headers.iter_mut().enumerate() {
            header.msg_hdr.msg_name = (&raw mut names[index]).cast();
            header.msg_hdr.msg_iov = &raw mut vectors[index];
        }
        // SAFETY: every header points into lists that outlive the call and do not grow any more.
        let count = unsafe {
            libc::sendmmsg(
                socket.as_raw_fd(),
                headers.as_mut_ptr(),
                headers.len() as libc::c_uint,
                0,
            )
        };
        u64::try_from(count).unwrap_or(0)
    }
}
