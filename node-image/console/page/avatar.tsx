/** Stands for somebody whose camera is off: the initials, in a colour of their own. */
export function Avatar({ name }: { readonly name: string }) {
  const initials = name
    .trim()
    .split(/\s+/)
    .map((word) => [...word][0] ?? '')
    .filter((_, index, all) => index === 0 || index === all.length - 1)
    .join('')
    .toUpperCase();
  return (
    <span
      className="avatar"
      aria-hidden="true"
      style={{ backgroundColor: `hsl(${hue(name)} 42% 34%)` }}
    >
      {initials || '?'}
    </span>
  );
}

const hue = (name: string): number =>
  [...name].reduce((sum, char) => (sum * 31 + (char.codePointAt(0) ?? 0)) % 360, 200);
