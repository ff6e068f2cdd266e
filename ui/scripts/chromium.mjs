// Finds a Chrome or Chromium that is already on this machine; nothing is downloaded.
import { existsSync } from 'node:fs';

const PLACES = [
  process.env.BULKHEAD_CHROME,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
];

export function chromium() {
  const found = PLACES.find((place) => place && existsSync(place));
  if (!found) throw new Error('No Chrome or Chromium found. Install one, or set BULKHEAD_CHROME to its path.');
  return { executablePath: found, args: ['--no-sandbox', '--disable-dev-shm-usage'] };
}
