/**
 * Imported before the SDK: keeps the log of libwebrtc out of JavaScript. It comes line by line
 * otherwise, even where nobody reads it, and costs more than the media of many small clients.
 */
import { createRequire } from 'node:module';

type Initialize = (onEvent: unknown, capturesLogs: boolean, version: string) => void;

const fromSdk = createRequire(require.resolve('@livekit/rtc-node'));
const native = fromSdk('@livekit/rtc-ffi-bindings') as { livekitInitialize: Initialize };
const initialize = native.livekitInitialize;
// What it logs then is what RUST_LOG asks for, on stderr.
native.livekitInitialize = (onEvent, _capturesLogs, version) => initialize(onEvent, false, version);
