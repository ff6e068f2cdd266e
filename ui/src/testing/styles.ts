/** Components are tested as they look: contrast and focus depend on it. */
import '../styles/tokens.css';
import '../styles/base.css';
