/**
 * Markdown from a model or a stranger, made safe. Three nets: `marked` renders with raw HTML escaped,
 * DOMPurify lets a short list of tags and attributes through, and images never load: each becomes a
 * link with its address shown, so that nothing is fetched by looking at a message.
 */
import DOMPurify from 'dompurify';
import { Marked, type Tokens } from 'marked';

const TAGS = [
  'p', 'br', 'hr', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'strong', 'em', 'del', 'code', 'pre', 'blockquote',
  'ul', 'ol', 'li', 'a', 'table', 'thead', 'tbody', 'tr', 'th', 'td', 'span', 'div',
];
const ATTRIBUTES = ['href', 'title', 'class', 'start', 'data-language', 'data-external', 'data-image'];
const CLASSES = new Set(['code', 'code-head', 'image-link', 'task', 'align-left', 'align-center', 'align-right', 'table']);
const LIMIT = 200_000;

export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** Only addresses that a person can recognise and a browser opens without running anything. */
export function safeAddress(raw: string): string | null {
  // Browsers skip control characters and spaces inside a scheme ("java\tscript:"): so do we before judging.
  const text = raw.replace(/[\u0000-\u0020\u007f-\u009f\u200b-\u200f\u2028\u2029\ufeff]/g, '');
  try {
    const url = new URL(text);
    return url.protocol === 'http:' || url.protocol === 'https:' || url.protocol === 'mailto:' ? url.href : null;
  } catch {
    return null;
  }
}

const marked = new Marked({
  gfm: true,
  breaks: true,
  async: false,
  renderer: {
    html(token: Tokens.HTML | Tokens.Tag) {
      return escapeHtml(token.raw);
    },
    code({ text, lang }: Tokens.Code) {
      const language = (lang ?? '').match(/^[\w+#.-]{1,24}/)?.[0] ?? '';
      return `<div class="code" data-language="${escapeHtml(language)}"><pre><code>${escapeHtml(text)}\n</code></pre></div>`;
    },
    image({ href, text }: Tokens.Image) {
      const address = safeAddress(href);
      const words = escapeHtml(text || address || href.slice(0, 80));
      return address
        ? `<a class="image-link" data-image="1" href="${escapeHtml(address)}">${words}</a>`
        : `<span class="image-link">${words}</span>`;
    },
    link(token: Tokens.Link) {
      const address = safeAddress(token.href);
      const words = this.parser.parseInline(token.tokens);
      return address ? `<a href="${escapeHtml(address)}">${words}</a>` : `<span>${words}</span>`;
    },
    checkbox({ checked }: Tokens.Checkbox) {
      return `<span class="task">${checked ? '☑' : '☐'} </span>`;
    },
    tablecell(token: Tokens.TableCell) {
      const tag = token.header ? 'th' : 'td';
      const align = token.align ? ` class="align-${token.align}"` : '';
      return `<${tag}${align}>${this.parser.parseInline(token.tokens)}</${tag}>\n`;
    },
  },
});

const purifier = typeof window === 'undefined' ? null : DOMPurify(window);
purifier?.addHook('afterSanitizeAttributes', (node) => {
  if (node.hasAttribute('class')) {
    const kept = [...node.classList].filter((name) => CLASSES.has(name));
    if (kept.length) node.setAttribute('class', kept.join(' '));
    else node.removeAttribute('class');
  }
  if (node.tagName !== 'A') return;
  const address = safeAddress(node.getAttribute('href') ?? '');
  if (address) {
    node.setAttribute('href', address);
    node.setAttribute('data-external', '1');
    node.setAttribute('rel', 'noopener noreferrer nofollow');
    node.setAttribute('target', '_blank');
  } else {
    node.removeAttribute('href');
  }
});

/** Safe HTML for a message. */
export function renderMarkdown(text: string): string {
  const shown = text.length > LIMIT ? `${text.slice(0, LIMIT)}\n\n…` : text;
  if (!purifier) return escapeHtml(shown);
  let html: string;
  try {
    html = marked.parse(shown) as string;
  } catch {
    html = `<p>${escapeHtml(shown)}</p>`;
  }
  return purifier.sanitize(html, {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ATTRIBUTES,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    RETURN_TRUSTED_TYPE: false,
  });
}
