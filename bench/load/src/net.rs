//! UDP sockets that hand over many packets a system call with the kernel's time of arrival, and
//! epoll. All unsafe code of the program is here and in send_batch.rs.

use std::io::{self, Error};
use std::mem::{size_of, zeroed};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, RawFd};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Packets taken from a socket by one system call.
const BATCH: usize = 32;
pub(crate) const PACKET_BYTES: usize = 2048;
/// Room for a time stamp and a counter of overflows.
const CONTROL_BYTES: usize = 64;
const RECEIVE_BUFFER_BYTES: libc::c_int = 2 << 20;

/// Memory that all sockets of a thread receive into.
pub struct Buffers {
    data: Vec<[u8; PACKET_BYTES]>,
    control: Vec<[u64; CONTROL_BYTES / 8]>,
    names: Vec<libc::sockaddr_storage>,
    vectors: Vec<libc::iovec>,
    headers: Vec<libc::mmsghdr>,
}

impl Buffers {
    pub fn new() -> Self {
        // SAFETY: these are plain C structures for which all zeros is a value.
        let (name, vector, header) = unsafe { (zeroed(), zeroed(), zeroed()) };
        Buffers {
            data: vec![[0; PACKET_BYTES]; BATCH],
            control: vec![[0; CONTROL_BYTES / 8]; BATCH],
            names: vec![name; BATCH],
            vectors: vec![vector; BATCH],
            headers: vec![header; BATCH],
        }
    }
}

/// One packet that arrived.
pub struct Arrival<'a> {
    pub from: SocketAddr,
    /// When the kernel had it, since 1970.
    pub at: Duration,
    pub bytes: &'a [u8],
}

pub struct Udp {
    socket: UdpSocket,
    local: SocketAddr,
    /// Packets that the kernel threw away because this program did not fetch them in time.
    pub overflowed: u32,
}

impl Udp {
    pub fn bind(address: IpAddr) -> io::Result<Self> {
        let socket = UdpSocket::bind((address, 0))?;
        socket.set_nonblocking(true)?;
        let fd = socket.as_raw_fd();
        set_option(fd, libc::SO_TIMESTAMPNS, 1)?;
        set_option(fd, libc::SO_RXQ_OVFL, 1)?;
        // Above the system's limit where that is allowed, up to the limit elsewhere.
        if set_option(fd, libc::SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES).is_err() {
            set_option(fd, libc::SO_RCVBUF, RECEIVE_BUFFER_BYTES)?;
        }
        let local = socket.local_addr()?;
        Ok(Udp {
            socket,
            local,
            overflowed: 0,
        })
    }

    pub fn local(&self) -> SocketAddr {
        self.local
    }

    pub fn fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }

    /// Whether the packet went out; a full buffer or an unreachable port loses it, as a network would.
    pub fn send(&self, bytes: &[u8], to: SocketAddr) -> bool {
        self.socket.send_to(bytes, to).is_ok()
    }

    /// Gives every packet that waits, up to a batch, to `each`.
    ///
    /// Returns whether there may be more.
    pub fn receive(&mut self, buffers: &mut Buffers, mut each: impl FnMut(Arrival)) -> bool {
        for i in 0..BATCH {
            buffers.vectors[i] = libc::iovec {
                iov_base: buffers.data[i].as_mut_ptr().cast(),
                iov_len: PACKET_BYTES,
            };
            let header = &mut buffers.headers[i].msg_hdr;
            header.msg_name = (&raw mut buffers.names[i]).cast();
            header.msg_namelen = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
            header.msg_iov = &raw mut buffers.vectors[i];
            header.msg_iovlen = 1;
            header.msg_control = buffers.control[i].as_mut_ptr().cast();
            header.msg_controllen = CONTROL_BYTES as _;
        }
        // SAFETY: every header points into `buffers`, which outlives the call, with true lengths.
        let count = unsafe {
            libc::recvmmsg(
                self.socket.as_raw_fd(),
                buffers.headers.as_mut_ptr(),
                BATCH as libc::c_uint,
                libc::MSG_DONTWAIT as _,
                std::ptr::null_mut(),
            )
        };
        let count = usize::try_from(count).unwrap_or(0);
        for i in 0..count {
            let length = buffers.headers[i].msg_len as usize;
            let Some(from) = address_of(&buffers.names[i]) else {
                continue;
            };
            let (at, overflowed) = read_control(&buffers.headers[i].msg_hdr);
            if let Some(overflowed) = overflowed {
                self.overflowed = overflowed;
            }
            each(Arrival {
                from,
                at: at.unwrap_or_else(since_1970),
                bytes: &buffers.data[i][..length],
            });
        }
        count == BATCH
    }
}

/// The clock that the kernel's time stamps are of.
pub fn since_1970() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// CPU time of the calling thread, user and system.
pub fn thread_cpu() -> Duration {
    // SAFETY: clock_gettime fills the structure that it is given.
    let time: libc::timespec = unsafe {
        let mut time = zeroed();
        libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time);
        time
    };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Raises the limit of open files as far as the system lets this program.
pub fn raise_file_limit() {
    // SAFETY: both calls only read or fill the structure.
    unsafe {
        let mut limit: libc::rlimit = zeroed();
        if libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) == 0 {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
        }
    }
}

/// Calls `handler` on SIGTERM and SIGINT; it may only set an atomic.
pub fn on_end_signals(handler: extern "C" fn(libc::c_int)) {
    for signal in [libc::SIGTERM, libc::SIGINT] {
        // SAFETY: the handler does nothing but what is safe in a signal handler.
        unsafe { libc::signal(signal, handler as *const () as libc::sighandler_t) };
    }
}

pub struct Epoll {
    fd: RawFd,
    events: Vec<libc::epoll_event>,
}

impl Epoll {
    pub fn new() -> io::Result<Self> {
        // SAFETY: takes no pointers.
        let fd = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if fd < 0 {
            return Err(Error::last_os_error());
        }
        Ok(Epoll {
            fd,
            events: vec![libc::epoll_event { events: 0, u64: 0 }; 1024],
        })
    }

    /// Level triggered: what is not fetched is told again. Closing the descriptor takes it out.
    pub fn add(&self, fd: RawFd, token: u64) -> io::Result<()> {
        let mut event = libc::epoll_event {
            events: libc::EPOLLIN as u32,
            u64: token,
        };
        // SAFETY: the kernel copies the event.
        match unsafe { libc::epoll_ctl(self.fd, libc::EPOLL_CTL_ADD, fd, &mut event) } {
            0 => Ok(()),
            _ => Err(Error::last_os_error()),
        }
    }

    /// Tokens of what is readable, in `into`.
    pub fn wait(&mut self, at_most: Duration, into: &mut Vec<u64>) {
        into.clear();
        let ms = at_most.as_micros().div_ceil(1000).min(1000) as libc::c_int;
        // SAFETY: the list is as long as told.
        let count = unsafe {
            libc::epoll_wait(
                self.fd,
                self.events.as_mut_ptr(),
                self.events.len() as _,
                ms,
            )
        };
        let count = usize::try_from(count).unwrap_or(0);
        into.extend(self.events[..count].iter().map(|event| event.u64));
    }
}

impl Drop for Epoll {
    fn drop(&mut self) {
        // SAFETY: the descriptor is this object's own.
        unsafe { libc::close(self.fd) };
    }
}

fn set_option(fd: RawFd, option: libc::c_int, value: libc::c_int) -> io::Result<()> {
    // SAFETY: the value is an int of the length given.
    let result = unsafe {
        libc::setsockopt(
            fd,
            libc::SOL_SOCKET,
            option,
            (&raw const value).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(Error::last_os_error())
    }
}

fn address_of(name: &libc::sockaddr_storage) -> Option<SocketAddr> {
    let pointer = &raw const *name;
    match libc::c_int::from(name.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says which structure the kernel wrote.
            let v4 = unsafe { *pointer.cast::<libc::sockaddr_in>() };
            let ip = IpAddr::from(v4.sin_addr.s_addr.to_ne_bytes());
            Some(SocketAddr::new(ip, u16::from_be(v4.sin_port)))
        }
        libc::AF_INET6 => {
            // SAFETY: as above.
            let v6 = unsafe { *pointer.cast::<libc::sockaddr_in6>() };
            Some(SocketAddr::new(
                IpAddr::from(v6.sin6_addr.s6_addr),
                u16::from_be(v6.sin6_port),
            ))
        }
        _ => None,
    }
}

/// The time of arrival and the count of overflows.
fn read_control(header: &libc::msghdr) -> (Option<Duration>, Option<u32>) {
    let (mut at, mut overflowed) = (None, None);
    // SAFETY: the kernel wrote the control messages and their lengths; these macros walk them.
    unsafe {
        let mut message = libc::CMSG_FIRSTHDR(header);
        while !message.is_null() {
            let data = libc::CMSG_DATA(message);
            match ((*message).cmsg_level, (*message).cmsg_type) {
                (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) => {
                    let time: libc::timespec = data.cast::<libc::timespec>().read_unaligned();
                    at = Some(Duration::new(time.tv_sec as u64, time.tv_nsec as u32));
                }
                (libc::SOL_SOCKET, libc::SO_RXQ_OVFL) => {
                    overflowed = Some(data.cast::<u32>().read_unaligned());
                }
                _ => {}
            }
            message = libc::CMSG_NXTHDR(header, message);
        }
    }
    (at, overflowed)
}
