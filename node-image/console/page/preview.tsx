import {
  MediaDeviceMenu,
  TrackToggle,
  usePreviewTracks,
  useTrackVolume,
} from '@livekit/components-react';
import {
  facingModeFromLocalTrack,
  type LocalAudioTrack,
  LocalVideoTrack,
  Track,
  VideoPresets,
} from 'livekit-client';
import { useCallback, useEffect, useRef, useState } from 'react';
import { Avatar } from './avatar';
import { Notice } from './notice';
import { type Device, deviceProblem, type Problem } from './problems';

interface PreviewProps {
  readonly name: string;
  readonly audio: boolean;
  readonly video: boolean;
  readonly audioDeviceId: string;
  readonly videoDeviceId: string;
  readonly onAudio: (on: boolean) => void;
  readonly onVideo: (on: boolean) => void;
  readonly onAudioDevice: (deviceId: string) => void;
  readonly onVideoDevice: (deviceId: string) => void;
}

/** One's own camera and microphone before anybody else sees or hears them. */
export function Preview(props: PreviewProps) {
  const [cameraProblem, cameraFailed] = useDeviceProblem('camera');
  const [microphoneProblem, microphoneFailed] = useDeviceProblem('microphone');
  // The device in hand when the page opened: later changes go to the running track.
  const [firstVideo] = useState(props.videoDeviceId);
  const [firstAudio] = useState(props.audioDeviceId);
  // Asked for apart, so that a missing camera does not take the microphone with it.
  const camera = usePreviewTracks(
    {
      audio: false,
      video: props.video && { deviceId: firstVideo, resolution: VideoPresets.h720.resolution },
    },
    cameraFailed,
  )?.find((track) => track instanceof LocalVideoTrack);
  const microphone = usePreviewTracks(
    { audio: props.audio && { deviceId: firstAudio }, video: false },
    microphoneFailed,
  )?.find((track): track is LocalAudioTrack => track.kind === Track.Kind.Audio);

  // Stable, because TrackToggle calls its onChange whenever that is another function.
  const { onAudio, onVideo } = props;
  const switchMicrophone = useCallback(
    (on: boolean) => {
      microphoneFailed(undefined);
      onAudio(on);
    },
    [microphoneFailed, onAudio],
  );
  const switchCamera = useCallback(
    (on: boolean) => {
      cameraFailed(undefined);
      onVideo(on);
    },
    [cameraFailed, onVideo],
  );

  return (
    <section className="preview" aria-label="Camera and microphone">
      <div className="preview-stage">
        {props.video && camera ? (
          <PreviewVideo track={camera} />
        ) : (
          <div className="preview-off">
            <Avatar name={props.name} />
            <span>
              {props.video ? (cameraProblem?.title ?? 'Starting the camera…') : 'Camera is off'}
            </span>
          </div>
        )}
        {props.audio && microphone && <Level track={microphone} />}
        <span className="preview-name">{props.name}</span>
      </div>
      <div className="preview-controls">
        <div className="lk-button-group">
          <TrackToggle
            source={Track.Source.Microphone}
            initialState={props.audio}
            onChange={switchMicrophone}
          >
            Microphone
          </TrackToggle>
          <div className="lk-button-group-menu">
            <MediaDeviceMenu
              aria-label="Choose a microphone"
              kind="audioinput"
              initialSelection={props.audioDeviceId}
              disabled={!microphone}
              tracks={{ audioinput: microphone }}
              onActiveDeviceChange={(_kind, deviceId) => props.onAudioDevice(deviceId)}
            />
          </div>
        </div>
        <div className="lk-button-group">
          <TrackToggle
            source={Track.Source.Camera}
            initialState={props.video}
            onChange={switchCamera}
          >
            Camera
          </TrackToggle>
          <div className="lk-button-group-menu">
            <MediaDeviceMenu
              aria-label="Choose a camera"
              kind="videoinput"
              initialSelection={props.videoDeviceId}
              disabled={!camera}
              tracks={{ videoinput: camera }}
              onActiveDeviceChange={(_kind, deviceId) => props.onVideoDevice(deviceId)}
            />
          </div>
        </div>
      </div>
      {props.video && cameraProblem && <Notice problem={cameraProblem} />}
      {props.audio && microphoneProblem && <Notice problem={microphoneProblem} />}
    </section>
  );
}

function useDeviceProblem(
  device: Device,
): [Problem | undefined, (error: Error | undefined) => void] {
  const [problem, setProblem] = useState<Problem>();
  const failed = useCallback(
    (error: Error | undefined) =>
      setProblem(error && deviceProblem(device, error, window.isSecureContext)),
    [device],
  );
  return [problem, failed];
}

function PreviewVideo({ track }: { readonly track: LocalVideoTrack }) {
  const element = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const video = element.current;
    if (video === null) return;
    track.attach(video);
    return () => void track.detach(video);
  }, [track]);
  return (
    <video
      ref={element}
      muted
      playsInline
      aria-label="Your camera"
      data-lk-facing-mode={facingModeFromLocalTrack(track).facingMode}
    />
  );
}

/** Shows that the microphone hears something. */
function Level({ track }: { readonly track: LocalAudioTrack }) {
  const volume = useTrackVolume(track);
  return (
    <span className="level" aria-hidden="true">
      {[0.6, 1, 0.75].map((share) => (
        <span key={share} style={{ height: `${20 + Math.min(1, volume * 2.2) * share * 80}%` }} />
      ))}
    </span>
  );
}
