// The only way out of a document: what a person does goes to whoever shows it, which says what document that was.
(() => {
  const framed = parent !== window;
  const post = parent.postMessage.bind(parent);
  const say = (message) => {
    const text = JSON.stringify({ bulkhead: 'canvas', ...message });
    if (text.length > 16384) throw new RangeError('too much at once');
    if (framed) post(text, '*');
    else location.href = 'bulkhead-canvas:' + encodeURIComponent(text);
  };
  const send = (name, data) => say({ type: 'act', name: String(name), data: data === undefined ? null : data });
  Object.defineProperty(window, 'bulkhead', { value: Object.freeze({ send }) });
  addEventListener('click', (event) => {
    const link = event.composedPath().find((one) => one instanceof HTMLAnchorElement && one.href);
    if (!link) return;
    const here = new URL(location.href);
    const to = new URL(link.href, here);
    if (to.origin === here.origin && to.pathname.startsWith('/__openclaw__/')) return;
    if (to.href.split('#')[0] === here.href.split('#')[0]) return;
    event.preventDefault();
    if (event.isTrusted && /^https?:$/.test(to.protocol)) say({ type: 'link', href: to.href });
  }, true);
  for (const name of ['RTCPeerConnection', 'webkitRTCPeerConnection', 'RTCDataChannel', 'RTCIceTransport', 'WebTransport']) {
    try { delete window[name]; } catch { /* it is not there */ }
  }
  // Frames within the page would have all of that anew, where a browser knows no list of allowed connections.
  const watch = (root) => new MutationObserver(() => {
    for (const one of root.querySelectorAll('iframe, frame, object, embed, fencedframe')) one.remove();
  }).observe(root, { childList: true, subtree: true });
  const attach = Element.prototype.attachShadow;
  Element.prototype.attachShadow = function (options) {
    const root = attach.call(this, options);
    watch(root);
    return root;
  };
  watch(document);
})();
