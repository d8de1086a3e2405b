// What the proxies of pods and Services change in an answer, so that a browser stays on the proxy's path: links in HTML, and where a
// redirect leads. Called by node-paths.ts and proxied.ts. Upstream: k8s.io/apimachinery/pkg/util/proxy/transport.go.

/** From where a request came, and where it was sent. */
export interface ProxyPlace {
  /** The proxy's own path, before the part that is handed on. */
  readonly prefix: string
  /** `10.244.1.2:80`, as links of the page itself may have it. */
  readonly host?: string | undefined
}

const linksOf: Readonly<Record<string, readonly string[]>> = {
  a: ['href'],
  applet: ['codebase'],
  area: ['href'],
  audio: ['src'],
  base: ['href'],
  blockquote: ['cite'],
  body: ['background'],
  button: ['formaction'],
  command: ['icon'],
  del: ['cite'],
  embed: ['src'],
  form: ['action'],
  frame: ['longdesc', 'src'],
  head: ['profile'],
  html: ['manifest'],
  iframe: ['longdesc', 'src'],
  img: ['longdesc', 'src', 'usemap'],
  input: ['formaction', 'src', 'usemap'],
  ins: ['cite'],
  link: ['href'],
  object: ['classid', 'codebase', 'data', 'usemap'],
  q: ['cite'],
  script: ['src'],
  source: ['src'],
  track: ['src'],
  video: ['poster', 'src'],
}

export function isHtml(contentType: string | undefined): boolean {
  return /^\s*text\/html\s*(;|$)/i.test(contentType ?? '')
}

export function withLinksLed(html: string, place: ProxyPlace): string {
  return html.replace(/<([a-z][a-z0-9]*)\b[^>]*>/gi, (tag, element: string) => {
    const names = linksOf[element.toLowerCase()]
    if (names === undefined) return tag
    return tag.replace(/(\s)([a-z]+)(\s*=\s*)(["'])(.*?)\4/gis, (whole, space, name, equals, quote, url) =>
      names.includes(name.toLowerCase()) ? `${space}${name}${equals}${quote}${led(url, place)}${quote}` : whole,
    )
  })
}

/** The URL as the client is to ask for it. */
export function led(url: string, { prefix, host }: ProxyPlace): string {
  const [, authority, rest = ''] = /^(?:(?:https?:)?\/\/([^/?#]*))?(.*)$/is.exec(url) ?? []
  if (authority !== undefined && authority !== host) return url
  const path = rest === '' && authority !== undefined ? '/' : rest
  // What is relative already stays below the proxy.
  if (!path.startsWith('/') || path.startsWith(prefix)) return url
  return prefix + path
}
