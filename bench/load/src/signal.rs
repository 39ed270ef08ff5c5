//! LiveKit's signal connection: a WebSocket that never blocks the thread.

use std::io;
use std::net::{IpAddr, TcpStream, ToSocketAddrs};
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use prost::Message as _;
use tungstenite::handshake::{HandshakeError, MidHandshake, client::ClientHandshake};
use tungstenite::{Message, WebSocket, client::IntoClientRequest, http::HeaderValue};

use crate::proto::{Request, Response, SignalRequest, SignalResponse};

/// The protocol version of current client SDKs.
const PROTOCOL: u32 = 17;
/// How long the server's kernel may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

enum State {
    Opening(MidHandshake<ClientHandshake<TcpStream>>),
    Open(Box<WebSocket<TcpStream>>),
    Closed,
}

pub struct Signal {
    state: State,
    fd: RawFd,
    local: IpAddr,
}

impl Signal {
    /// Begins to connect; `read` goes on with it when the socket is readable.
    pub fn connect(url: &str, token: &str, auto_subscribe: bool) -> Result<Self, String> {
        let given = url;
        let url = format!(
            "{}/rtc?auto_subscribe={}&protocol={PROTOCOL}&adaptive_stream=0",
            url.trim_end_matches('/'),
            u8::from(auto_subscribe)
        );
        let mut request = url
            .into_client_request()
            .map_err(|error| format!("url \"{given}\": {error}"))?;
        let bearer = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|_| "a token has characters that no header may have".to_string())?;
        request.headers_mut().insert("Authorization", bearer);
        let uri = request.uri();
        let host = uri
            .host()
            .unwrap_or_default()
            .trim_matches(['[', ']'])
            .to_string();
        let address = (host.as_str(), uri.port_u16().unwrap_or(80))
            .to_socket_addrs()
            .ok()
            .and_then(|mut found| found.next())
            .ok_or_else(|| format!("the host of \"{given}\" is not known"))?;
        let stream = TcpStream::connect_timeout(&address, CONNECT_TIMEOUT)
            .and_then(|stream| {
                stream.set_nodelay(true)?;
                stream.set_nonblocking(true)?;
                Ok(stream)
            })
            .map_err(|error| format!("cannot connect to {address}: {error}"))?;
        let fd = stream.as_raw_fd();
        let local = stream.local_addr().map_err(|error| error.to_string())?.ip();
        let state = opened(tungstenite::client(request, stream))?;
        Ok(Signal { state, fd, local })
    }

    pub fn fd(&self) -> RawFd {
        self.fd
    }

    /// The address of this machine that leads to the server.
    pub fn local(&self) -> IpAddr {
        self.local
    }

    /// The next message that has arrived; None when there is no more for now.
    pub fn read(&mut self) -> Result<Option<Response>, String> {
        loop {
            match std::mem::replace(&mut self.state, State::Closed) {
                State::Opening(handshake) => {
                    self.state = opened(handshake.handshake())?;
                    if matches!(self.state, State::Opening(_)) {
                        return Ok(None);
                    }
                }
                State::Open(mut socket) => {
                    let message = socket.read();
                    match message {
                        Ok(Message::Binary(bytes)) => {
                            self.state = State::Open(socket);
                            let response = SignalResponse::decode(bytes).map_err(|error| {
                                format!("a signal message cannot be read: {error}")
                            })?;
                            if response.message.is_some() {
                                return Ok(response.message);
                            }
                        }
                        Ok(Message::Close(_)) => {
                            return Err("the server closed the signal connection".into());
                        }
                        Ok(_) => {
                            // A ping has queued its pong.
                            let _ = socket.flush();
                            self.state = State::Open(socket);
                        }
                        Err(tungstenite::Error::Io(error)) if would_block(&error) => {
                            self.state = State::Open(socket);
                            return Ok(None);
                        }
                        Err(error) => return Err(format!("the signal connection ended: {error}")),
                    }
                }
                State::Closed => return Err("the signal connection is closed".into()),
            }
        }
    }

    /// Sends, or queues what the kernel does not take now; the next one takes it along.
    pub fn send(&mut self, request: Request) -> Result<(), String> {
        let State::Open(socket) = &mut self.state else {
            return Err("the signal connection is not open".into());
        };
        let bytes = SignalRequest {
            message: Some(request),
        }
        .encode_to_vec();
        match socket.send(Message::Binary(bytes.into())) {
            Err(tungstenite::Error::Io(error)) if would_block(&error) => Ok(()),
            Err(error) => Err(format!("cannot send on the signal connection: {error}")),
            Ok(()) => Ok(()),
        }
    }
}

fn opened(
    result: Result<
        (
            WebSocket<TcpStream>,
            tungstenite::handshake::client::Response,
        ),
        HandshakeError<ClientHandshake<TcpStream>>,
    >,
) -> Result<State, String> {
    match result {
        Ok((socket, _)) => Ok(State::Open(Box::new(socket))),
        Err(HandshakeError::Interrupted(handshake)) => Ok(State::Opening(handshake)),
        Err(HandshakeError::Failure(tungstenite::Error::Http(response))) => {
            let body = response.body().as_deref().unwrap_or_default();
            let text = String::from_utf8_lossy(body);
            Err(format!(
                "the server answered {} {}",
                response.status(),
                text.trim()
            ))
        }
        Err(HandshakeError::Failure(error)) => {
            Err(format!("the WebSocket was not opened: {error}"))
        }
    }
}

fn would_block(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}
