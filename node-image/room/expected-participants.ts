import { type ParticipantInfo, ParticipantPermission } from '@livekit/protocol';
import type { Grants } from './grants';
import type { CarriedParticipant } from './handover';
import { isDependent } from './participant-kind';
import { grantsWith } from './permission';

/**
 * Who is in a Room by right, and on the way back to it: its node, or its path, has changed. For
 * others it never left.
 */
export class ExpectedParticipant {
  name: string;
  metadata: string;
  attributes: Record<string, string>;
  readonly isAnnounced: boolean;
  readonly #info: ParticipantInfo;
  #permission: ParticipantPermission;
  #grants: Grants;
  #changes = 0;

  constructor(
    { info, grants, isAnnounced }: CarriedParticipant,
    /** When it has left for good, ms. */
    readonly untilMs: number,
  ) {
    this.#info = info;
    this.name = info.name;
    this.metadata = info.metadata;
    this.attributes = { ...info.attributes };
    this.isAnnounced = isAnnounced;
    this.#permission = info.permission?.clone() ?? new ParticipantPermission();
    this.#grants = grants;
  }

  get identity(): string {
    return this.#info.identity;
  }

  get joinedAtMs(): number {
    return Number(this.#info.joinedAtMs);
  }

  get permission(): ParticipantPermission {
    return this.#permission;
  }

  get grants(): Grants {
    return this.#grants;
  }

  get hidden(): boolean {
    return this.#permission.hidden;
  }

  get isPublisher(): boolean {
    return this.#info.isPublisher;
  }

  /** A program that serves the Room, for which alone the Room does not stay open. */
  get dependent(): boolean {
    return isDependent(this.#grants) || this.#permission.recorder || this.#permission.agent;
  }

  setPermission(permission: ParticipantPermission): void {
    this.#permission = permission.clone();
    this.#grants = { ...this.#grants, video: grantsWith(this.#grants.video, permission) };
  }

  /** To be called when something that others see has changed. */
  touch(): void {
    this.#changes += 1;
  }

  /** As others see it. Without tracks: it is about to publish them with other sids. */
  info(): ParticipantInfo {
    const info = this.#info.clone();
    info.tracks = [];
    info.dataTracks = [];
    info.name = this.name;
    info.metadata = this.metadata;
    info.attributes = { ...this.attributes };
    info.permission = this.#permission.clone();
    info.version += this.#changes;
    return info;
  }

  carried(): CarriedParticipant {
    return { info: this.info(), grants: this.#grants, isAnnounced: this.isAnnounced };
  }
}

/** Those who are expected in one Room, by identity. */
export class ExpectedParticipants {
  readonly #byIdentity = new Map<string, ExpectedParticipant>();

  get size(): number {
    return this.#byIdentity.size;
  }

  get(identity: string): ExpectedParticipant | undefined {
    return this.#byIdentity.get(identity);
  }

  values(): ExpectedParticipant[] {
    return [...this.#byIdentity.values()];
  }

  add(expected: ExpectedParticipant): void {
    this.#byIdentity.set(expected.identity, expected);
  }

  /** Expects it no more. */
  take(identity: string): ExpectedParticipant | undefined {
    const expected = this.#byIdentity.get(identity);
    this.#byIdentity.delete(identity);
    return expected;
  }

  /** Those who should have come by now. */
  overdue(nowMs: number): ExpectedParticipant[] {
    return this.size === 0 ? [] : this.values().filter(({ untilMs }) => untilMs <= nowMs);
  }
}
