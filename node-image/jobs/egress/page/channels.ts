/** How sound is laid out on the two channels. Source: AudioMixing, livekit_egress.proto. */
export type Mixing = 'both' | 'agent' | 'alternate';

/** Which channel somebody is heard on. */
export type Channel = 'both' | 'left' | 'right';

export const mixingOf = (text: string | null): Mixing =>
  text === 'agent' || text === 'alternate' ? text : 'both';

/** Who is heard where: agents left of all others, or one after the other left and right. */
export class Channels {
  readonly #mixing: Mixing;
  /** By identity: whoever publishes anew stays where they were. */
  readonly #given = new Map<string, Channel>();

  constructor(mixing: Mixing) {
    this.#mixing = mixing;
  }

  of({ identity, isAgent }: { readonly identity: string; readonly isAgent: boolean }): Channel {
    if (this.#mixing === 'both') return 'both';
    if (this.#mixing === 'agent') return isAgent ? 'left' : 'right';
    const given = this.#given.get(identity) ?? (this.#given.size % 2 === 0 ? 'left' : 'right');
    this.#given.set(identity, given);
    return given;
  }
}
