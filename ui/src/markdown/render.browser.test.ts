import { describe, expect, it } from 'vitest';
import { renderMarkdown, safeAddress } from './render';

/** What a reader's browser would make of it. */
function page(text: string): HTMLElement {
  const root = document.createElement('div');
  root.innerHTML = renderMarkdown(text);
  return root;
}

const ATTACKS = [
  '<img src=x onerror=alert(1)>',
  '<img src="https://evil.example/pixel.png">',
  '<script>alert(1)</script>',
  '<svg onload=alert(1)>',
  '<svg><script>alert(1)</script></svg>',
  '<iframe src="https://evil.example"></iframe>',
  '<object data="x"></object><embed src="x">',
  '<form action="https://evil.example"><input name=a><button>go</button></form>',
  '<style>body{display:none}</style>',
  '<link rel=stylesheet href="https://evil.example/x.css">',
  '<meta http-equiv=refresh content="0;url=https://evil.example">',
  '<base href="https://evil.example/">',
  '<a href="javascript:alert(1)">x</a>',
  '<div style="background:url(https://evil.example/x)">x</div>',
  '<math><mtext></mtext><mglyph><style><img src=x onerror=alert(1)></style></mglyph></math>',
  '<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript>',
  '<details open ontoggle=alert(1)>x</details>',
  '<video src="https://evil.example/v" autoplay onloadstart=alert(1)></video>',
  '<template><img src=x onerror=alert(1)></template>',
  '[x](javascript:alert(1))',
  '[x](JaVaScRiPt:alert(1))',
  '[x](&#106;avascript:alert(1))',
  '[x](java\tscript:alert(1))',
  '[x](\u0001javascript:alert(1))',
  '[x](data:text/html,<script>alert(1)</script>)',
  '[x](vbscript:msgbox(1))',
  '[x](file:///etc/passwd)',
  '<javascript:alert(1)>',
  '![x](https://evil.example/pixel.png)',
  '![x](javascript:alert(1))',
  '![x](data:image/svg+xml;base64,PHN2Zz4=)',
  '![" onerror="alert(1)](https://evil.example/x.png)',
  '[x](https://evil.example/" onmouseover="alert(1))',
  '[![x](https://evil.example/pixel.png)](javascript:alert(1))',
  '```"><img src=x onerror=alert(1)>\ncode\n```',
  '`<img src=x onerror=alert(1)>`',
  '| <img src=x onerror=alert(1)> |\n| --- |\n| <script>alert(1)</script> |',
  '[ref]: javascript:alert(1)\n\n[ref]',
  '<p id="__proto__" name="cookie">x</p>',
];

const FORBIDDEN = 'script, img, svg, math, iframe, object, embed, form, input, button, style, link, meta, base, video, audio, template, source, picture, noscript, textarea, select';

describe('hostile text', () => {
  it.each(ATTACKS)('%s is harmless', (text) => {
    const root = page(text);
    expect(root.querySelectorAll(FORBIDDEN)).toHaveLength(0);
    for (const element of root.querySelectorAll('*')) {
      for (const { name, value } of element.attributes) {
        expect(name, element.outerHTML).toMatch(/^(href|title|class|start|rel|target|data-language|data-external|data-image)$/);
        expect(value).not.toMatch(/^\s*(javascript|vbscript|data|file):/i);
      }
    }
    for (const link of root.querySelectorAll('a[href]')) {
      expect(['http:', 'https:', 'mailto:']).toContain(new URL((link as HTMLAnchorElement).href).protocol);
      expect(link.getAttribute('rel')).toContain('noopener');
    }
  });

  it('fetches nothing and runs nothing when it is shown', async () => {
    const before = performance.getEntriesByType('resource').length;
    let ran = false;
    (window as unknown as Record<string, unknown>)['alert'] = () => (ran = true);
    const root = document.createElement('div');
    document.body.append(root);
    for (const text of ATTACKS) root.insertAdjacentHTML('beforeend', renderMarkdown(text));
    await new Promise((resolve) => setTimeout(resolve, 300));
    root.remove();
    expect(ran).toBe(false);
    const fetched = performance.getEntriesByType('resource').slice(before).map(({ name }) => name);
    expect(fetched.filter((name) => name.includes('evil'))).toEqual([]);
  });

  it('cannot be made slow', () => {
    const started = performance.now();
    for (const text of ['*'.repeat(20_000), '['.repeat(10_000), '> '.repeat(2_000), '`'.repeat(20_000), '<'.repeat(20_000), 'x'.repeat(500_000)]) renderMarkdown(text);
    expect(performance.now() - started).toBeLessThan(15_000);
  });
});

describe('ordinary text', () => {
  it('becomes headings, lists, tables and code', () => {
    const root = page('# Title\n\n1. one\n2. two\n\n- [x] done\n\n| a | b |\n| - | -: |\n| 1 | 2 |\n\n```rust\nfn main() {}\n```\n\n> quote, **bold**, `code`');
    for (const tag of ['h1', 'ol', 'ul', 'table', 'pre', 'blockquote', 'strong', 'code']) expect(root.querySelector(tag), tag).not.toBeNull();
    expect(root.querySelector('.code')?.getAttribute('data-language')).toBe('rust');
    expect(root.querySelector('pre')?.textContent).toBe('fn main() {}\n');
    expect(root.querySelector('td.align-right')?.textContent).toBe('2');
    expect(root.textContent).toContain('☑');
  });

  it('shows HTML as the text that it is', () => {
    expect(page('Use <b>bold</b> & <br>').textContent).toContain('<b>bold</b> & <br>');
  });

  it('makes an image a link that names it', () => {
    const link = page('![a cat](https://example.org/cat.png)').querySelector('a.image-link')!;
    expect(link.textContent).toBe('a cat');
    expect(link.getAttribute('href')).toBe('https://example.org/cat.png');
  });

  it('breaks lines as they were written', () => {
    expect(page('one\ntwo').querySelectorAll('br')).toHaveLength(1);
  });
});

describe('an address', () => {
  it.each([
    ['https://example.org/a?b#c', 'https://example.org/a?b#c'], ['http://127.0.0.1:1/', 'http://127.0.0.1:1/'], ['mailto:a@b.c', 'mailto:a@b.c'],
    ['javascript:alert(1)', null], ['java\nscript:alert(1)', null], [' javascript:x', null], ['\u200bjavascript:x', null],
    ['tauri://localhost', null], ['file:///x', null], ['relative/path', null], ['//evil.example', null], ['', null],
  ])('%j', (text, expected) => {
    expect(safeAddress(text)).toBe(expected);
  });
});
