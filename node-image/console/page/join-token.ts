import { type Entry, tokenFacts } from './entry';
import { EXPIRED, TokenRefused, unreachable } from './problems';

/**
 * The token to join with: the one of the link, or a new one when the server gives tokens.
 *
 * @throws TokenRefused with what to tell the person.
 */
export async function joinToken(entry: Entry, name: string, room: string): Promise<string> {
  if (entry.token !== '') {
    const facts = tokenFacts(entry.token);
    if (facts === undefined) {
      throw new TokenRefused({
        title: 'This link is damaged',
        advice: 'Its token is not one: copy the whole link again, up to its last character.',
      });
    }
    if (facts.expiresAt !== undefined && facts.expiresAt < Date.now())
      throw new TokenRefused(EXPIRED);
    return entry.token;
  }

  let answer: Response;
  try {
    answer = await fetch('/meet/token', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name, room }),
    });
  } catch {
    throw new TokenRefused(unreachable(location.origin));
  }
  const said: { token?: string; error?: string } = await answer.json().catch(() => ({}));
  if (answer.ok && said.token !== undefined) return said.token;
  throw new TokenRefused({
    title: 'The server gave no token',
    advice: said.error ?? `It answered ${answer.status}. Try again in a moment.`,
  });
}
