/** The mark of the project: a gate, and water beneath it. */
export function Brand({ quiet = false }: { readonly quiet?: boolean }) {
  return (
    <span className="brand">
      <img src="/meet/assets/icon.svg" alt="" width="28" height="28" />
      <span className={quiet ? 'brand-name brand-quiet' : 'brand-name'}>
        Sluice <span>Meet</span>
      </span>
    </span>
  );
}
