import { type ClientOptions, PageClient } from './client';

declare global {
  interface Window {
    makeClient(options: ClientOptions): PageClient;
    /** Every peer connection that this page has opened. */
    peers: RTCPeerConnection[];
  }
}

window.makeClient = (options) => new PageClient(options);
window.peers = [];

/** Lets tests look at the SDP, whatever the client library hides. */
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(configuration?: RTCConfiguration) {
    super(configuration);
    window.peers.push(this);
  }
};
