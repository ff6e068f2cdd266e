/** Components are tested as they look: contrast, focus and scrolling depend on it. */
import '../styles/tokens.css';
import '../styles/base.css';

// The app fills its window; what a test draws into fills it too.
const sheet = new CSSStyleSheet();
sheet.replaceSync('body > div { height: 100%; }');
document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
