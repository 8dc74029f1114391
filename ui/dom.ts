export type Child = Node | string | number | false | null | undefined | Child[];
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- handlers of any event
type Value = string | number | boolean | null | undefined | ((event: any) => unknown);
type Handlers = Partial<Pick<HTMLElement, 'onclick' | 'onchange' | 'oninput'>> & {
  onsubmit?: (event: SubmitEvent) => unknown;
};
export type Props = Handlers & Record<string, Value>;

const HANDLERS = ['onclick', 'onsubmit', 'onchange', 'oninput'] as const;

/** Makes an element. Data only ever becomes text or an attribute's value, never markup. `key` keeps its identity in `patch`. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === 'function') Object.assign(element, { [name]: value });
    else if (name === 'key') element.dataset.key = String(value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  add(element, children);
  return element;
}

export function add(to: Node, children: Child[]): void {
  for (const child of children) {
    if (Array.isArray(child)) add(to, child);
    else if (child instanceof Node) to.appendChild(child);
    else if (child !== undefined && child !== null && child !== false)
      to.appendChild(document.createTextNode(String(child)));
  }
}

const same = (a: Node | undefined, b: Node): boolean => {
  if (!a || a.nodeName !== b.nodeName) return false;
  return !(a instanceof HTMLElement && b instanceof HTMLElement) || a.dataset.key === b.dataset.key;
};

/**
 * Makes `shown` look like `wanted` with as few changes as possible, so that focus, selection, scrolling and opened details stay.
 * What a user typed into a field is left alone.
 */
export function patch(shown: Element, wanted: Element): void {
  for (const { name } of [...shown.attributes]) {
    if (!wanted.hasAttribute(name) && !(name === 'open' && shown.nodeName === 'DETAILS')) shown.removeAttribute(name);
  }
  for (const { name, value } of [...wanted.attributes]) {
    if (name === 'open' && shown.nodeName === 'DETAILS') continue;
    if (shown.getAttribute(name) !== value) shown.setAttribute(name, value);
  }
  if (shown instanceof HTMLElement && wanted instanceof HTMLElement) {
    for (const name of HANDLERS) if (shown[name] !== wanted[name]) Object.assign(shown, { [name]: wanted[name] });
  }
  const next = [...wanted.childNodes];
  for (const [i, child] of next.entries()) {
    const present = shown.childNodes[i];
    // A keyed element that stood further down moves up: lists keep their rows when one goes away.
    const key = child instanceof HTMLElement ? child.dataset.key : undefined;
    const later =
      key === undefined || same(present, child)
        ? undefined
        : [...shown.childNodes].slice(i).find((each) => same(each, child));
    if (later) shown.insertBefore(later, present ?? null);
    const current = shown.childNodes[i];
    if (!current) shown.appendChild(child);
    else if (!same(current, child)) shown.replaceChild(child, current);
    else if (current instanceof Element) patch(current, child as Element);
    else if (current.textContent !== child.textContent) current.textContent = child.textContent;
  }
  while (shown.childNodes.length > next.length) shown.lastChild?.remove();
}

/** Shows `children` in `container`, changing only what differs. */
export function show(container: Element, ...children: Child[]): void {
  const wanted = container.cloneNode(false) as Element;
  add(wanted, children);
  if (container instanceof HTMLElement && wanted instanceof HTMLElement) {
    for (const name of HANDLERS) Object.assign(wanted, { [name]: container[name] });
  }
  patch(container, wanted);
}
