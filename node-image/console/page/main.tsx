import '@livekit/components-styles';
import './page.css';
import './conference.css';
import { setLogLevel } from '@livekit/components-react';
import { createRoot } from 'react-dom/client';
import { App } from './app';
import { readEntry } from './entry';

const root = document.getElementById('page');
if (root === null) throw new Error('the page has no element "page" to draw into');

setLogLevel('warn');
const entry = readEntry(location.href, document.documentElement.dataset['development'] === 'true');
createRoot(root).render(<App entry={entry} />);
// A link with another token or room, pasted into the same tab, changes the fragment only.
window.addEventListener('hashchange', () => location.reload());
