/** A value as the query protocols of AWS write it. */
export type Xml =
  | string
  | number
  | boolean
  | undefined
  | readonly Xml[]
  | { readonly [name: string]: Xml };

/** Lists are of `member`, as in Auto Scaling, or of `item`, as in EC2. */
export function xmlOf(value: Xml, listName: 'member' | 'item'): string {
  if (value === undefined) return '';
  if (Array.isArray(value)) {
    return value.map((one: Xml) => `<${listName}>${xmlOf(one, listName)}</${listName}>`).join('');
  }
  if (typeof value === 'object') {
    return Object.entries(value as Readonly<Record<string, Xml>>)
      .filter(([, inner]) => inner !== undefined)
      .map(([name, inner]) => `<${name}>${xmlOf(inner, listName)}</${name}>`)
      .join('');
  }
  return String(value).replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}

/** `InstanceIds.member.1`, `.2` and so on of a query. */
export function listIn(query: URLSearchParams, name: string): string[] {
  const found: string[] = [];
  for (let at = 1; query.get(`${name}.${at}`) !== null; at += 1) {
    found.push(query.get(`${name}.${at}`) ?? '');
  }
  return found;
}
